//! What a Word document says.

use std::io::{Cursor, Read as _};

/// The text of a document, with its markup.
pub fn document_text(file: &[u8]) -> String {
    let mut package = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    let mut text = String::new();
    let mut part = package.by_name("word/document.xml").unwrap();
    part.read_to_string(&mut text).unwrap();
    text
}
