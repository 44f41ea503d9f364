-- The request log by what went wrong and by who served it. What failed is a small part of it, and its indexes hold nothing else.
create index request_logs_fault_owner on request_logs (fault_owner, id) where status <> 'success';
create index request_logs_error_code on request_logs (error_code, id) where status <> 'success';
create index request_logs_http_status on request_logs (http_status, id) where status <> 'success';
create index request_logs_upstream_status on request_logs (upstream_status, id) where status <> 'success';
create index request_logs_provider_key_id on request_logs (provider_key_id, id);
create index request_logs_upstream_model on request_logs (upstream_model, id);
create index request_logs_history_fault_owner on request_logs_history (fault_owner, id) where status <> 'success';
create index request_logs_history_error_code on request_logs_history (error_code, id) where status <> 'success';
create index request_logs_history_http_status on request_logs_history (http_status, id) where status <> 'success';
create index request_logs_history_upstream_status on request_logs_history (upstream_status, id) where status <> 'success';
create index request_logs_history_provider_key_id on request_logs_history (provider_key_id, id);
create index request_logs_history_upstream_model on request_logs_history (upstream_model, id);
