//! The directory of the backups that are made by the clock: their names, and which of them go.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::BackupError;

const BEGIN: &str = "modelgate-";
const END: &str = ".zip";
/// The time in a name, in UTC, so that names are in the order of time.
const TIME: &str = "%Y%m%dT%H%M%SZ";

/// A backup in the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub path: PathBuf,
    /// When it was made, epoch milliseconds.
    pub made_ms: i64,
    /// Its size.
    pub bytes: u64,
}

/// The name of a backup that is made now.
pub fn name(now: DateTime<Utc>) -> String {
    format!("{BEGIN}{}{END}", now.format(TIME))
}

fn time(name: &str) -> Option<i64> {
    let time = name.strip_prefix(BEGIN)?.strip_suffix(END)?;
    let time = chrono::NaiveDateTime::parse_from_str(time, TIME).ok()?;
    Some(time.and_utc().timestamp_millis())
}

/// The backups of a directory, newest first; files of other names are nobody's business.
pub fn kept(directory: &Path) -> Result<Vec<Kept>, BackupError> {
    let failed = |error| BackupError::file(directory, error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(made_ms) = entry.file_name().to_str().and_then(time) else {
            continue;
        };
        // One that somebody takes away meanwhile is not there.
        if let Ok(data) = entry.metadata() {
            found.push(Kept {
                path: entry.path(),
                made_ms,
                bytes: data.len(),
            });
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.made_ms));
    Ok(found)
}

/// Removes all but the newest `keep`; returns how many.
pub fn rotate(directory: &Path, keep: usize) -> Result<usize, BackupError> {
    let old = kept(directory)?.into_iter().skip(keep.max(1));
    let mut removed = 0;
    for one in old {
        std::fs::remove_file(&one.path).map_err(|error| BackupError::file(&one.path, error))?;
        removed += 1;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_files_of_others_too() {
        let directory = tempfile::tempdir().unwrap();
        let at = |day: i64| DateTime::from_timestamp(1_795_000_000 + day * 86_400, 0).unwrap();
        for day in [3, 1, 2, 4] {
            std::fs::write(directory.path().join(name(at(day))), [0; 7]).unwrap();
        }
        for other in [
            "modelgate-notes.zip",
            "photo.jpg",
            "modelgate-20261121T000000Z.zip.part",
        ] {
            std::fs::write(directory.path().join(other), "").unwrap();
        }
        assert_eq!(rotate(directory.path(), 2).unwrap(), 2);
        let left = kept(directory.path()).unwrap();
        let times: Vec<i64> = left.iter().map(|one| one.made_ms / 1_000).collect();
        assert_eq!(times, [at(4).timestamp(), at(3).timestamp()]);
        assert_eq!(left[0].bytes, 7);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 5);
        assert_eq!(
            rotate(directory.path(), 0).unwrap(),
            1,
            "the last one stays"
        );
        let missing = kept(&directory.path().join("nothing")).unwrap_err();
        assert!(missing.to_string().contains("nothing"), "{missing}");
    }
}
