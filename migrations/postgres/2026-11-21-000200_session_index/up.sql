-- Most calls name no conversation, and an index that holds them all is paid for by each of them.
drop index request_logs_session_id;
create index request_logs_session_id on request_logs (session_id) where session_id <> '';
