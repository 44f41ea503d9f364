//! One limit's meter under its lock, and what tells it from others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono_tz::Tz;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{Currency, Limit, LimitKind, LimitScope, ModelId, Period};

use super::meter::{Meter, Post};
use super::sharing::Posting;

/// What tells a limit from others, its amount and mode aside; the order in which meters are locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Identity {
    pub(super) scope: u8,
    pub(super) scope_id: i64,
    pub(super) model_id: i64,
    pub(super) kind: u8,
    pub(super) period: u8,
    pub(super) currency: [u8; 3],
}

impl From<&Limit> for Identity {
    fn from(limit: &Limit) -> Self {
        Self {
            scope: limit.scope as u8,
            scope_id: limit.scope_id,
            model_id: limit.model_id.0,
            kind: limit.kind as u8,
            period: period_number(limit.period),
            currency: letters(&limit.currency),
        }
    }
}

impl From<&BudgetSum> for Identity {
    fn from(sum: &BudgetSum) -> Self {
        Self {
            scope: sum.scope as u8,
            scope_id: sum.scope_id,
            model_id: sum.model_id.0,
            kind: LimitKind::Budget as u8,
            period: period_number(Some(sum.period)),
            currency: letters(&sum.currency),
        }
    }
}

impl Identity {
    /// Whether it is on a model, or for calls of a model, and `served` is another one.
    pub(super) fn is_of_another_model(&self, served: ModelId) -> bool {
        let own = if self.scope == LimitScope::Model as u8 {
            self.scope_id
        } else {
            self.model_id
        };
        own != 0 && own != served.0
    }
}

fn period_number(period: Option<Period>) -> u8 {
    period.map_or(0, |period| 1 + period as u8)
}

pub(super) fn letters(currency: &Currency) -> [u8; 3] {
    <[u8; 3]>::try_from(currency.as_str().as_bytes()).unwrap_or_default()
}

/// A meter that calls share.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) id: Identity,
    meter: Mutex<Meter>,
    period: Option<Period>,
    /// It waits to be posted.
    pub(super) marked: AtomicBool,
    /// What was last posted of it was not nothing.
    shown: AtomicBool,
}

impl Cell {
    pub(super) fn new(limit: &Limit) -> Self {
        Self {
            id: Identity::from(limit),
            meter: Mutex::new(Meter::new(limit.kind)),
            period: limit.period,
            marked: AtomicBool::new(false),
            shown: AtomicBool::new(false),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Meter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What other instances are to know of it; `even_nothing` also where it neither holds something nor did when it
    /// was last posted.
    pub(super) fn posts(
        &self,
        (now_ms, zone): (i64, Tz),
        even_nothing: bool,
        version: impl Fn() -> u64,
    ) -> Vec<Posting> {
        let mut meter = self.lock();
        let posts = meter.posts(now_ms, self.period, zone);
        let holds = posts
            .iter()
            .any(|post| post.leased != 0 || post.lasting != 0);
        let shown = self.shown.swap(holds, Ordering::Relaxed);
        if !(holds || shown || even_nothing) {
            return Vec::new();
        }
        let posting = |post: Post| self.posting(post, version());
        posts.into_iter().map(posting).collect()
    }

    /// A post under the name that all instances give to this limit.
    pub(super) fn posting(&self, post: Post, version: u64) -> Posting {
        let id = self.id;
        let currency = String::from_utf8_lossy(&id.currency);
        let currency = currency.trim_matches('\0');
        let kind = LimitKind::ALL.get(usize::from(id.kind));
        let kind = kind.map_or("", |kind| kind.as_str());
        let mut name = format!(
            "{kind}:{}:{}:{}:{}:{currency}",
            id.scope, id.scope_id, id.model_id, id.period
        );
        if let Some(start_ms) = post.start_ms {
            name = format!("{name}:{start_ms}");
        }
        Posting {
            name,
            leased: post.leased,
            lasting: post.lasting,
            base: post.base,
            ends_in_ms: post.ends_in_ms,
            eases_in_ms: post.eases_in_ms,
            version,
        }
    }
}
