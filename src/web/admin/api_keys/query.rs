//! Which keys the list shows, as it stands in the address: search, filters, order, page.

use std::cmp::Reverse;
use std::collections::HashMap;

use chrono::{DateTime, Utc};
use modelgate_domain::Currency;
use modelgate_store::api_keys::ApiKey;
use modelgate_store::usage::Totals;
use serde::Deserialize;

use super::PATH;
use crate::web::encode_query;
use crate::web::form::Form;
use crate::web::shell::Shell;

/// Rows of one page.
pub(super) const ROWS: usize = 50;

/// States to choose from; `admin-api-keys-state-` and the name is the text.
pub(super) const STATES: [&str; 4] = ["active", "off", "expired", "unused"];

/// The query string. What does not parse filters nothing, so that an old link still opens.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    pub(super) q: String,
    #[serde(default)]
    pub(super) tag: String,
    /// The account's number.
    #[serde(default)]
    pub(super) owner: String,
    #[serde(default)]
    pub(super) state: String,
    /// A column of [`Sort`]; the name where it is none.
    #[serde(default)]
    pub(super) sort: String,
    #[serde(default)]
    pub(super) page: String,
}

/// What the list goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    Requests,
    Spend,
    LastUsed,
}

impl Sort {
    /// In the order of the columns.
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Requests, Self::Spend, Self::LastUsed];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "",
            Self::Requests => "requests",
            Self::Spend => "spend",
            Self::LastUsed => "used",
        }
    }
}

/// What a key is looked for by, beside its row.
pub(super) struct Known<'a> {
    pub(super) now: DateTime<Utc>,
    /// The name of the account; nothing where the key stands alone.
    pub(super) owner: &'a dyn Fn(&ApiKey) -> Option<String>,
    /// What each key used this month.
    pub(super) month: &'a HashMap<i64, Totals>,
}

impl Query {
    /// The same fields, posted with a form.
    pub(super) fn of(form: &Form) -> Self {
        let field = |name: &str| form.text(&format!("list_{name}")).to_owned();
        Self {
            q: field("q"),
            tag: field("tag"),
            owner: field("owner"),
            state: field("state"),
            sort: field("sort"),
            page: field("page"),
        }
    }

    pub(super) fn sort(&self) -> Sort {
        let named = |sort: &Sort| sort.as_str() == self.sort;
        Sort::ALL.into_iter().find(named).unwrap_or(Sort::Name)
    }

    /// The page that is asked for, from 0.
    pub(super) fn number(&self) -> usize {
        let asked: usize = self.page.parse().unwrap_or(1);
        asked.saturating_sub(1)
    }

    /// The page that is shown, from 0: the last one where there are fewer.
    pub(super) fn page(&self, rows: usize) -> usize {
        self.number().min(rows.saturating_sub(1) / ROWS)
    }

    /// Names and values, the page aside.
    pub(super) fn pairs(&self) -> [(&'static str, &str); 5] {
        [
            ("q", self.q.trim()),
            ("tag", &self.tag),
            ("owner", &self.owner),
            ("state", &self.state),
            ("sort", self.sort().as_str()),
        ]
    }

    /// The list with these filters, in this order, from page `number` on, counted from 0.
    pub(super) fn address(&self, page: &Shell, sort: Sort, number: usize) -> String {
        page.url(&self.path(sort, number))
    }

    /// The same below the base path.
    pub(super) fn path(&self, sort: Sort, number: usize) -> String {
        let text = (number + 1).to_string();
        let pairs = self.pairs().into_iter();
        let parts: Vec<String> = pairs
            .map(|(name, value)| match name {
                "sort" => (name, sort.as_str()),
                _ => (name, value),
            })
            .chain((number > 0).then_some(("page", text.as_str())))
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode_query(value)))
            .collect();
        if parts.is_empty() {
            PATH.to_owned()
        } else {
            format!("{PATH}?{}", parts.join("&"))
        }
    }

    /// The keys that are meant, in their order; they come by name.
    pub(super) fn pick(&self, mut all: Vec<ApiKey>, known: &Known<'_>) -> Vec<ApiKey> {
        let sought = self.q.trim().to_lowercase();
        all.retain(|key| {
            self.fits(key, known) && (sought.is_empty() || found(key, &sought, known))
        });
        let month = |key: &ApiKey| known.month.get(&key.id.0);
        match self.sort() {
            Sort::Name => {}
            Sort::Requests => all.sort_by_key(|key| Reverse(month(key).map(Totals::requests))),
            Sort::LastUsed => all.sort_by_key(|key| Reverse(key.last_used_at)),
            Sort::Spend => {
                let currency = main_currency(known.month);
                let spent = |key: &ApiKey| {
                    let costs = month(key).map(|totals| &totals.cost_nanos);
                    let first = costs.and_then(|costs| costs.get(currency.as_ref()?).copied());
                    (first, costs.and_then(|costs| costs.values().max().copied()))
                };
                all.sort_by_key(|key| Reverse(spent(key)));
            }
        }
        all
    }

    fn fits(&self, key: &ApiKey, known: &Known<'_>) -> bool {
        let state = match self.state.as_str() {
            "active" => state_of(key, known.now) == State::Active,
            "off" => state_of(key, known.now) == State::Off,
            "expired" => state_of(key, known.now) == State::Expired,
            "unused" => key.last_used_at.is_none(),
            _ => true,
        };
        let tag = self.tag.is_empty() || key.tags.contains(&self.tag);
        let owner = self.owner.is_empty() || key.user_id.to_string() == self.owner;
        state && tag && owner
    }
}

/// Whether a key has the text somewhere that operators see.
fn found(key: &ApiKey, sought: &str, known: &Known<'_>) -> bool {
    let has = |text: &str| text.to_lowercase().contains(sought);
    let owner = (known.owner)(key);
    [&key.name, &key.note, &key.key_prefix, &key.key_last4]
        .into_iter()
        .any(|text| has(text))
        || has(&key.shown())
        || key.tags.iter().any(|tag| has(tag))
        || owner.is_some_and(|name| has(&name))
}

/// Whether a key works now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Active,
    Off,
    Expired,
}

pub(super) fn state_of(key: &ApiKey, now: DateTime<Utc>) -> State {
    if !key.enabled {
        State::Off
    } else if key.expires_at.is_some_and(|at| at <= now) {
        State::Expired
    } else {
        State::Active
    }
}

/// The currency that most keys pay in: amounts of different ones cannot be put in one order.
fn main_currency(month: &HashMap<i64, Totals>) -> Option<Currency> {
    let mut counts: HashMap<&Currency, usize> = HashMap::new();
    for currency in month.values().flat_map(|totals| totals.cost_nanos.keys()) {
        *counts.entry(currency).or_default() += 1;
    }
    let most = counts
        .into_iter()
        .max_by_key(|(code, count)| (*count, Reverse(code.as_str())));
    most.map(|(currency, _)| currency.clone())
}
