drop index audit_log_object;
drop table attachments;
drop table documents;
