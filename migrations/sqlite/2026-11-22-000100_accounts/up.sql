-- A password that somebody else chose is changed at the first log-in.
alter table users add column must_change_password boolean not null default false;

-- One-time links by which an account gets its password; without an account, the first administrator is made.
create table setup_links (
    token_hash text not null primary key,
    user_id bigint references users (id) on delete cascade,
    created_at timestamp not null,
    expires_at timestamp not null
);
create index setup_links_user_id on setup_links (user_id);
