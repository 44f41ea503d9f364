//! Noticing a model that says the same again and again.

use serde_json::value::RawValue;

use crate::openai::usage::Member;

/// Looks for so many events in a row that say the same.
#[derive(Debug)]
pub(crate) struct Repeats {
    most: u64,
    delta: Member,
    completion: Member,
    message: Member,
    last: Vec<u8>,
    count: u64,
    found: bool,
}

impl Repeats {
    pub(crate) fn new(most: u64) -> Self {
        Self {
            most,
            delta: Member::new("\"delta\""),
            completion: Member::new("\"text\""),
            message: Member::new("\"message\""),
            last: Vec::new(),
            count: 0,
            found: false,
        }
    }

    pub(crate) fn found(&self) -> bool {
        self.found
    }

    pub(crate) fn look_at(&mut self, json: &[u8]) {
        let value = |member: &Member| {
            let mut found = member.values(json).filter_map(whole_value);
            found.next().map(<[u8]>::to_vec)
        };
        let said = value(&self.delta)
            .or_else(|| value(&self.completion))
            .or_else(|| value(&self.message));
        let Some(said) = said.filter(|said| !NOTHING.contains(&said.as_slice())) else {
            return;
        };
        if said == self.last {
            self.count = self.count.saturating_add(1);
        } else {
            self.last = said;
            self.count = 1;
        }
        self.found |= self.count >= self.most;
    }
}

/// Values that say nothing.
const NOTHING: [&[u8]; 3] = [b"{}", b"\"\"", b"null"];

/// The JSON value that `from` begins with.
fn whole_value(from: &[u8]) -> Option<&[u8]> {
    let mut values = serde_json::Deserializer::from_slice(from).into_iter::<&RawValue>();
    Some(values.next()?.ok()?.get().as_bytes())
}
