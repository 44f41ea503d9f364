alter table api_keys add column time_zone text not null default '';
alter table api_keys add column allowed_cidrs text not null default '[]';
alter table api_keys add column fallbacks boolean not null default true;
alter table api_keys add column bypass_busyness boolean not null default false;

create table api_key_time_rules (
    id integer not null primary key,
    api_key_id bigint not null references api_keys (id),
    kind text not null,
    allowed boolean not null,
    start_time text,
    end_time text,
    start_date text,
    end_date text,
    weekdays text not null default '[]'
);
create index api_key_time_rules_api_key_id on api_key_time_rules (api_key_id);

alter table limits add column currency text not null default '';
alter table limits add column period text not null default '';
alter table limits add column mode text not null default 'enforce';
drop index limits_scope_scope_id_model_id_kind_unique;
create unique index limits_subject_unique on limits (scope, scope_id, model_id, kind, currency, period);

create table budget_usage (
    scope text not null,
    scope_id bigint not null,
    model_id bigint not null,
    currency text not null,
    period text not null,
    period_start_ms bigint not null,
    spent_nanos bigint not null,
    primary key (scope, scope_id, model_id, currency, period, period_start_ms)
);

alter table models add column strategy text not null default 'weighted';
alter table models add column affinity boolean not null default false;

create table model_fallbacks (
    model_id bigint not null references models (id),
    position bigint not null,
    fallback_id bigint not null,
    cause text not null default '',
    primary key (model_id, position)
);
create index model_fallbacks_fallback_id on model_fallbacks (fallback_id);

alter table targets add column busyness_at_most text not null default '';

create table error_rules (
    id integer not null primary key,
    position bigint not null,
    protocol text not null default '',
    provider_id bigint not null default 0,
    status bigint not null default 0,
    path text not null default '',
    value text not null default '',
    meaning text not null,
    reset_path text not null default '',
    reset_zone text not null default '',
    note text not null default '',
    enabled boolean not null default true,
    created_at timestamp not null,
    updated_at timestamp not null
);

create table busyness_rules (
    id integer not null primary key,
    position bigint not null,
    from_level text not null,
    action text not null,
    models text not null default '[]',
    redirect_model_id bigint not null default 0,
    message text not null default '',
    enabled boolean not null default true,
    created_at timestamp not null,
    updated_at timestamp not null
);

create table health_events (
    id integer not null primary key,
    at_ms bigint not null,
    instance text not null,
    provider_id bigint not null,
    provider_key_id bigint not null,
    target_id bigint not null,
    from_state text not null,
    to_state text not null,
    reason text not null,
    detail text not null,
    until_ms bigint,
    actor text not null
);
create index health_events_provider_id on health_events (provider_id, id);
create index health_events_at_ms on health_events (at_ms);

alter table request_logs add column queue_position bigint;
alter table request_logs add column asked_model_id bigint not null default 0;
alter table request_logs add column decision text not null default '';
alter table request_logs add column phases text not null default '';
alter table request_logs add column observed text not null default '';
