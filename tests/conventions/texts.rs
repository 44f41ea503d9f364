//! What a source file may hold, and how long it may get.

use super::tree::{files, report};

/// From here on a file gets a note: is there a second room in it?
const NOTE_LINES: usize = 300;
/// No file grows past this.
const MOST_LINES: usize = 500;

#[test]
fn files_stay_short() {
    let mut complaints = Vec::new();
    for file in files("", &[".rs", ".py", ".mjs", ".html", ".sh"]) {
        let lines = if file.is_rust() && !file.is_test() {
            file.text
                .find("\n#[cfg(test)]\nmod tests")
                .map_or(&*file.text, |end| &file.text[..end])
                .lines()
                .count()
        } else {
            file.text.lines().count()
        };
        if lines > MOST_LINES && !file.path.ends_with("/schema.rs") {
            complaints.push(format!(
                "{}: {lines} lines; the most is {MOST_LINES}",
                file.path
            ));
        } else if lines > NOTE_LINES {
            eprintln!("note: {} has {lines} lines", file.path);
        }
    }
    report(&complaints);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here, so that this file does not hold them.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
        ["HA", "CK"].concat(),
    ];
    let mut complaints = Vec::new();
    for file in files(
        "",
        &[
            ".rs", ".py", ".mjs", ".js", ".html", ".sh", ".sql", ".css", ".ftl", ".toml", ".yml",
            ".md",
        ],
    ) {
        for (number, line) in file.text.lines().enumerate() {
            let found = words.iter().find(|word| {
                line.split(|c: char| !c.is_ascii_alphanumeric())
                    .any(|w| w == *word)
            });
            if let Some(word) = found {
                complaints.push(format!("{}:{}: {word}", file.path, number + 1));
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_module_says_what_it_owns() {
    let complaints: Vec<_> = ["src", "crates", "tests"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .filter(|file| {
            !["schema.rs", "build.rs", "_tests.rs"]
                .iter()
                .any(|ending| file.path.ends_with(ending))
        })
        .filter(|file| !file.text.trim_start().starts_with("//!"))
        .map(|file| format!("{}: begins without a `//!` line", file.path))
        .collect();
    report(&complaints);
}

/// Names that say nothing about what is inside.
#[test]
fn modules_are_named_after_things() {
    let banned = [
        "utils", "util", "helpers", "common", "manager", "service", "misc",
    ];
    let complaints: Vec<_> = ["src", "crates"]
        .iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .filter(|file| {
            file.path
                .trim_end_matches(".rs")
                .split('/')
                .any(|part| banned.contains(&part))
        })
        .map(|file| format!("{}: the name says nothing about what is inside", file.path))
        .collect();
    report(&complaints);
}

/// A snapshot that no test reads any more is a claim nobody checks.
#[test]
fn every_snapshot_has_its_test() {
    let mut complaints = Vec::new();
    for folder in ["src", "crates", "tests"] {
        for file in all_snapshots(folder) {
            let source = file
                .1
                .lines()
                .find_map(|line| line.strip_prefix("source: "))
                .unwrap_or("")
                .trim_matches('"')
                .to_owned();
            if !super::tree::root().join(&source).is_file() {
                complaints.push(format!("{}: its test {source} is gone", file.0));
            }
        }
    }
    report(&complaints);
}

fn all_snapshots(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![super::tree::root().join(folder)];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "snap") {
                found.push((
                    path.display().to_string(),
                    std::fs::read_to_string(&path).unwrap(),
                ));
            }
        }
    }
    found
}
