-- Reports of use: what was asked for, how far it is, and the files it came to.
create table reports (
    id integer not null primary key,
    -- What it is about, as JSON: the same text is the same report.
    params text not null,
    state text not null,
    -- Who asked for it; empty where the schedule did.
    asked_by text not null,
    -- Each step with its tries, as JSON.
    steps text not null default '[]',
    error text not null default '',
    created_ms bigint not null,
    started_ms bigint,
    finished_ms bigint
);
create index reports_state on reports (state, id);

create table report_files (
    id integer not null primary key,
    report_id bigint not null references reports (id) on delete cascade,
    name text not null,
    size_bytes bigint not null,
    content blob not null,
    unique (report_id, name)
);
