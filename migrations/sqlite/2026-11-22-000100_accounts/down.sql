drop table setup_links;
alter table users drop column must_change_password;
