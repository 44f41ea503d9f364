//! One file of the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::frame;

const EXTENSION: &str = "seg";

/// A segment file: appended to by one writer, read by the drain.
#[derive(Debug)]
pub(super) struct Segment {
    /// Unique within its directory, and rising for each writer.
    pub(super) number: u64,
    path: PathBuf,
    file: File,
    /// Bytes of whole records, header included. The drain never reads past it.
    len: AtomicU64,
    synced: AtomicU64,
    sealed: AtomicBool,
}

impl Segment {
    /// Makes the file, readable by its owner alone, and writes the header.
    pub(super) fn create(directory: &Path, number: u64) -> io::Result<Self> {
        let path = path_of(directory, number);
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(&frame::header(number))?;
        Ok(Self {
            number,
            path,
            file,
            len: AtomicU64::new(HEADER),
            synced: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
        })
    }

    /// Opens a dead process's segment whose first `len` bytes are whole, and cuts off the rest.
    pub(super) fn reopen(directory: &Path, number: u64, len: u64) -> io::Result<Self> {
        let path = path_of(directory, number);
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        if file.metadata()?.len() != len {
            file.set_len(len)?;
        }
        Ok(Self {
            number,
            path,
            file,
            len: AtomicU64::new(len),
            synced: AtomicU64::new(len),
            sealed: AtomicBool::new(true),
        })
    }

    /// Appends whole records with one `write(2)`. On failure nothing of them stays behind.
    pub(super) fn append(&self, records: &[u8]) -> io::Result<()> {
        let before = self.len();
        let result = match (&self.file).write(records) {
            Ok(n) if n == records.len() => Ok(()),
            Ok(_) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Err(error) => Err(error),
        };
        match result {
            Ok(()) => {
                let written = u64::try_from(records.len()).unwrap_or(0);
                self.len.store(before + written, Ordering::Release);
                Ok(())
            }
            Err(error) => {
                self.file.set_len(before)?;
                Err(error)
            }
        }
    }

    /// Whole records from `from` on, at most about `max` bytes of them (always at least one).
    pub(super) fn read(&self, from: u64, max: usize) -> io::Result<Vec<u8>> {
        let available = usize::try_from(self.len().saturating_sub(from)).unwrap_or(usize::MAX);
        let mut bytes = vec![0; available.min(max)];
        self.file.read_exact_at(&mut bytes, from)?;
        Ok(bytes)
    }

    /// Bytes of whole records so far, header included.
    pub(super) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// Nothing more will be appended.
    pub(super) fn seal(&self) {
        self.sealed.store(true, Ordering::Release);
    }

    /// Whether anything may still be appended.
    pub(super) fn is_sealed(&self) -> bool {
        self.sealed.load(Ordering::Acquire)
    }

    /// Brings what was appended since the last call to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        let len = self.len();
        if self.synced.load(Ordering::Acquire) < len {
            self.file.sync_data()?;
            self.synced.store(len, Ordering::Release);
        }
        Ok(())
    }

    /// Deletes the file.
    pub(super) fn delete_or_warn(&self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, file = %self.path.display(), "cannot delete a drained journal segment");
        }
    }
}

/// Length of the header, as an offset.
pub(super) const HEADER: u64 = frame::HEADER_LEN as u64;

/// The file of segment `number`.
pub(super) fn path_of(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:010}.{EXTENSION}"))
}

/// The numbers of all segments in `directory`, rising.
pub(super) fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == EXTENSION)
            && let Some(number) = path.file_stem().and_then(|s| s.to_str())
            && let Ok(number) = number.parse()
        {
            found.push(number);
        }
    }
    found.sort_unstable();
    Ok(found)
}
