//! Build script: embeds the static files.
fn main() {}
