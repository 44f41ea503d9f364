alter table models drop column tools;
alter table models drop column modalities;
