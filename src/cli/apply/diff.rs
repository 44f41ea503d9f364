//! What would change, for people (`+ ~ -`) and for programs.

use std::fmt;

use serde::Serialize;

use super::state::{Field, State};

const HIDDEN: &str = "[hidden]";

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// `+`
    Create,
    /// `~`
    Change,
    /// `-`
    Remove,
}

/// One attribute of a [`Difference`]. Secrets show as `[hidden]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attribute {
    /// Its name in a file.
    pub name: &'static str,
    /// Absent where it had no value.
    pub before: Option<String>,
    /// Absent where it has no value.
    pub after: Option<String>,
}

/// One object that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What happens.
    pub mark: Mark,
    /// As in `key main of provider acme`.
    pub object: String,
    /// What of it differs; empty for a removal.
    pub attributes: Vec<Attribute>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.mark {
            Mark::Create => '+',
            Mark::Change => '~',
            Mark::Remove => '-',
        };
        write!(f, "{sign} {}", self.object)?;
        for (i, attribute) in self.attributes.iter().enumerate() {
            f.write_str(if i == 0 { ": " } else { ", " })?;
            let Attribute {
                name,
                before,
                after,
            } = attribute;
            let text = |value: &Option<String>| match value.as_deref() {
                None => "none".to_owned(),
                Some(v) if v.contains([' ', ',']) => format!("({v})"),
                Some(v) => v.to_owned(),
            };
            match self.mark {
                Mark::Change if after.as_deref() == Some(HIDDEN) => write!(f, "{name} replaced")?,
                Mark::Change => write!(f, "{name} {} → {}", text(before), text(after))?,
                Mark::Create | Mark::Remove => write!(f, "{name} {}", text(after))?,
            }
        }
        Ok(())
    }
}

/// Compares two states, in the order in which a file is written.
pub(super) fn diff(before: &State, after: &State) -> Vec<Difference> {
    let mut out = Vec::new();
    for new in &after.providers {
        let old = before.providers.iter().find(|o| o.name == new.name);
        let object = format!("provider {}", new.name);
        out.extend(compare(
            object,
            old.map(super::state::Provider::fields),
            Some(new.fields()),
        ));
        let old_keys = old.map_or(&[][..], |o| &o.keys);
        let title = |label: &str| format!("key {label} of provider {}", new.name);
        for gone in old_keys {
            if new.keys.iter().all(|k| k.label != gone.label) {
                out.extend(compare(title(&gone.label), Some(gone.fields()), None));
            }
        }
        for key in &new.keys {
            let old = old_keys.iter().find(|o| o.label == key.label);
            let fields = old.map(super::state::Credential::fields);
            out.extend(compare(title(&key.label), fields, Some(key.fields())));
        }
    }
    for new in &after.models {
        models(before, new, &mut out);
    }
    for new in &after.users {
        let old = before.users.iter().find(|o| o.name == new.name);
        let object = format!("account {}", new.name);
        out.extend(compare(
            object,
            old.map(super::users::User::fields),
            Some(new.fields()),
        ));
    }
    for new in &after.api_keys {
        let old = before.api_keys.iter().find(|o| o.name == new.name);
        let object = format!("API key {}", new.name);
        out.extend(compare(
            object,
            old.map(super::state::ApiKey::fields),
            Some(new.fields()),
        ));
    }
    out
}

fn models(before: &State, new: &super::state::Model, out: &mut Vec<Difference>) {
    let old = before.models.iter().find(|o| o.name == new.name);
    let object = format!("model {}", new.name);
    out.extend(compare(
        object,
        old.map(super::state::Model::fields),
        Some(new.fields()),
    ));
    let old_targets = old.map_or(&[][..], |o| &o.targets);
    let title = |t: &super::state::Target| {
        let (provider, upstream) = (&t.provider, &t.upstream_model);
        format!("target {upstream} at {provider} of model {}", new.name)
    };
    let same = |a: &super::state::Target, b: &super::state::Target| {
        a.provider == b.provider && a.upstream_model == b.upstream_model
    };
    for gone in old_targets {
        if new.targets.iter().all(|t| !same(t, gone)) {
            out.extend(compare(title(gone), Some(gone.fields()), None));
        }
    }
    for target in &new.targets {
        let old = old_targets.iter().find(|o| same(o, target));
        let fields = old.map(super::state::Target::fields);
        out.extend(compare(title(target), fields, Some(target.fields())));
    }
}

fn compare(
    object: String,
    before: Option<Vec<Field>>,
    after: Option<Vec<Field>>,
) -> Option<Difference> {
    let (mark, attributes) = match (before, after) {
        (Some(before), Some(after)) => {
            let attributes: Vec<Attribute> = before
                .iter()
                .zip(&after)
                .filter(|(b, a)| b.value != a.value)
                .map(|(b, a)| attribute(Some(b), a))
                .collect();
            (Mark::Change, attributes)
        }
        (None, Some(after)) => {
            let told = |f: &&Field| f.name == "secret" || !f.value.is_empty();
            let attributes = after.iter().filter(told).map(|f| attribute(None, f));
            (Mark::Create, attributes.collect())
        }
        (_, None) => (Mark::Remove, Vec::new()),
    };
    let changes = mark != Mark::Change || !attributes.is_empty();
    changes.then_some(Difference {
        mark,
        object,
        attributes,
    })
}

fn attribute(before: Option<&Field>, after: &Field) -> Attribute {
    let show = |f: &Field| {
        if f.hidden {
            Some(HIDDEN.to_owned())
        } else {
            Some(f.value.clone()).filter(|v| !v.is_empty())
        }
    };
    Attribute {
        name: after.name,
        before: before.and_then(show),
        after: show(after),
    }
}
