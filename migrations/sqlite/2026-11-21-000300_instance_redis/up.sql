-- How an instance finds Redis: up, down, or nothing where it is to use none.
alter table instances add column redis text not null default '';
