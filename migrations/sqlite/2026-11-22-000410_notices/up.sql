-- What happened that somebody should know; the same thing within a while is one row. A reader is operators, user:ID or key:ID.
create table notices (
    id integer not null primary key,
    subject text not null,
    kind text not null,
    severity text not null,
    args text not null default '{}',
    reader text not null,
    first_ms bigint not null,
    last_ms bigint not null,
    times bigint not null default 1
);
create index notices_subject on notices (subject, last_ms);
create index notices_reader on notices (reader, id);

create table notice_reads (
    notice_id bigint not null references notices (id) on delete cascade,
    reader text not null,
    primary key (notice_id, reader)
);

-- What operators tell those who use the gateway, from and until.
create table announcements (
    id integer not null primary key,
    text_en text not null default '',
    text_zh text not null default '',
    severity text not null,
    starts_at timestamp not null,
    ends_at timestamp,
    updated_by text not null,
    created_at timestamp not null,
    updated_at timestamp not null
);

create table announcement_reads (
    announcement_id bigint not null references announcements (id) on delete cascade,
    reader text not null,
    primary key (announcement_id, reader)
);
