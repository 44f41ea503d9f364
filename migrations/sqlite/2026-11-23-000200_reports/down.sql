drop table report_files;
drop table reports;
