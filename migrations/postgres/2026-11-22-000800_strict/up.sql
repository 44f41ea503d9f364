alter table api_keys add column strict_conversion boolean not null default false;
