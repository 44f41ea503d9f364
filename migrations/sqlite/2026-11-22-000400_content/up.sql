-- What operators write for those who use the gateway; version tells two editors apart.
create table documents (
    id integer not null primary key,
    title_en text not null default '',
    title_zh text not null default '',
    body_en text not null default '',
    body_zh text not null default '',
    category text not null default '',
    position bigint not null default 0,
    audience text not null,
    published boolean not null default false,
    version bigint not null default 1,
    updated_by text not null,
    created_at timestamp not null,
    updated_at timestamp not null
);

create table attachments (
    id integer not null primary key,
    document_id bigint not null references documents (id) on delete cascade,
    name text not null,
    kind text not null,
    size_bytes bigint not null,
    content blob not null,
    created_by text not null,
    created_at timestamp not null
);
create index attachments_document_id on attachments (document_id);

-- Who changed a thing last is asked for each setting.
create index audit_log_object on audit_log (object, id);
