drop table announcement_reads;
drop table announcements;
drop table notice_reads;
drop table notices;
