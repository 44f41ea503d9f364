//! What fits at this instance, asked of all of them; and what this one tells the others.

use std::sync::{Arc, MutexGuard};

use modelgate_domain::{Limit, LimitKind, LimitMode};

use super::cell::Cell;
use super::ledger::{Claim, Denied, Ledger, Receipt, rates, undone, worse};
use super::meter::{Meter, Times};
use super::rates::Rates;
use super::sharing::{Asked, Posting, Standing, Verdict, Which};
use super::window;

/// What came of asking for all instances.
pub(super) enum Confirmed {
    /// The call may go on with this.
    Granted(Receipt),
    /// Others use too much.
    Denied(Box<Denied>),
    /// Nobody answered: nothing is held, and the part of this instance decides.
    Alone,
}

impl Ledger {
    /// What all instances are to be asked about claims that fit here.
    pub(super) fn asked(
        &self,
        claims: &[Claim<'_>],
        meters: &mut [MutexGuard<'_, Meter>],
        grants: &[i64],
        times: Times,
    ) -> Vec<Asked> {
        if self.sharing.split().is_some() {
            return Vec::new();
        }
        let all = claims.iter().zip(meters.iter_mut().zip(grants));
        all.map(|(claim, (meter, grant))| {
            let mut post = meter.post(claim.limit, times, self.zone);
            if matches!(claim.limit.kind, LimitKind::Rpm | LimitKind::Tpm) {
                post.ends_in_ms = window::SPAN_MS;
                if post.leased == 0 {
                    post.eases_in_ms = window::SPAN_MS;
                }
            }
            let cell = self.hold(claim.limit).cell;
            Asked {
                posting: cell.posting(post, self.sharing.version()),
                kind: claim.limit.kind,
                amount: claim.amount,
                enforced: claim.limit.mode == LimitMode::Enforce,
                need: *grant,
                least: claim.least.min(*grant),
            }
        })
        .collect()
    }

    /// Asks all instances about what fits here. `claims` are those that the receipt was given for.
    pub(super) async fn confirm(
        &self,
        mut receipt: Receipt,
        claims: &[Claim<'_>],
        times: Times,
    ) -> Confirmed {
        let asked = std::mem::take(&mut receipt.asked);
        let Some(board) = self.sharing.board().filter(|_| !asked.is_empty()) else {
            return Confirmed::Granted(receipt);
        };
        let verdict = board.ask(asked).await;
        let Some(verdict) = verdict.filter(|verdict| verdict.limits.len() == claims.len()) else {
            receipt.close(&undone());
            return Confirmed::Alone;
        };
        let holds = receipt.holds.iter_mut();
        let all = claims.iter().zip(holds).zip(&verdict.limits);
        let mut worst: Option<Denied> = None;
        for ((claim, hold), standing) in all {
            let mut meter = hold.cell.lock();
            let Some(granted) = standing.granted else {
                let denied = self.denied(claim, hold.amount, &mut meter, (standing, times));
                match claim.limit.mode {
                    LimitMode::Observe => receipt.observed.push(denied),
                    LimitMode::Enforce if worse(&denied, worst.as_ref()) => worst = Some(denied),
                    LimitMode::Enforce => {}
                }
                continue;
            };
            if verdict.granted && granted < hold.amount {
                meter.lower(hold.stamp, hold.amount - granted);
                hold.amount = granted;
            }
        }
        receipt.rates = self.rates_of(&receipt, claims, &verdict, times);
        let Some(mut denied) = worst else {
            return Confirmed::Granted(receipt);
        };
        receipt.close(&undone());
        denied.rates = self.rates_of(&receipt, claims, &verdict, times);
        Confirmed::Denied(Box::new(denied))
    }

    /// A limit that has room here and none where all instances are counted.
    fn denied(
        &self,
        claim: &Claim<'_>,
        held: i64,
        meter: &mut Meter,
        (standing, times): (&Standing, Times),
    ) -> Denied {
        let here = meter.used(claim.limit, times, self.zone);
        let own = here.saturating_sub(held);
        let known = meter.post(claim.limit, times, self.zone).base;
        // what the database says is in both figures
        let elsewhere = standing
            .others
            .saturating_add((standing.base - known).max(0));
        let mut left = claim.part();
        left.amount = left.amount.saturating_sub(elsewhere);
        let wait_ms = match claim.limit.kind {
            LimitKind::Rpm | LimitKind::Tpm if left.amount < claim.need || own == 0 => {
                Some(standing.eases_in_ms.max(1))
            }
            LimitKind::Concurrency => meter.wait_ms(claim.limit, claim.need, times, self.zone),
            _ => meter.wait_ms(&left, claim.need, times, self.zone),
        };
        Denied {
            limit: claim.part(),
            used: own.saturating_add(elsewhere),
            need: claim.least,
            wait_ms: wait_ms.filter(|_| claim.least <= claim.amount),
            rates: Rates::default(),
        }
    }

    fn rates_of(
        &self,
        receipt: &Receipt,
        claims: &[Claim<'_>],
        verdict: &Verdict,
        times: Times,
    ) -> Rates {
        let cells: Vec<Arc<Cell>> = if receipt.holds.is_empty() {
            let holds = claims.iter().map(|claim| self.hold(claim.limit));
            holds.map(|hold| hold.cell).collect()
        } else {
            let holds = receipt.holds.iter();
            holds.map(|hold| Arc::clone(&hold.cell)).collect()
        };
        let mut guards: Vec<MutexGuard<'_, Meter>> = cells.iter().map(|c| c.lock()).collect();
        rates(claims, &mut guards, &verdict.limits, times, self.zone)
    }

    /// How much of each limit all instances use together, in the order of `limits`; where nobody answers for the others,
    /// how much this one does.
    pub(super) async fn used_by_all(&self, limits: &[&Limit], times: Times) -> Vec<i64> {
        let board = self.sharing.board().filter(|board| board.is_up());
        let Some(board) = board else {
            let used = limits.iter().map(|limit| self.used(limit, times.now_ms));
            return used.collect();
        };
        let (mut used, mut asked) = (Vec::new(), Vec::new());
        for limit in limits {
            let cell = self.hold(limit).cell;
            let mut meter = cell.lock();
            used.push(meter.used(limit, times, self.zone));
            let post = meter.post(limit, times, self.zone);
            asked.push(Asked {
                posting: cell.posting(post, self.sharing.version()),
                kind: limit.kind,
                amount: limit.amount,
                enforced: false,
                need: 0,
                least: 0,
            });
        }
        if asked.is_empty() {
            return used;
        }
        let known: Vec<i64> = asked.iter().map(|asked| asked.posting.base).collect();
        let verdict = board.ask(asked).await.unwrap_or_default();
        let all = used.iter_mut().zip(known).zip(&verdict.limits);
        for ((used, known), standing) in all {
            // what the database says is in both figures
            let elsewhere = (standing.base - known).max(0);
            *used = used.saturating_add(standing.others.saturating_add(elsewhere));
        }
        used
    }

    /// What other instances are to know.
    pub(super) fn postings(&self, which: Which, now_ms: i64) -> Vec<Posting> {
        let version = || self.sharing.version();
        let cells = match which {
            Which::Changed => self.sharing.changed(),
            Which::Holding | Which::All => self.cells.load().values().map(Arc::clone).collect(),
        };
        let posts = cells
            .iter()
            .flat_map(|cell| cell.posts((now_ms, self.zone), which != Which::Holding, version));
        posts.collect()
    }
}
