-- What was tried at a provider through the gateway's own front door, and how it went.
create table self_tests (
    id integer not null primary key,
    provider_id bigint not null,
    -- The model's public name.
    model text not null,
    started_ms bigint not null,
    took_ms bigint not null,
    passed bigint not null,
    failed bigint not null,
    skipped bigint not null,
    -- Each case in each dialect of clients, JSON.
    trials text not null
);
create index self_tests_provider on self_tests (provider_id);
