//! The gateway over HTTP: real server, real database, scripted vendor. One binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::unused_async,
    clippy::too_many_lines,
    clippy::map_unwrap_or,
    unreachable_pub,
    dead_code,
    unused_imports,
    reason = "tests fail by panicking, and tests do not use all of the support yet"
)]

#[path = "../support/mod.rs"]
mod support;

mod admin_announcements;
mod admin_api_key_secret;
mod admin_api_keys;
mod admin_api_keys_many;
mod admin_audit;
mod admin_busyness;
mod admin_catalogue;
mod admin_counts;
mod admin_documents;
mod admin_error_report;
mod admin_error_rules;
mod admin_errors;
mod admin_explain;
mod admin_home;
mod admin_job;
mod admin_logs;
mod admin_models;
mod admin_monitor;
mod admin_notifications;
mod admin_provider_key;
mod admin_provider_selftest;
mod admin_providers;
mod admin_reports;
mod admin_reports_words;
mod admin_scheduler;
mod admin_settings;
mod admin_start;
mod admin_storage;
mod admin_two_editors;
mod admin_usage;
mod admin_users;
mod admission_budgets;
mod admission_busyness;
mod admission_keys;
mod admission_limits;
mod demo;
mod every_page;
mod health;
mod hostile;
mod instances;
mod journey;
mod process;
mod process_faults;
mod proxy_answers;
mod proxy_bodies;
mod proxy_cancel;
mod proxy_dialects;
mod proxy_failover;
mod proxy_gemini;
mod proxy_messages;
mod proxy_names;
mod proxy_ollama;
mod proxy_overload;
mod proxy_responses;
mod proxy_retries;
mod proxy_streams;
mod public_documents;
mod public_handover;
mod public_landing;
mod public_login;
mod public_setup;
mod roles;
mod routing_explain;
mod routing_fallbacks;
mod routing_health;
mod routing_queue;
mod scheduler;
mod scheduler_reports;
mod telemetry;
mod user_account;
mod user_dashboard;
mod user_documents;
mod user_export;
mod user_login;
mod user_models;
mod user_notifications;
mod user_playground;
mod user_requests;
mod user_tools;
