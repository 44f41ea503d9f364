-- What went wrong on a day and what to do about it, written once for each language.
create table error_reports (
    id integer not null primary key,
    -- The day's first moment in the business time zone, epoch milliseconds.
    day_ms bigint not null,
    language text not null,
    -- The how manieth of its day and language.
    number bigint not null,
    -- waiting, writing or done.
    state text not null default 'waiting',
    -- Empty where its hour asked for it.
    asked_by text not null default '',
    -- The model that had a part in it; empty where rules alone wrote it.
    model text not null default '',
    -- Why a model that should have had a part had none.
    problem text not null default '',
    markdown text not null default '',
    created_ms bigint not null,
    finished_ms bigint
);
create unique index error_reports_day on error_reports (day_ms, language, number);
create index error_reports_state on error_reports (state);
