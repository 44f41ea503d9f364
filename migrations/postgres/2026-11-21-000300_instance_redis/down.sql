alter table instances drop column redis;
