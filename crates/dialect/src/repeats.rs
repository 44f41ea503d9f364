//! Noticing a model that says the same again and again.

use std::sync::LazyLock;

use serde_json::value::RawValue;

use crate::openai::usage::Member;

/// The members that say something, the first that is there.
static SAID: LazyLock<[Member; 3]> =
    LazyLock::new(|| ["\"delta\"", "\"text\"", "\"message\""].map(Member::new));

/// Looks for so many events in a row that say the same.
#[derive(Debug)]
pub(crate) struct Repeats {
    most: u64,
    last: Vec<u8>,
    count: u64,
    found: bool,
}

impl Repeats {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            last: Vec::new(),
            count: 0,
            found: false,
        }
    }

    pub(crate) fn found(&self) -> bool {
        self.found
    }

    /// Counts what an event says, as [`said`] found it.
    pub(crate) fn count(&mut self, said: &[u8]) {
        if NOTHING.contains(&said) {
            return;
        }
        if said == self.last {
            self.count = self.count.saturating_add(1);
        } else {
            self.last.clear();
            self.last.extend_from_slice(said);
            self.count = 1;
        }
        self.found |= self.count >= self.most;
    }
}

/// What an event says that a model would repeat.
pub(crate) fn said(json: &[u8]) -> Option<&[u8]> {
    let value = |member: &Member| member.values(json).find_map(whole_value);
    SAID.iter().find_map(value)
}

/// Values that say nothing.
const NOTHING: [&[u8]; 3] = [b"{}", b"\"\"", b"null"];

/// The JSON value that `from` begins with.
fn whole_value(from: &[u8]) -> Option<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<&RawValue>();
    Some(values.next()?.ok()?.get().as_bytes())
}
