//! The tables, generated from PostgreSQL after all migrations; a test keeps them equal.

diesel::table! {
    announcement_reads (announcement_id, reader) {
        announcement_id -> Int8,
        reader -> Text,
    }
}

diesel::table! {
    announcements (id) {
        id -> Int8,
        text_en -> Text,
        text_zh -> Text,
        severity -> Text,
        starts_at -> Timestamp,
        ends_at -> Nullable<Timestamp>,
        updated_by -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    api_key_models (api_key_id, model_id, target_id) {
        api_key_id -> Int8,
        model_id -> Int8,
        target_id -> Int8,
    }
}

diesel::table! {
    api_key_time_rules (id) {
        id -> Int8,
        api_key_id -> Int8,
        kind -> Text,
        allowed -> Bool,
        start_time -> Nullable<Text>,
        end_time -> Nullable<Text>,
        start_date -> Nullable<Text>,
        end_date -> Nullable<Text>,
        weekdays -> Text,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Int8,
        user_id -> Nullable<Int8>,
        name -> Text,
        key_hash -> Text,
        key_prefix -> Text,
        key_last4 -> Text,
        enabled -> Bool,
        expires_at -> Nullable<Timestamp>,
        all_models -> Bool,
        note -> Text,
        last_used_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        time_zone -> Text,
        allowed_cidrs -> Text,
        fallbacks -> Bool,
        bypass_busyness -> Bool,
        tags -> Text,
        previous_hash -> Nullable<Text>,
        previous_shown -> Text,
        previous_until -> Nullable<Timestamp>,
        strict_conversion -> Bool,
    }
}

diesel::table! {
    attachments (id) {
        id -> Int8,
        document_id -> Int8,
        name -> Text,
        kind -> Text,
        size_bytes -> Int8,
        content -> Bytea,
        created_by -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    audit_log (id) {
        id -> Int8,
        at -> Timestamp,
        actor -> Text,
        actor_address -> Text,
        action -> Text,
        object -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        generation -> Int8,
    }
}

diesel::table! {
    budget_usage (scope, scope_id, model_id, currency, period, period_start_ms) {
        scope -> Text,
        scope_id -> Int8,
        model_id -> Int8,
        currency -> Text,
        period -> Text,
        period_start_ms -> Int8,
        spent_nanos -> Int8,
    }
}

diesel::table! {
    busyness_minutes (quarter_ms, level) {
        quarter_ms -> Int8,
        level -> Text,
        minutes -> Int8,
    }
}

diesel::table! {
    busyness_rules (id) {
        id -> Int8,
        position -> Int8,
        from_level -> Text,
        action -> Text,
        models -> Text,
        redirect_model_id -> Int8,
        message -> Text,
        enabled -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    config_generations (number) {
        number -> Int8,
        at -> Timestamp,
        actor -> Text,
        reason -> Text,
        diff -> Text,
    }
}

diesel::table! {
    documents (id) {
        id -> Int8,
        title_en -> Text,
        title_zh -> Text,
        body_en -> Text,
        body_zh -> Text,
        category -> Text,
        position -> Int8,
        audience -> Text,
        published -> Bool,
        version -> Int8,
        updated_by -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    error_reports (id) {
        id -> Int8,
        day_ms -> Int8,
        language -> Text,
        number -> Int8,
        state -> Text,
        asked_by -> Text,
        model -> Text,
        problem -> Text,
        markdown -> Text,
        created_ms -> Int8,
        finished_ms -> Nullable<Int8>,
    }
}

diesel::table! {
    error_rules (id) {
        id -> Int8,
        position -> Int8,
        protocol -> Text,
        provider_id -> Int8,
        status -> Int8,
        path -> Text,
        value -> Text,
        meaning -> Text,
        reset_path -> Text,
        reset_zone -> Text,
        note -> Text,
        enabled -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    health_events (id) {
        id -> Int8,
        at_ms -> Int8,
        instance -> Text,
        provider_id -> Int8,
        provider_key_id -> Int8,
        target_id -> Int8,
        from_state -> Text,
        to_state -> Text,
        reason -> Text,
        detail -> Text,
        until_ms -> Nullable<Int8>,
        actor -> Text,
    }
}

diesel::table! {
    instances (lease) {
        lease -> Int8,
        instance -> Text,
        version -> Text,
        generation -> Int8,
        started_ms -> Int8,
        heartbeat_ms -> Int8,
        redis -> Text,
    }
}

diesel::table! {
    job_runs (id) {
        id -> Int8,
        job -> Text,
        trigger -> Text,
        asked_by -> Text,
        instance -> Text,
        started_ms -> Int8,
        finished_ms -> Nullable<Int8>,
        outcome -> Text,
        counts -> Text,
        log -> Text,
        error -> Text,
    }
}

diesel::table! {
    jobs (name) {
        name -> Text,
        cron -> Text,
        paused -> Bool,
        next_ms -> Int8,
        asked -> Text,
        asked_by -> Text,
        cancelled -> Bool,
        locked_by -> Text,
        locked_until_ms -> Int8,
    }
}

diesel::table! {
    journal_positions (instance, segment) {
        instance -> Text,
        segment -> Text,
        offset -> Int8,
    }
}

diesel::table! {
    key_links (token_hash) {
        token_hash -> Text,
        api_key_id -> Int8,
        kind -> Text,
        sealed -> Text,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    latency_daily (day_ms, api_key_id, model_id, provider_id, measure, bucket) {
        day_ms -> Int8,
        api_key_id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        measure -> Text,
        bucket -> Int8,
        count -> Int8,
        min_ms -> Int8,
        max_ms -> Int8,
    }
}

diesel::table! {
    latency_quarter_hour (quarter_ms, api_key_id, model_id, provider_id, measure, bucket) {
        quarter_ms -> Int8,
        api_key_id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        measure -> Text,
        bucket -> Int8,
        count -> Int8,
        min_ms -> Int8,
        max_ms -> Int8,
    }
}

diesel::table! {
    limits (id) {
        id -> Int8,
        scope -> Text,
        scope_id -> Int8,
        model_id -> Int8,
        kind -> Text,
        amount -> Int8,
        currency -> Text,
        period -> Text,
        mode -> Text,
    }
}

diesel::table! {
    log_views (id) {
        id -> Int8,
        user_id -> Int8,
        name -> Text,
        query -> Text,
        shared -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    model_aliases (alias) {
        alias -> Text,
        model_id -> Int8,
    }
}

diesel::table! {
    model_fallbacks (model_id, position) {
        model_id -> Int8,
        position -> Int8,
        fallback_id -> Int8,
        cause -> Text,
    }
}

diesel::table! {
    models (id) {
        id -> Int8,
        name -> Text,
        display_name -> Text,
        kind -> Text,
        context_length -> Nullable<Int8>,
        max_output_tokens -> Nullable<Int8>,
        enabled -> Bool,
        hidden -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        strategy -> Text,
        affinity -> Bool,
        modalities -> Text,
        tools -> Nullable<Bool>,
    }
}

diesel::table! {
    notice_reads (notice_id, reader) {
        notice_id -> Int8,
        reader -> Text,
    }
}

diesel::table! {
    notices (id) {
        id -> Int8,
        subject -> Text,
        kind -> Text,
        severity -> Text,
        args -> Text,
        reader -> Text,
        first_ms -> Int8,
        last_ms -> Int8,
        times -> Int8,
    }
}

diesel::table! {
    prices (id) {
        id -> Int8,
        model_id -> Int8,
        target_id -> Int8,
        currency -> Text,
        input -> Int8,
        cached_input -> Nullable<Int8>,
        cache_write -> Nullable<Int8>,
        output -> Int8,
        reasoning -> Nullable<Int8>,
        per_request_nanos -> Int8,
        effective_from -> Timestamp,
        created_at -> Timestamp,
    }
}

diesel::table! {
    provider_keys (id) {
        id -> Int8,
        provider_id -> Int8,
        label -> Text,
        secret -> Text,
        secret_last4 -> Text,
        weight -> Int8,
        state -> Text,
        state_reason -> Text,
        state_by -> Text,
        state_until_ms -> Nullable<Int8>,
        last_ok_at -> Nullable<Timestamp>,
        last_error -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    providers (id) {
        id -> Int8,
        name -> Text,
        display_name -> Text,
        template -> Text,
        protocol -> Text,
        base_url -> Text,
        extra_headers -> Text,
        user_agent -> Nullable<Text>,
        proxy_url -> Nullable<Text>,
        connect_timeout_ms -> Int8,
        first_byte_timeout_ms -> Int8,
        idle_timeout_ms -> Int8,
        enabled -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    report_files (id) {
        id -> Int8,
        report_id -> Int8,
        name -> Text,
        size_bytes -> Int8,
        content -> Bytea,
    }
}

diesel::table! {
    reports (id) {
        id -> Int8,
        params -> Text,
        state -> Text,
        asked_by -> Text,
        steps -> Text,
        error -> Text,
        created_ms -> Int8,
        started_ms -> Nullable<Int8>,
        finished_ms -> Nullable<Int8>,
    }
}

diesel::table! {
    request_attempts (request_id, number) {
        request_id -> Int8,
        number -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_status -> Int8,
        error_code -> Text,
        started_ms -> Int8,
        duration_ms -> Int8,
    }
}

diesel::table! {
    request_attempts_all (request_id, number) {
        request_id -> Int8,
        number -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_status -> Int8,
        error_code -> Text,
        started_ms -> Int8,
        duration_ms -> Int8,
    }
}

diesel::table! {
    request_attempts_history (request_id, number) {
        request_id -> Int8,
        number -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_status -> Int8,
        error_code -> Text,
        started_ms -> Int8,
        duration_ms -> Int8,
    }
}

diesel::table! {
    request_logs (id) {
        id -> Int8,
        seq -> Int8,
        api_key_id -> Int8,
        user_id -> Int8,
        session_id -> Text,
        repeats -> Int8,
        endpoint -> Text,
        dialect -> Text,
        requested_model -> Text,
        stream -> Bool,
        client_ip -> Text,
        user_agent -> Text,
        request_bytes -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_model -> Text,
        attempts -> Int8,
        route_reason -> Text,
        price_id -> Int8,
        status -> Text,
        fault_owner -> Text,
        error_code -> Text,
        error_message -> Text,
        http_status -> Int8,
        upstream_status -> Int8,
        finish_reason -> Text,
        started_ms -> Int8,
        finished_ms -> Int8,
        queue_ms -> Nullable<Int8>,
        connect_ms -> Nullable<Int8>,
        ttft_ms -> Nullable<Int8>,
        latency_ms -> Nullable<Int8>,
        max_gap_ms -> Nullable<Int8>,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        usage_estimated -> Bool,
        cost_nanos -> Nullable<Int8>,
        currency -> Text,
        queue_position -> Nullable<Int8>,
        asked_model_id -> Int8,
        decision -> Text,
        phases -> Text,
        observed -> Text,
    }
}

diesel::table! {
    request_logs_all (id) {
        id -> Int8,
        seq -> Int8,
        api_key_id -> Int8,
        user_id -> Int8,
        session_id -> Text,
        repeats -> Int8,
        endpoint -> Text,
        dialect -> Text,
        requested_model -> Text,
        stream -> Bool,
        client_ip -> Text,
        user_agent -> Text,
        request_bytes -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_model -> Text,
        attempts -> Int8,
        route_reason -> Text,
        price_id -> Int8,
        status -> Text,
        fault_owner -> Text,
        error_code -> Text,
        error_message -> Text,
        http_status -> Int8,
        upstream_status -> Int8,
        finish_reason -> Text,
        started_ms -> Int8,
        finished_ms -> Int8,
        queue_ms -> Nullable<Int8>,
        connect_ms -> Nullable<Int8>,
        ttft_ms -> Nullable<Int8>,
        latency_ms -> Nullable<Int8>,
        max_gap_ms -> Nullable<Int8>,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        usage_estimated -> Bool,
        cost_nanos -> Nullable<Int8>,
        currency -> Text,
        queue_position -> Nullable<Int8>,
        asked_model_id -> Int8,
        decision -> Text,
        phases -> Text,
        observed -> Text,
    }
}

diesel::table! {
    request_logs_history (id) {
        id -> Int8,
        seq -> Int8,
        api_key_id -> Int8,
        user_id -> Int8,
        session_id -> Text,
        repeats -> Int8,
        endpoint -> Text,
        dialect -> Text,
        requested_model -> Text,
        stream -> Bool,
        client_ip -> Text,
        user_agent -> Text,
        request_bytes -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        upstream_model -> Text,
        attempts -> Int8,
        route_reason -> Text,
        price_id -> Int8,
        status -> Text,
        fault_owner -> Text,
        error_code -> Text,
        error_message -> Text,
        http_status -> Int8,
        upstream_status -> Int8,
        finish_reason -> Text,
        started_ms -> Int8,
        finished_ms -> Int8,
        queue_ms -> Nullable<Int8>,
        connect_ms -> Nullable<Int8>,
        ttft_ms -> Nullable<Int8>,
        latency_ms -> Nullable<Int8>,
        max_gap_ms -> Nullable<Int8>,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        usage_estimated -> Bool,
        cost_nanos -> Nullable<Int8>,
        currency -> Text,
        queue_position -> Nullable<Int8>,
        asked_model_id -> Int8,
        decision -> Text,
        phases -> Text,
        observed -> Text,
    }
}

diesel::table! {
    self_tests (id) {
        id -> Int8,
        provider_id -> Int8,
        model -> Text,
        started_ms -> Int8,
        took_ms -> Int8,
        passed -> Int8,
        failed -> Int8,
        skipped -> Int8,
        trials -> Text,
    }
}

diesel::table! {
    sessions (id_hash) {
        id_hash -> Text,
        user_id -> Nullable<Int8>,
        state -> Text,
        created_at -> Timestamp,
        last_seen_at -> Timestamp,
        expires_at -> Timestamp,
        address -> Text,
        user_agent -> Text,
        api_key_id -> Nullable<Int8>,
    }
}

diesel::table! {
    settings (key) {
        key -> Text,
        value -> Text,
        updated_at -> Timestamp,
    }
}

diesel::table! {
    setup_links (token_hash) {
        token_hash -> Text,
        user_id -> Nullable<Int8>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    storage_sizes (day_ms, name) {
        day_ms -> Int8,
        name -> Text,
        bytes -> Int8,
    }
}

diesel::table! {
    targets (id) {
        id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        upstream_model -> Text,
        priority -> Int8,
        weight -> Int8,
        enabled -> Bool,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        busyness_at_most -> Text,
    }
}

diesel::table! {
    usage_daily (day_ms, api_key_id, model_id, provider_id, provider_key_id, currency) {
        day_ms -> Int8,
        api_key_id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        currency -> Text,
        success -> Int8,
        error -> Int8,
        timeout -> Int8,
        cancelled -> Int8,
        rate_limited -> Int8,
        error_caller -> Int8,
        error_policy -> Int8,
        error_gateway -> Int8,
        error_upstream -> Int8,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        cost_nanos -> Int8,
        latency_sum_ms -> Int8,
        ttft_sum_ms -> Int8,
        ttft_count -> Int8,
    }
}

diesel::table! {
    usage_minute (minute_ms, api_key_id, model_id, provider_id, provider_key_id, currency) {
        minute_ms -> Int8,
        api_key_id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        currency -> Text,
        success -> Int8,
        error -> Int8,
        timeout -> Int8,
        cancelled -> Int8,
        rate_limited -> Int8,
        error_caller -> Int8,
        error_policy -> Int8,
        error_gateway -> Int8,
        error_upstream -> Int8,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        cost_nanos -> Int8,
        latency_sum_ms -> Int8,
        ttft_sum_ms -> Int8,
        ttft_count -> Int8,
    }
}

diesel::table! {
    usage_quarter_hour (quarter_ms, api_key_id, model_id, provider_id, provider_key_id, currency) {
        quarter_ms -> Int8,
        api_key_id -> Int8,
        model_id -> Int8,
        provider_id -> Int8,
        provider_key_id -> Int8,
        currency -> Text,
        success -> Int8,
        error -> Int8,
        timeout -> Int8,
        cancelled -> Int8,
        rate_limited -> Int8,
        error_caller -> Int8,
        error_policy -> Int8,
        error_gateway -> Int8,
        error_upstream -> Int8,
        prompt_tokens -> Int8,
        cached_tokens -> Int8,
        cache_write_tokens -> Int8,
        completion_tokens -> Int8,
        reasoning_tokens -> Int8,
        cost_nanos -> Int8,
        latency_sum_ms -> Int8,
        ttft_sum_ms -> Int8,
        ttft_count -> Int8,
    }
}

diesel::table! {
    users (id) {
        id -> Int8,
        username -> Text,
        email -> Nullable<Text>,
        display_name -> Text,
        password_hash -> Nullable<Text>,
        role -> Text,
        enabled -> Bool,
        locale -> Nullable<Text>,
        theme -> Nullable<Text>,
        last_login_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        deleted_at -> Nullable<Timestamp>,
        time_zone -> Nullable<Text>,
        must_change_password -> Bool,
        log_view_id -> Nullable<Int8>,
    }
}

diesel::joinable!(announcement_reads -> announcements (announcement_id));
diesel::joinable!(api_key_models -> api_keys (api_key_id));
diesel::joinable!(api_key_time_rules -> api_keys (api_key_id));
diesel::joinable!(api_keys -> users (user_id));
diesel::joinable!(attachments -> documents (document_id));
diesel::joinable!(key_links -> api_keys (api_key_id));
diesel::joinable!(log_views -> users (user_id));
diesel::joinable!(model_aliases -> models (model_id));
diesel::joinable!(model_fallbacks -> models (model_id));
diesel::joinable!(notice_reads -> notices (notice_id));
diesel::joinable!(provider_keys -> providers (provider_id));
diesel::joinable!(report_files -> reports (report_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(setup_links -> users (user_id));
diesel::joinable!(targets -> models (model_id));
diesel::joinable!(targets -> providers (provider_id));

diesel::allow_tables_to_appear_in_same_query!(
    announcement_reads,
    announcements,
    api_key_models,
    api_key_time_rules,
    api_keys,
    attachments,
    audit_log,
    budget_usage,
    busyness_minutes,
    busyness_rules,
    config_generations,
    documents,
    error_reports,
    error_rules,
    health_events,
    instances,
    job_runs,
    jobs,
    journal_positions,
    key_links,
    latency_daily,
    latency_quarter_hour,
    limits,
    log_views,
    model_aliases,
    model_fallbacks,
    models,
    notice_reads,
    notices,
    prices,
    provider_keys,
    providers,
    report_files,
    reports,
    request_attempts,
    request_attempts_all,
    request_attempts_history,
    request_logs,
    request_logs_all,
    request_logs_history,
    self_tests,
    sessions,
    settings,
    setup_links,
    storage_sizes,
    targets,
    usage_daily,
    usage_minute,
    usage_quarter_hour,
    users,
);
