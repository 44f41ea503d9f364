alter table api_keys drop column strict_conversion;
