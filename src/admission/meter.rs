//! One limit's meter, of whichever kind.

use chrono_tz::Tz;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{Limit, LimitKind, Period};

use super::budget::Budget;
use super::ledger::Close;
use super::sharing::LEASE_MS;
use super::window::Window;

/// When a place will be free nobody knows; this is when asking again makes sense.
const PLACE_WAIT_MS: i64 = 1_000;

/// The times of a call, epoch milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// Now: what windows go by.
    pub(super) now_ms: i64,
    /// When the call began: the period that its cost counts in.
    pub(super) started_ms: i64,
}

/// What other instances are to know of a meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Post {
    /// The period of a budget, by its beginning.
    pub(super) start_ms: Option<i64>,
    /// What ends by itself.
    pub(super) leased: i64,
    /// What stays even when this instance is gone.
    pub(super) lasting: i64,
    /// What the database says.
    pub(super) base: i64,
    /// Milliseconds until `leased` counts no more, unless posted again.
    pub(super) ends_in_ms: i64,
    /// Milliseconds until some of `leased` counts no more; 0 where nobody knows.
    pub(super) eases_in_ms: i64,
}

/// What is used of a limit.
#[derive(Debug)]
pub(super) enum Meter {
    /// Requests within a minute.
    Requests(Window),
    /// Tokens within a minute.
    Tokens(Window),
    /// Calls that run.
    Running(i64),
    /// Money.
    Money(Budget),
}

impl Meter {
    pub(super) fn new(kind: LimitKind) -> Self {
        match kind {
            LimitKind::Rpm => Self::Requests(Window::default()),
            LimitKind::Tpm => Self::Tokens(Window::default()),
            LimitKind::Concurrency => Self::Running(0),
            LimitKind::Budget => Self::Money(Budget::default()),
        }
    }

    /// How much is used.
    pub(super) fn used(&mut self, limit: &Limit, times: Times, zone: Tz) -> i64 {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window.used(times.now_ms),
            Self::Running(count) => *count,
            Self::Money(budget) => budget.at(times.started_ms, period(limit), zone).used(),
        }
    }

    /// Milliseconds until there will be room for `need`; `None` where waiting alone does not help.
    pub(super) fn wait_ms(
        &mut self,
        limit: &Limit,
        need: i64,
        times: Times,
        zone: Tz,
    ) -> Option<i64> {
        match self {
            Self::Requests(window) | Self::Tokens(window) => {
                let most = limit.amount.saturating_sub(need);
                (most >= 0).then(|| window.falls_to_in_ms(most, times.now_ms))
            }
            Self::Running(_) => (limit.amount > 0).then_some(PLACE_WAIT_MS),
            // no period has room for it
            Self::Money(_) if need > limit.amount => None,
            Self::Money(budget) => {
                let end_ms = budget.at(times.started_ms, period(limit), zone).end_ms()?;
                Some(end_ms.saturating_sub(times.now_ms).max(0))
            }
        }
    }

    /// Milliseconds until nothing counts any more.
    pub(super) fn reset_ms(&mut self, times: Times) -> i64 {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window.empty_in_ms(times.now_ms),
            Self::Running(_) | Self::Money(_) => 0,
        }
    }

    /// Counts `amount`; returns the stamp to close it with.
    pub(super) fn commit(&mut self, limit: &Limit, amount: i64, times: Times, zone: Tz) -> i64 {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window.add(times.now_ms, amount),
            Self::Running(count) => {
                *count = count.saturating_add(amount);
                0
            }
            Self::Money(budget) => {
                let spent = budget.at(times.started_ms, period(limit), zone);
                spent.reserve(amount)
            }
        }
    }

    /// Replaces what was held by what was used.
    pub(super) fn close(&mut self, held: i64, stamp: i64, how: &Close<'_>, cost: i64) {
        match self {
            Self::Requests(window) if how.undone => window.take_back(stamp, held),
            Self::Requests(_) => {}
            Self::Tokens(window) => {
                let more = how.tokens.saturating_sub(held);
                if more > 0 {
                    window.add(how.now_ms, more);
                } else {
                    window.take_back(stamp, more.saturating_neg());
                }
            }
            Self::Running(count) => *count = count.saturating_sub(held).max(0),
            Self::Money(budget) => budget.settle(stamp, held, cost),
        }
    }

    /// Gives back a part of what was just committed.
    pub(super) fn lower(&mut self, stamp: i64, amount: i64) {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window.take_back(stamp, amount),
            Self::Running(count) => *count = count.saturating_sub(amount).max(0),
            Self::Money(budget) => budget.settle(stamp, amount, 0),
        }
    }

    /// How it stands for other instances, in the period that a call began in.
    pub(super) fn post(&mut self, limit: &Limit, times: Times, zone: Tz) -> Post {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window_post(window, times.now_ms),
            Self::Running(count) => running_post(*count),
            Self::Money(budget) => budget.at(times.started_ms, period(limit), zone).post(),
        }
    }

    /// The same for every period that it knows of, the present one included.
    pub(super) fn posts(&mut self, now_ms: i64, period: Option<Period>, zone: Tz) -> Vec<Post> {
        match self {
            Self::Requests(window) | Self::Tokens(window) => vec![window_post(window, now_ms)],
            Self::Running(count) => vec![running_post(*count)],
            Self::Money(budget) => {
                budget.at(now_ms, period.unwrap_or(Period::Total), zone);
                budget.posts()
            }
        }
    }

    pub(super) fn learn(&mut self, sum: &BudgetSum, zone: Tz) {
        if let Self::Money(budget) = self {
            budget.learn(sum.start_ms, sum.spent_nanos, sum.period, zone);
        }
    }

    pub(super) fn drained(&mut self, started_ms: i64, cost: i64) {
        if let Self::Money(budget) = self {
            budget.drained(started_ms, cost);
        }
    }

    /// Nothing would be lost with it.
    pub(super) fn is_idle(&mut self, now_ms: i64) -> bool {
        match self {
            Self::Requests(window) | Self::Tokens(window) => window.used(now_ms) == 0,
            Self::Running(count) => *count == 0,
            Self::Money(budget) => budget.is_idle(),
        }
    }
}

fn window_post(window: &mut Window, now_ms: i64) -> Post {
    let used = window.used(now_ms);
    Post {
        leased: used,
        ends_in_ms: window.empty_in_ms(now_ms),
        eases_in_ms: window.falls_to_in_ms(used.saturating_sub(1), now_ms),
        ..Post::default()
    }
}

fn running_post(count: i64) -> Post {
    Post {
        leased: count,
        ends_in_ms: LEASE_MS,
        ..Post::default()
    }
}

fn period(limit: &Limit) -> Period {
    limit.period.unwrap_or(Period::Total)
}
