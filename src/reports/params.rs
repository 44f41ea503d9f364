//! What a report is asked to be about.

use chrono::NaiveDate;
use chrono_tz::Tz;
use modelgate_domain::{Range, Window};
use modelgate_store::key_owners::KeyOwner;
use serde::{Deserialize, Serialize};

use super::templates::Template;
use crate::i18n::Lang;

/// The longest range of a report, in days: a year, and a leap day.
pub const MOST_DAYS: i64 = 366;

/// Whose use is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everybody's.
    #[default]
    Everyone,
    /// That of an account's keys.
    User(i64),
    /// That of one key.
    Key(i64),
    /// That of the keys with a tag.
    Tag(String),
}

/// The size of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// 210 by 297 mm.
    #[default]
    A4,
    /// 8.5 by 11 inches.
    Letter,
}

/// Everything that decides what is in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// The first day.
    pub from: NaiveDate,
    /// The last day, included.
    pub to: NaiveDate,
    /// Whose days these are, by the name of a time zone; the business time zone where empty.
    #[serde(default)]
    pub zone: String,
    /// The code of the language.
    pub lang: String,
    /// Whose use is told.
    #[serde(default)]
    pub scope: Scope,
    /// Keys that are left out.
    #[serde(default)]
    pub without_keys: Vec<i64>,
    /// Accounts whose keys are left out.
    #[serde(default)]
    pub without_users: Vec<i64>,
    /// The size of the pages.
    #[serde(default)]
    pub paper: Paper,
    /// Which chapters it has. A whole one is written as before there were others: what means the same is the same.
    #[serde(default, skip_serializing_if = "Template::is_full")]
    pub template: Template,
}

/// Why no report can be about this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadParams {
    /// The last day is before the first.
    #[error("the last day is before the first")]
    Backwards,
    /// More than [`MOST_DAYS`].
    #[error("a report covers at most {MOST_DAYS} days")]
    TooLong,
    /// The first day has not come.
    #[error("the first day has not come yet")]
    Future,
    /// No such time zone.
    #[error("there is no such time zone")]
    Zone,
    /// No such language.
    #[error("there is no such language: en or zh")]
    Language,
}

impl Params {
    /// A report about everybody.
    pub fn new(from: NaiveDate, to: NaiveDate, lang: Lang) -> Self {
        Self {
            from,
            to,
            zone: String::new(),
            lang: lang.code().to_owned(),
            scope: Scope::Everyone,
            without_keys: Vec::new(),
            without_users: Vec::new(),
            paper: Paper::A4,
            template: Template::Full,
        }
    }

    /// The language; English where the code is not known.
    pub fn lang(&self) -> Lang {
        Lang::parse(&self.lang).unwrap_or_default()
    }

    /// The time zone that was asked for.
    pub fn zone(&self, business: Tz) -> Result<Tz, BadParams> {
        if self.zone.is_empty() {
            return Ok(business);
        }
        self.zone.parse().map_err(|_unknown| BadParams::Zone)
    }

    /// Leaves out the newest key of this name, or else the keys of the account of this name; false where there is neither.
    pub fn leave_out(&mut self, name: &str, owners: &[KeyOwner]) -> bool {
        let newest = owners.iter().rev();
        if let Some(key) = newest.clone().find(|owner| owner.name == name) {
            self.without_keys.push(key.id.0);
            return true;
        }
        let account = newest.clone().find(|owner| owner.user == name);
        self.without_users
            .extend(account.map(|owner| owner.user_id.0));
        account.is_some()
    }

    /// The same, with what means the same written the same.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        for ids in [&mut self.without_keys, &mut self.without_users] {
            ids.sort_unstable();
            ids.dedup();
        }
        self
    }

    /// Whether a report can be made of it at `now_ms`.
    pub fn check(&self, now_ms: i64, business: Tz) -> Result<(), BadParams> {
        let zone = self.zone(business)?;
        if Lang::parse(&self.lang).is_none() {
            return Err(BadParams::Language);
        }
        if self.to < self.from {
            return Err(BadParams::Backwards);
        }
        if self.to.signed_duration_since(self.from).num_days() >= MOST_DAYS {
            return Err(BadParams::TooLong);
        }
        if self.window(now_ms, zone, business).from_ms() > now_ms {
            return Err(BadParams::Future);
        }
        Ok(())
    }

    /// The range as it lies at `now_ms`: long or old ranges are days of the business time zone, as on the pages.
    pub fn window(&self, now_ms: i64, zone: Tz, business: Tz) -> Window {
        Range::Custom(self.from, self.to).window(now_ms, zone, business)
    }

    /// The beginning of the names of its files.
    pub fn file_stem(&self) -> String {
        match self.template {
            Template::Full => format!("usage-{}-{}", self.from, self.to),
            part => format!("usage-{}-{}-{}", part.as_str(), self.from, self.to),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_214_489_000;

    fn params(from: &str, to: &str) -> Params {
        Params::new(from.parse().unwrap(), to.parse().unwrap(), Lang::En)
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let check = |params: &Params| params.check(NOW, chrono_tz::Asia::Shanghai);
        assert_eq!(check(&params("2026-11-01", "2026-11-20")), Ok(()));
        assert_eq!(check(&params("2025-11-22", "2026-11-21")), Ok(()));
        let backwards = params("2026-11-02", "2026-11-01");
        assert_eq!(check(&backwards), Err(BadParams::Backwards));
        let long = params("2025-01-01", "2026-11-01");
        assert_eq!(check(&long), Err(BadParams::TooLong));
        let future = params("2026-11-22", "2026-11-22");
        assert_eq!(check(&future), Err(BadParams::Future));
        let mut elsewhere = params("2026-11-01", "2026-11-02");
        elsewhere.zone = "Mars/Olympus".to_owned();
        assert_eq!(check(&elsewhere), Err(BadParams::Zone));
    }

    #[test]
    fn keys_and_accounts_are_left_out_by_name() {
        let owner = |id: i64, name: &str, user: i64| KeyOwner {
            id: id.into(),
            name: name.to_owned(),
            user_id: user.into(),
            user: if user == 0 { "" } else { "Ann" }.to_owned(),
            tags: Vec::new(),
            usable: true,
        };
        let owners = [owner(1, "ci", 0), owner(2, "ci", 0), owner(3, "laptop", 7)];
        let mut asked = params("2026-11-01", "2026-11-02");
        assert!(asked.leave_out("ci", &owners) && asked.leave_out("Ann", &owners));
        assert!(!asked.leave_out("nobody", &owners));
        assert_eq!(
            (&asked.without_keys[..], &asked.without_users[..]),
            (&[2][..], &[7][..])
        );
    }

    #[test]
    fn what_means_the_same_is_written_the_same() {
        let mut one = params("2026-11-01", "2026-11-02");
        let mut other = one.clone();
        one.without_keys = vec![3, 1, 3];
        other.without_keys = vec![1, 3];
        let text = |params: Params| serde_json::to_string(&params.tidied()).unwrap();
        assert_eq!(text(one), text(other));
    }
}
