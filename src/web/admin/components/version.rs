//! Two people at one form: what it showed when it was opened goes with it, and saving is refused where that would undo
//! what somebody else has saved since.
//!
//! The form carries a short hash of each field. [`Opened::check`] runs in the transaction that saves, behind the lock
//! that [`super::fields::save`] takes, so that nobody writes between the look and the change.

use std::collections::BTreeMap;

use modelgate_store::audit::{self, Entry};
use modelgate_store::{Conn, StoreError};
use ring::digest::{SHA256, digest};

use super::fields::Refused;
use super::places;
use crate::web::form::{Conflict, Difference, Form, FormState};
use crate::web::shell::Shell;

/// The hidden field with the hash of each field.
const VERSION: &str = "version";
/// The hidden field with what the audit log called the thing when the form was opened.
const OBJECT: &str = "version_of";
/// The button that saves over what somebody else has saved.
const OVER: &str = "version_over";

/// Fields whose values are numbers of rows, which say nothing to anybody.
const ROWS: [&str; 4] = ["model", "owner", "provider", "redirect"];

/// The fields of what is stored, with their version; `object` is what the audit log calls the thing.
pub(in crate::web::admin) fn stamped(state: FormState, object: &str) -> FormState {
    let version = version(&hashes(&state));
    state.with(VERSION, version).with(OBJECT, object)
}

/// A posted form, and what it showed when it was opened.
#[derive(Clone, Debug)]
pub(in crate::web::admin) struct Opened {
    /// The hash of each field that was not empty. Absent where the form says nothing of it: a script.
    seen: Option<BTreeMap<String, String>>,
    object: String,
    over: String,
    typed: FormState,
}

/// What somebody else has changed.
#[derive(Debug)]
pub(in crate::web::admin) struct Changed {
    /// Name, what is stored now, what the form asks for.
    fields: Vec<(String, String, String)>,
    /// The audit line of it.
    by: Option<Entry>,
    over: String,
}

impl Opened {
    pub(in crate::web::admin) fn of(form: &Form) -> Self {
        let seen = form.text(VERSION);
        Self {
            seen: (!seen.is_empty()).then(|| read(seen)),
            object: form.text(OBJECT).to_owned(),
            over: form.text(OVER).to_owned(),
            typed: form.state(),
        }
    }

    /// Refuses where a field is stored otherwise than the form showed it and than it is to be now. `object` is what the
    /// audit log calls the thing.
    pub(in crate::web::admin) async fn check(
        &self,
        c: &mut Conn,
        now: &FormState,
        object: &str,
    ) -> Result<(), Refused> {
        let hashes = hashes(now);
        let over = short(&version(&hashes));
        let fields = self.differences(&hashes, now);
        if fields.is_empty() || self.over == over {
            return Ok(());
        }
        let by = self.newest(c, object).await?;
        Err(Refused::Changed(Box::new(Changed { fields, by, over })))
    }

    fn differences(
        &self,
        hashes: &BTreeMap<String, String>,
        now: &FormState,
    ) -> Vec<(String, String, String)> {
        let Some(seen) = &self.seen else {
            return Vec::new();
        };
        let names = seen
            .keys()
            .chain(hashes.keys().filter(|n| !seen.contains_key(*n)));
        let names = names.filter(|name| seen.get(*name) != hashes.get(*name));
        let both = names.map(|name| (name.clone(), text(now, name), text(&self.typed, name)));
        both.filter(|(_, now, typed)| now != typed).collect()
    }

    /// The newest change of the thing, under the name it has now or had when the form was opened.
    async fn newest(&self, c: &mut Conn, object: &str) -> Result<Option<Entry>, StoreError> {
        let objects = [object.to_owned(), self.object.clone()];
        audit::newest_change(c, &objects).await
    }
}

/// The form as it was typed, with what somebody else has changed.
pub(in crate::web::admin) fn refused(page: &Shell, form: &Form, changed: Changed) -> FormState {
    let mut state = form.state();
    let who = match &changed.by {
        Some(entry)
            if page
                .user
                .as_ref()
                .is_some_and(|u| u.username == entry.actor) =>
        {
            page.t("version-by-you")
        }
        Some(entry) => page.t1("version-by", "who", &entry.actor),
        None => page.t("version-by-somebody"),
    };
    let line = |(name, now, yours): (String, String, String)| {
        let of_rows = name.rsplit('-').next().is_some_and(|n| ROWS.contains(&n));
        let told = |text: &str| {
            if of_rows {
                String::new()
            } else if text.is_empty() {
                page.t("version-empty")
            } else {
                places::value(page, &cut(text))
            }
        };
        Difference {
            now: told(&now),
            yours: told(&yours),
            field: places::of_field(page, &name),
        }
    };
    state.set_conflict(Conflict {
        who,
        at: changed
            .by
            .map(|entry| page.moment(entry.at.timestamp_millis())),
        fields: changed.fields.into_iter().map(line).collect(),
        over: changed.over,
    });
    state
}

/// The hash of each field that is not empty: what is not sent and what is sent empty are the same.
fn hashes(state: &FormState) -> BTreeMap<String, String> {
    let own = state.fields().map(|(name, _)| name);
    let filled = own.filter(|name| ![VERSION, OBJECT].contains(name));
    let filled = filled.map(|name| (name.to_owned(), text(state, name)));
    let filled = filled.filter(|(_, text)| !text.is_empty());
    filled.map(|(name, text)| (name, short(&text))).collect()
}

/// As much of a long text as tells it from another.
fn cut(text: &str) -> String {
    /// Characters.
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// All values of a field in one.
fn text(state: &FormState, name: &str) -> String {
    let found = state.fields().find(|(field, _)| *field == name);
    let mut values = found.map_or_else(Vec::new, |(_, values)| values.to_vec());
    // what is ticked comes in the order of the page, what is stored in that of its rows
    values.sort();
    let text = values.join("\n");
    text.trim().replace("\r\n", "\n")
}

fn version(hashes: &BTreeMap<String, String>) -> String {
    let pairs = hashes.iter().map(|(name, hash)| format!("{name}:{hash}"));
    // a form that showed nothing has a version too
    std::iter::once("v".to_owned())
        .chain(pairs)
        .collect::<Vec<_>>()
        .join(" ")
}

fn read(version: &str) -> BTreeMap<String, String> {
    let pairs = version.split(' ').filter_map(|pair| pair.split_once(':'));
    pairs
        .map(|(name, hash)| (name.to_owned(), hash.to_owned()))
        .collect()
}

fn short(text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let first = hash.as_ref().iter().take(6);
    first
        .fold(0_u64, |all, byte| all << 8 | u64::from(*byte))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(shown: FormState, typed: FormState) -> Opened {
        let shown = stamped(shown, "thing a");
        Opened {
            seen: Some(read(shown.value(VERSION))),
            object: shown.value(OBJECT).to_owned(),
            over: String::new(),
            typed,
        }
    }

    fn state(pairs: &[(&str, &str)]) -> FormState {
        let pairs = pairs.iter();
        pairs.fold(FormState::default(), |state, (name, value)| {
            state.with(name, *value)
        })
    }

    fn names(opened: &Opened, now: &FormState) -> Vec<String> {
        let found = opened.differences(&hashes(now), now);
        found.into_iter().map(|(name, _, _)| name).collect()
    }

    #[test]
    fn only_what_would_be_undone_counts() {
        let shown = state(&[("name", "a"), ("weight", "5"), ("on", "on"), ("spare", "")]);
        let now = state(&[("name", "b"), ("weight", "5")]);
        let typed = state(&[("name", "a"), ("weight", "7"), ("on", "on")]);
        assert_eq!(names(&opened(shown.clone(), typed), &now), ["name", "on"]);
        // the same change twice undoes nothing, nor does one of what nobody else touched
        assert!(names(&opened(shown.clone(), now.clone()), &now).is_empty());
        let mine = state(&[("name", "b"), ("weight", "9")]);
        assert!(names(&opened(shown, mine), &now).is_empty());
    }

    #[test]
    fn a_list_is_the_same_in_any_order() {
        let shown = state(&[("model", "m1"), ("model", "m2")]);
        let now = state(&[("model", "m2"), ("model", "m1")]);
        assert!(names(&opened(shown.clone(), state(&[])), &now).is_empty());
        assert_eq!(
            names(&opened(shown, state(&[])), &state(&[("model", "m3")])),
            ["model"]
        );
    }
}
