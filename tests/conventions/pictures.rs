//! Pictures: what a page of the documentation shows is there, small, and made by the script.

use std::collections::BTreeSet;
use std::fs;

use super::tree::{files, report, root};

/// Bytes of a picture at the most.
const LARGEST: u64 = 60_000;
const FOLDER: &str = "docs/screenshots";

/// The addresses of pictures in a text of Markdown or HTML.
fn pictures(text: &str) -> Vec<&str> {
    let markdown = text.match_indices("![").filter_map(|(at, _)| {
        let (_, rest) = text[at..].split_once("](")?;
        rest.split(')').next()
    });
    let html = ["src=\"", "srcset=\""].into_iter().flat_map(|sign| {
        text.match_indices(sign)
            .filter_map(move |(at, _)| text[at + sign.len()..].split('"').next())
    });
    markdown
        .chain(html)
        .filter(|path| !path.contains("://"))
        .collect()
}

#[test]
fn pictures_are_found_in_both_notations() {
    let text =
        "![a](x.png) <source srcset=\"y.webp\"><img src=\"z.webp\" alt=\"\"> ![b](https://e/x.svg)";
    assert_eq!(pictures(text), ["x.png", "z.webp", "y.webp"]);
}

#[test]
fn every_picture_that_is_named_is_there_and_small() {
    let mut complaints = Vec::new();
    let mut named = BTreeSet::new();
    for file in files("", &[".md"]) {
        let folder = root().join(&file.path);
        let folder = folder.parent().unwrap();
        for picture in pictures(&file.text) {
            let path = folder.join(picture);
            match fs::metadata(&path) {
                Ok(found) if found.len() > LARGEST => complaints.push(format!(
                    "{}: {picture} has {} bytes, more than {LARGEST}",
                    file.path,
                    found.len()
                )),
                Ok(_) => {
                    named.insert(path.canonicalize().unwrap());
                }
                Err(_) => complaints.push(format!("{}: there is no {picture}", file.path)),
            }
        }
    }
    for entry in fs::read_dir(root().join(FOLDER)).unwrap() {
        let path = entry.unwrap().path().canonicalize().unwrap();
        if !named.contains(&path) {
            complaints.push(format!("{}: shown nowhere", path.display()));
        }
    }
    report(&complaints);
}

#[test]
fn both_readmes_show_the_same_pictures() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let (en, zh) = (read("README.md"), read("README_zh.md"));
    assert_eq!(pictures(&en), pictures(&zh));
    assert!(!pictures(&en).is_empty());
}
