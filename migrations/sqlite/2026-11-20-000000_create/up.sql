create table users (
    id integer not null primary key,
    username text not null,
    email text,
    display_name text not null default '',
    password_hash text,
    role text not null,
    enabled boolean not null default true,
    locale text,
    theme text,
    last_login_at timestamp,
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index users_username_unique on users (username) where deleted_at is null;

create table sessions (
    id_hash text not null primary key,
    user_id bigint references users (id) on delete cascade,
    state text not null,
    created_at timestamp not null,
    last_seen_at timestamp not null,
    expires_at timestamp not null,
    address text not null default '',
    user_agent text not null default ''
);
create index sessions_user_id on sessions (user_id);
create index sessions_expires_at on sessions (expires_at);

create table settings (
    key text not null primary key,
    value text not null,
    updated_at timestamp not null
);

create table config_generations (
    number integer not null primary key,
    at timestamp not null,
    actor text not null,
    reason text not null,
    diff text not null
);

create table audit_log (
    id integer not null primary key,
    at timestamp not null,
    actor text not null,
    actor_address text not null,
    action text not null,
    object text not null,
    before text,
    after text,
    generation bigint not null
);

create table providers (
    id integer not null primary key,
    name text not null,
    display_name text not null default '',
    template text not null default '',
    protocol text not null,
    base_url text not null,
    extra_headers text not null default '[]',
    user_agent text,
    proxy_url text,
    connect_timeout_ms bigint not null,
    first_byte_timeout_ms bigint not null,
    idle_timeout_ms bigint not null,
    enabled boolean not null default true,
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index providers_name_unique on providers (name) where deleted_at is null;

create table provider_keys (
    id integer not null primary key,
    provider_id bigint not null references providers (id),
    label text not null,
    secret text not null,
    secret_last4 text not null default '',
    weight bigint not null default 100,
    state text not null default 'active',
    state_reason text not null default '',
    state_by text not null default 'admin',
    state_until_ms bigint,
    last_ok_at timestamp,
    last_error text not null default '',
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index provider_keys_provider_id_label_unique on provider_keys (provider_id, label) where deleted_at is null;

create table models (
    id integer not null primary key,
    name text not null,
    display_name text not null default '',
    kind text not null,
    context_length bigint,
    max_output_tokens bigint,
    enabled boolean not null default true,
    hidden boolean not null default false,
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index models_name_unique on models (name) where deleted_at is null;

create table model_aliases (
    alias text not null primary key,
    model_id bigint not null references models (id)
);
create index model_aliases_model_id on model_aliases (model_id);

create table targets (
    id integer not null primary key,
    model_id bigint not null references models (id),
    provider_id bigint not null references providers (id),
    upstream_model text not null,
    priority bigint not null default 1,
    weight bigint not null default 100,
    enabled boolean not null default true,
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index targets_model_id_provider_id_upstream_model_unique on targets (model_id, provider_id, upstream_model) where deleted_at is null;
create index targets_provider_id on targets (provider_id);

create table prices (
    id integer not null primary key,
    model_id bigint not null default 0,
    target_id bigint not null default 0,
    currency text not null,
    input bigint not null,
    cached_input bigint,
    cache_write bigint,
    output bigint not null,
    reasoning bigint,
    per_request_nanos bigint not null default 0,
    effective_from timestamp not null,
    created_at timestamp not null
);
create index prices_model_id on prices (model_id, target_id, effective_from);

create table api_keys (
    id integer not null primary key,
    user_id bigint references users (id),
    name text not null,
    key_hash text not null,
    key_prefix text not null,
    key_last4 text not null,
    enabled boolean not null default true,
    expires_at timestamp,
    all_models boolean not null default true,
    note text not null default '',
    last_used_at timestamp,
    created_at timestamp not null,
    updated_at timestamp not null,
    deleted_at timestamp
);
create unique index api_keys_name_unique on api_keys (name) where deleted_at is null;
create unique index api_keys_key_hash_unique on api_keys (key_hash) where deleted_at is null;

create table api_key_models (
    api_key_id bigint not null references api_keys (id),
    model_id bigint not null,
    target_id bigint not null,
    primary key (api_key_id, model_id, target_id)
);

create table limits (
    id integer not null primary key,
    scope text not null,
    scope_id bigint not null,
    model_id bigint not null default 0,
    kind text not null,
    amount bigint not null
);
create unique index limits_scope_scope_id_model_id_kind_unique on limits (scope, scope_id, model_id, kind);

create table request_logs (
    id integer not null primary key,
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
    currency text not null
);
create unique index request_logs_seq_unique on request_logs (seq);
create index request_logs_api_key_id on request_logs (api_key_id, id);
create index request_logs_provider_id on request_logs (provider_id, id);
create index request_logs_model_id on request_logs (model_id, id);
create index request_logs_status on request_logs (status, id) where status <> 'success';
create index request_logs_session_id on request_logs (session_id);

create table request_attempts (
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

create table usage_minute (
    minute_ms bigint not null,
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
    primary key (minute_ms, api_key_id, model_id, provider_id, provider_key_id, currency)
);

create table usage_quarter_hour (
    quarter_ms bigint not null,
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
    primary key (quarter_ms, api_key_id, model_id, provider_id, provider_key_id, currency)
);

create table latency_quarter_hour (
    quarter_ms bigint not null,
    api_key_id bigint not null,
    model_id bigint not null,
    provider_id bigint not null,
    measure text not null,
    bucket bigint not null,
    count bigint not null,
    min_ms bigint not null,
    max_ms bigint not null,
    primary key (quarter_ms, api_key_id, model_id, provider_id, measure, bucket)
);

create table journal_positions (
    instance text not null,
    segment text not null,
    "offset" bigint not null,
    primary key (instance, segment)
);

create table instances (
    lease integer not null primary key,
    instance text not null,
    version text not null,
    generation bigint not null,
    started_ms bigint not null,
    heartbeat_ms bigint not null
);
create unique index instances_instance_unique on instances (instance);
