-- Work by the clock: how each job stands, and what its runs did.
create table jobs (
    name text not null primary key,
    -- Empty for the default of the program.
    cron text not null default '',
    paused boolean not null default false,
    next_ms bigint not null,
    -- What somebody asked for: empty, or why it is to run at once.
    asked text not null default '',
    asked_by text not null default '',
    -- Somebody wants the run that is going on to stop.
    cancelled boolean not null default false,
    locked_by text not null default '',
    locked_until_ms bigint not null default 0
);

create table job_runs (
    id integer not null primary key,
    job text not null,
    trigger text not null,
    asked_by text not null default '',
    instance text not null,
    started_ms bigint not null,
    finished_ms bigint,
    outcome text not null,
    counts text not null default '{}',
    log text not null default '[]',
    error text not null default ''
);
create index job_runs_job on job_runs (job, id);
create index job_runs_started_ms on job_runs (started_ms);

-- The request log beyond the days that are read most. Its columns are those of request_logs, in the same order.
create table request_logs_history (
    id bigint not null primary key,
    seq bigint not null,
    api_key_id bigint not null,
    user_id bigint not null,
    session_id text not null,
    repeats bigint not null,
    endpoint text not null,
    dialect text not null,
    requested_model text not null,
    stream boolean not null,
    client_ip text not null,
    user_agent text not null,
    request_bytes bigint not null,
    model_id bigint not null,
    provider_id bigint not null,
    provider_key_id bigint not null,
    upstream_model text not null,
    attempts bigint not null,
    route_reason text not null,
    price_id bigint not null,
    status text not null,
    fault_owner text not null,
    error_code text not null,
    error_message text not null,
    http_status bigint not null,
    upstream_status bigint not null,
    finish_reason text not null,
    started_ms bigint not null,
    finished_ms bigint not null,
    queue_ms bigint,
    connect_ms bigint,
    ttft_ms bigint,
    latency_ms bigint,
    max_gap_ms bigint,
    prompt_tokens bigint not null,
    cached_tokens bigint not null,
    cache_write_tokens bigint not null,
    completion_tokens bigint not null,
    reasoning_tokens bigint not null,
    usage_estimated boolean not null,
    cost_nanos bigint,
    currency text not null,
    queue_position bigint,
    asked_model_id bigint not null default 0,
    decision text not null default '',
    phases text not null default '',
    observed text not null default ''
);
create index request_logs_history_api_key_id on request_logs_history (api_key_id, id);
create index request_logs_history_provider_id on request_logs_history (provider_id, id);
create index request_logs_history_model_id on request_logs_history (model_id, id);
create index request_logs_history_status on request_logs_history (status, id) where status <> 'success';

create table request_attempts_history (
    request_id bigint not null,
    number bigint not null,
    provider_id bigint not null,
    provider_key_id bigint not null,
    upstream_status bigint not null,
    error_code text not null,
    started_ms bigint not null,
    duration_ms bigint not null,
    primary key (request_id, number)
);

create view request_logs_all as
    select * from request_logs union all select * from request_logs_history;
create view request_attempts_all as
    select * from request_attempts union all select * from request_attempts_history;
