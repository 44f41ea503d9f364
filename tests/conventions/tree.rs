//! Reading the source tree: files below a folder, and Rust code without its tests and comments.

use std::fs;
use std::path::{Path, PathBuf};

/// One file: its path from the root of the repository with slashes, and its text.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// Whether the file is Rust.
    pub(crate) fn is_rust(&self) -> bool {
        std::path::Path::new(&self.path)
            .extension()
            .is_some_and(|e| e == "rs")
    }

    /// Whether the file holds nothing but tests or their fixtures.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("_tests.rs")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }

    /// Rust code up to its unit tests, without comment lines.
    pub(crate) fn code(&self) -> String {
        let end = self
            .text
            .find("\n#[cfg(test)]\nmod tests")
            .unwrap_or(self.text.len());
        self.text[..end]
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files below `folder` whose names end in one of `endings`, sorted; a folder that does not exist has none.
pub(crate) fn files(folder: &str, endings: &[&str]) -> Vec<File> {
    let mut found = Vec::new();
    walk(&root().join(folder), endings, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn walk(folder: &Path, endings: &[&str], found: &mut Vec<File>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let foreign = [
                "target",
                "vendor",
                "node_modules",
                "snapshots",
                "test-results",
                "data",
                "__pycache__",
            ];
            if !foreign.contains(&name.as_str()) && !name.starts_with('.') {
                walk(&path, endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            let relative = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            found.push(File {
                path: relative,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

/// Fails with one line for each complaint, all at once.
#[track_caller]
pub(crate) fn report(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
