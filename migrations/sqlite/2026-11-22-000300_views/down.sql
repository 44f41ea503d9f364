drop index audit_log_action;
drop index audit_log_actor;
alter table users drop column log_view_id;
drop table log_views;
