drop table self_tests;
