//! The live meters of all limits: a list of claims is checked as a whole, then committed as a whole or not at all.
//!
//! Plain data in, plain data out, and nothing else of the module touches a meter. Meters go by what a limit is, not by
//! its amount: they survive a new configuration, and a changed amount holds at once.
//!
//! They hold what this process uses. Where instances share limits, what fits here is then asked of all of them
//! ([`Ledger::confirm`]).

use std::sync::{Arc, MutexGuard};

use ahash::AHashMap;
use arc_swap::ArcSwap;
use chrono_tz::Tz;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{Currency, Limit, LimitKind, LimitMode, ModelId, RequestRecord};

use super::cell::{Cell, Identity, letters};
use super::meter::{Meter, Times};
use super::rates::{Rate, Rates};
use super::sharing::{Asked, Sharing, Standing};

/// What a call wants of one limit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// The limit.
    pub(super) limit: &'a Limit,
    /// How much of it is there to take: all of it, or the part of this instance.
    pub(super) amount: i64,
    /// Requests, tokens, calls or nano-units; 0 passes whatever is used.
    pub(super) need: i64,
    /// With how much it would make do, where `need` is a guess.
    pub(super) least: i64,
}

impl Claim<'_> {
    /// The limit with as much as is there to take.
    pub(super) fn part(&self) -> Limit {
        Limit {
            amount: self.amount,
            ..self.limit.clone()
        }
    }
}

/// A limit that has no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// The limit.
    pub(super) limit: Limit,
    /// How much of it is used.
    pub(super) used: i64,
    /// The least that the call would make do with.
    pub(super) need: i64,
    /// When there will be room, milliseconds from now; absent where waiting alone does not help.
    pub(super) wait_ms: Option<i64>,
    /// How the call's limits stand.
    pub(super) rates: Rates,
}

/// How a call ended, as far as meters are concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Close<'a> {
    /// The time, epoch milliseconds.
    pub(super) now_ms: i64,
    /// All tokens, in and out.
    pub(super) tokens: i64,
    /// What it cost, where that is known.
    pub(super) cost: Option<(i64, &'a Currency)>,
    /// The model that served it: the limits of another one, that was asked first, are let go unused.
    pub(super) model: Option<ModelId>,
    /// No vendor was called: not even the request counts.
    pub(super) undone: bool,
}

/// What a call holds of the meters. Dropped, it gives back what was held for later.
#[derive(Debug, Default)]
pub(super) struct Receipt {
    pub(super) holds: Vec<Hold>,
    /// Whom changes of the meters are told.
    sharing: Option<Arc<Sharing>>,
    /// What the other instances are to be asked.
    pub(super) asked: Vec<Asked>,
    /// How the limits that refuse stand, this call counted.
    pub(super) rates: Rates,
    /// Limits that only observe and would have refused.
    pub(super) observed: Vec<Denied>,
}

/// What a call holds of one meter.
#[derive(Debug)]
pub(super) struct Hold {
    pub(super) cell: Arc<Cell>,
    pub(super) amount: i64,
    /// The second or the period that it was counted in.
    pub(super) stamp: i64,
}

type Cells = AHashMap<Identity, Arc<Cell>>;

/// All meters of this process.
#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) zone: Tz,
    pub(super) cells: ArcSwap<Cells>,
    pub(super) sharing: Arc<Sharing>,
}

impl Ledger {
    /// Nothing is used. Budgets follow the calendar of `zone`.
    pub(super) fn new(zone: Tz, sharing: Sharing) -> Self {
        Self {
            zone,
            cells: ArcSwap::default(),
            sharing: Arc::new(sharing),
        }
    }

    /// Makes room for the limits of a new configuration, and forgets meters without a limit once nothing is on them.
    pub(super) fn adopt<'a, I>(&self, limits: &I, now_ms: i64)
    where
        I: Iterator<Item = &'a Limit> + Clone,
    {
        self.cells.rcu(|old| {
            let mut cells: Cells = limits
                .clone()
                .map(|limit| {
                    let id = Identity::from(limit);
                    let known = old.get(&id).map(Arc::clone);
                    (id, known.unwrap_or_else(|| Arc::new(Cell::new(limit))))
                })
                .collect();
            for (id, cell) in old.iter() {
                if !cells.contains_key(id) && !cell.lock().is_idle(now_ms) {
                    cells.insert(*id, Arc::clone(cell));
                }
            }
            cells
        });
    }

    /// Grants all claims or none.
    pub(super) fn take(
        &self,
        claims: &mut Vec<Claim<'_>>,
        times: Times,
    ) -> Result<Receipt, Box<Denied>> {
        claims.sort_unstable_by_key(|claim| Identity::from(claim.limit));
        claims.dedup_by_key(|claim| Identity::from(claim.limit));
        let mut receipt = Receipt::default();
        receipt.sharing = self.sharing.board().map(|_| Arc::clone(&self.sharing));
        receipt
            .holds
            .extend(claims.iter().map(|claim| self.hold(claim.limit)));
        let mut guards: Vec<MutexGuard<'_, Meter>> =
            receipt.holds.iter().map(|hold| hold.cell.lock()).collect();
        let mut worst: Option<Denied> = None;
        let mut grants = Vec::with_capacity(claims.len());
        for (claim, meter) in claims.iter().zip(&mut guards) {
            let used = meter.used(claim.limit, times, self.zone);
            let room = claim.amount.saturating_sub(used);
            if claim.need == 0 || claim.need <= room {
                grants.push(claim.need);
                continue;
            }
            if claim.least <= room {
                grants.push(room);
                continue;
            }
            grants.push(claim.need);
            let limit = claim.part();
            let wait_ms = meter.wait_ms(&limit, claim.least, times, self.zone);
            let denied = Denied {
                limit,
                used,
                need: claim.least,
                wait_ms,
                rates: Rates::default(),
            };
            match claim.limit.mode {
                LimitMode::Observe => receipt.observed.push(denied),
                LimitMode::Enforce if worse(&denied, worst.as_ref()) => worst = Some(denied),
                LimitMode::Enforce => {}
            }
        }
        if let Some(mut denied) = worst {
            denied.rates = rates(claims, &mut guards, &[], times, self.zone);
            return Err(Box::new(denied));
        }
        let asked = self.asked(claims, &mut guards, &grants, times);
        let stamps: Vec<i64> = claims
            .iter()
            .zip(guards.iter_mut().zip(&grants))
            .map(|(claim, (meter, grant))| meter.commit(claim.limit, *grant, times, self.zone))
            .collect();
        let rates = rates(claims, &mut guards, &[], times, self.zone);
        drop(guards);
        receipt.rates = rates;
        receipt.asked = asked;
        for (hold, (amount, stamp)) in receipt.holds.iter_mut().zip(grants.into_iter().zip(stamps))
        {
            hold.amount = amount;
            hold.stamp = stamp;
        }
        Ok(receipt)
    }

    /// Takes over what the database says of budgets.
    pub(super) fn learn(&self, sums: &[BudgetSum]) {
        let cells = self.cells.load();
        for sum in sums {
            if let Some(cell) = cells.get(&Identity::from(sum)) {
                cell.lock().learn(sum, self.zone);
            }
        }
    }

    /// Notes that the database holds the cost of a call that ended here.
    pub(super) fn drained(&self, record: &RequestRecord) {
        let Some(cost) = record.cost_nanos.filter(|cost| *cost > 0) else {
            return;
        };
        let cells = self.cells.load();
        if cells.is_empty() {
            return;
        }
        let scopes = [
            record.api_key_id.0,
            record.user_id.0,
            record.model_id.0,
            record.provider_key_id.0,
        ];
        for (scope, scope_id) in (0_u8..).zip(scopes) {
            for model_id in [0, record.model_id.0] {
                for period in 1..=PERIODS {
                    let id = Identity {
                        scope,
                        scope_id,
                        model_id,
                        kind: LimitKind::Budget as u8,
                        period,
                        currency: letters(&record.currency),
                    };
                    if let Some(cell) = cells.get(&id) {
                        cell.lock().drained(record.started_ms, cost);
                        self.sharing.mark(cell);
                    }
                }
            }
        }
    }

    /// How much of a limit is used now: requests, tokens, calls or nano-units.
    pub(super) fn used(&self, limit: &Limit, now_ms: i64) -> i64 {
        let cells = self.cells.load();
        let times = Times {
            now_ms,
            started_ms: now_ms,
        };
        cells
            .get(&Identity::from(limit))
            .map_or(0, |cell| cell.lock().used(limit, times, self.zone))
    }

    /// Milliseconds until nothing counts against a limit of a rate any more.
    pub(super) fn reset_ms(&self, limit: &Limit, now_ms: i64) -> i64 {
        let cells = self.cells.load();
        let times = Times {
            now_ms,
            started_ms: now_ms,
        };
        let cell = cells.get(&Identity::from(limit));
        cell.map_or(0, |cell| cell.lock().reset_ms(times))
    }

    pub(super) fn hold(&self, limit: &Limit) -> Hold {
        let id = Identity::from(limit);
        let known = self.cells.load().get(&id).map(Arc::clone);
        let cell = known.unwrap_or_else(|| self.insert(id, limit));
        Hold {
            cell,
            amount: 0,
            stamp: 0,
        }
    }

    /// For a limit that came into force a moment ago.
    fn insert(&self, id: Identity, limit: &Limit) -> Arc<Cell> {
        let fresh = Arc::new(Cell::new(limit));
        self.cells.rcu(|old| {
            let mut cells = Cells::clone(old);
            cells.entry(id).or_insert_with(|| Arc::clone(&fresh));
            cells
        });
        self.cells.load().get(&id).map_or(fresh, Arc::clone)
    }
}

/// How many periods there are.
const PERIODS: u8 = 4;

impl Receipt {
    /// Takes over what another receipt holds; what both hold of one meter in one period becomes one.
    pub(super) fn join(&mut self, mut other: Self) {
        for more in other.holds.drain(..) {
            let same = |hold: &&mut Hold| hold.cell.id == more.cell.id && hold.stamp == more.stamp;
            match self.holds.iter_mut().find(same) {
                Some(hold) => hold.amount = hold.amount.saturating_add(more.amount),
                None => self.holds.push(more),
            }
        }
        self.observed.append(&mut other.observed);
        self.rates = self.rates.tighter(other.rates);
        self.sharing = self.sharing.take().or(other.sharing.take());
    }

    /// How much of a limit it holds; absent where it does not concern it.
    pub(super) fn held(&self, limit: &Limit) -> Option<i64> {
        let id = Identity::from(limit);
        let hold = self.holds.iter().find(|hold| hold.cell.id == id);
        hold.map(|hold| hold.amount)
    }

    /// Replaces what was held by what was used. Only the first call does something.
    pub(super) fn close(&mut self, how: &Close<'_>) {
        let nothing = Close {
            tokens: 0,
            cost: None,
            ..how.clone()
        };
        for hold in self.holds.drain(..) {
            let other = |served| hold.cell.id.is_of_another_model(served);
            let how = if how.model.is_some_and(other) {
                &nothing
            } else {
                how
            };
            let cost = how
                .cost
                .filter(|(_, currency)| letters(currency) == hold.cell.id.currency);
            let cost = cost.map_or(0, |(nanos, _)| nanos);
            hold.cell.lock().close(hold.amount, hold.stamp, how, cost);
            if let Some(sharing) = &self.sharing {
                sharing.mark(&hold.cell);
            }
        }
    }
}

impl Drop for Receipt {
    fn drop(&mut self) {
        self.close(&Close::default());
    }
}

/// Whether a refusal says more than the one so far: the longest wait is the one that counts.
pub(super) fn worse(denied: &Denied, so_far: Option<&Denied>) -> bool {
    let wait = |denied: &Denied| denied.wait_ms.unwrap_or(i64::MAX);
    so_far.is_none_or(|other| wait(denied) > wait(other))
}

/// No vendor was called.
pub(super) fn undone() -> Close<'static> {
    Close {
        undone: true,
        ..Close::default()
    }
}

/// The tightest of the limits that refuse, with what other instances use of them.
pub(super) fn rates(
    claims: &[Claim<'_>],
    meters: &mut [MutexGuard<'_, Meter>],
    elsewhere: &[Standing],
    times: Times,
    zone: Tz,
) -> Rates {
    let mut rates = Rates::default();
    for (at, (claim, meter)) in claims.iter().zip(meters).enumerate() {
        if claim.limit.mode == LimitMode::Observe {
            continue;
        }
        let others = elsewhere.get(at).copied().unwrap_or_default();
        let used = meter.used(claim.limit, times, zone);
        let used = used.saturating_add(others.others);
        let rate = Rate {
            limit: claim.amount,
            remaining: claim.amount.saturating_sub(used).max(0),
            reset_ms: meter.reset_ms(times).max(others.ends_in_ms),
        };
        match claim.limit.kind {
            LimitKind::Rpm => rates.requests = Some(rate.tighter(rates.requests)),
            LimitKind::Tpm => rates.tokens = Some(rate.tighter(rates.tokens)),
            LimitKind::Concurrency | LimitKind::Budget => {}
        }
    }
    rates
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
