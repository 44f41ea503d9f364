-- How busy the gateway was: minutes at each level in a quarter of an hour, of all instances together.
create table busyness_minutes (
    -- Where the quarter of an hour begins, epoch milliseconds.
    quarter_ms bigint not null,
    level text not null,
    minutes bigint not null,
    primary key (quarter_ms, level)
);
