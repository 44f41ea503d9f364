//! All persistence: two engines behind one set of queries. No SQL and no diesel type leaks out.
