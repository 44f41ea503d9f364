drop table storage_sizes;
