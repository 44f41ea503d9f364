-- Days of the business time zone, written with the quarters of an hour: what long ranges are read from.
create table usage_daily (
    day_ms bigint not null,
    api_key_id bigint not null,
    model_id bigint not null,
    provider_id bigint not null,
    provider_key_id bigint not null,
    currency text not null,
    success bigint not null,
    error bigint not null,
    timeout bigint not null,
    cancelled bigint not null,
    rate_limited bigint not null,
    error_caller bigint not null,
    error_policy bigint not null,
    error_gateway bigint not null,
    error_upstream bigint not null,
    prompt_tokens bigint not null,
    cached_tokens bigint not null,
    cache_write_tokens bigint not null,
    completion_tokens bigint not null,
    reasoning_tokens bigint not null,
    cost_nanos bigint not null,
    latency_sum_ms bigint not null,
    ttft_sum_ms bigint not null,
    ttft_count bigint not null,
    primary key (day_ms, api_key_id, model_id, provider_id, provider_key_id, currency)
);

create table latency_daily (
    day_ms bigint not null,
    api_key_id bigint not null,
    model_id bigint not null,
    provider_id bigint not null,
    measure text not null,
    bucket bigint not null,
    count bigint not null,
    min_ms bigint not null,
    max_ms bigint not null,
    primary key (day_ms, api_key_id, model_id, provider_id, measure, bucket)
);
