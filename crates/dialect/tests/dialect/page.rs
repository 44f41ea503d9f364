//! The page about dialects.

use std::fs;
use std::path::Path;

#[test]
fn the_page_says_what_the_table_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialects.md");
    let page = modelgate_dialect::docs::page();
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        fs::write(&file, &page).unwrap();
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(found, page, "UPDATE_GOLDENS=1 writes docs/dialects.md anew");
}
