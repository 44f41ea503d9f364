-- Filters of the request log that somebody named, and the one that opens with the page.
create table log_views (
    id integer not null primary key,
    user_id bigint not null references users (id) on delete cascade,
    name text not null,
    query text not null,
    shared boolean not null default false,
    created_at timestamp not null,
    updated_at timestamp not null
);
create unique index log_views_user_id_name_unique on log_views (user_id, name);
-- Without a foreign key: a view that is gone opens nothing.
alter table users add column log_view_id bigint;

create index audit_log_actor on audit_log (actor, id);
create index audit_log_action on audit_log (action, id);
