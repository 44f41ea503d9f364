//! The `modelgate` program.

fn main() {}
