//! The one scriptable vendor: the demo, the tests and the benchmark call it.
