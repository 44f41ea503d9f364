-- What the catalogue tells of a model. Empty and null: it is not known.
alter table models add column modalities text not null default '';
alter table models add column tools boolean;
