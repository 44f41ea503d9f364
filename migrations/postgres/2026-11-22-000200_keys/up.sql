-- What operators sort keys by, and the secret a key had before: it works until its moment has come.
alter table api_keys add column tags text not null default '[]';
alter table api_keys add column previous_hash text;
alter table api_keys add column previous_shown text not null default '';
alter table api_keys add column previous_until timestamp;
create index api_keys_previous_hash on api_keys (previous_hash) where previous_hash is not null;

-- One-time links about a key, by the hash of their token: one that shows the key once (then `sealed` holds it), or one
-- that opens the set-up of a tool.
create table key_links (
    token_hash text not null primary key,
    api_key_id bigint not null references api_keys (id) on delete cascade,
    kind text not null,
    sealed text not null default '',
    created_at timestamp not null,
    expires_at timestamp not null
);
create index key_links_api_key_id on key_links (api_key_id);
create index key_links_expires_at on key_links (expires_at);
