drop table latency_daily;
drop table usage_daily;
