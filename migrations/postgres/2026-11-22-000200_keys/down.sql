drop table key_links;
drop index api_keys_previous_hash;
alter table api_keys drop column previous_until;
alter table api_keys drop column previous_shown;
alter table api_keys drop column previous_hash;
alter table api_keys drop column tags;
