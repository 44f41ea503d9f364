-- How large tables were, once a day, so that it can be told how long the disk lasts.
create table storage_sizes (
    -- The day's first moment in UTC, epoch milliseconds.
    day_ms bigint not null,
    -- A table's name, or `database` for all of it.
    name text not null,
    -- With its indexes.
    bytes bigint not null,
    primary key (day_ms, name)
);
