-- Sessions of those who logged in with an API key and have no account, and the time zone an account reads in.
-- Without a foreign key: a key is looked up at every use of its session, and is never deleted but marked so.
alter table sessions add column api_key_id bigint;
alter table users add column time_zone text;
