drop table busyness_minutes;
