drop index request_logs_session_id;
create index request_logs_session_id on request_logs (session_id);
