delete from error_rules;
