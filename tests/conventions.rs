//! The rules of the house that the compiler does not know: who may import whom, which files belong together, and what a text may hold.
//! `docs/CONVENTIONS.md` gives the reasons.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![allow(
    clippy::print_stderr,
    reason = "notes about file sizes are for the reader of the test's output"
)]

#[path = "conventions/imports.rs"]
mod imports;
#[path = "conventions/locales.rs"]
mod locales;
#[path = "conventions/pages.rs"]
mod pages;
#[path = "conventions/pictures.rs"]
mod pictures;
#[path = "conventions/settings.rs"]
mod settings;
#[path = "conventions/texts.rs"]
mod texts;
#[path = "conventions/tree.rs"]
mod tree;
