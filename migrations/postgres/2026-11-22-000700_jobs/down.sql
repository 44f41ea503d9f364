drop view request_attempts_all;
drop view request_logs_all;
insert into request_logs select * from request_logs_history;
insert into request_attempts select * from request_attempts_history;
drop table request_attempts_history;
drop table request_logs_history;
drop table job_runs;
drop table jobs;
