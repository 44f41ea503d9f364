alter table users drop column time_zone;
delete from sessions where user_id is null;
alter table sessions drop column api_key_id;
