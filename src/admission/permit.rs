//! Admission itself, and the permit that gives everything back when it is dropped.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use chrono_tz::Tz;
use modelgate_domain::period::BudgetSum;
use modelgate_domain::{
    ApiKeyId, Busyness, Currency, Limit, LimitKind, ModelId, Price, RequestRecord, Usage,
};

use super::activity::{self, Activity, Figures, LATELY_MS};
use super::busyness::{Advice, advise};
use super::claims::{check_priced, claims, holds, places, prices, queued, times};
use super::confirm::Confirmed;
use super::learned::Outputs;
use super::ledger::{Close, Denied, Ledger, Receipt};
use super::live::{Counter, Counters, LiveCounters};
use super::meter::Times;
use super::rates::Rates;
use super::refusal::{Observed, Refusal};
use super::rules::{Caller, check_key, check_model};
use super::sharing::{Board, Posting, Sharing, Which};
use super::weight::{Estimate, Weight, price_at};
use crate::catalog::{ApiKey, BusynessRule, Catalog, Credential, Model, Resolved, Target};
use crate::config::Policy;

/// What a caller wants to do.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose call.
    pub key: &'a ApiKey,
    /// What it names.
    pub resolved: &'a Resolved,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// How much it may use.
    pub weight: Weight,
    /// Where it comes from.
    pub address: Option<IpAddr>,
    /// When the call began, epoch milliseconds.
    pub started_ms: i64,
    /// The time, epoch milliseconds.
    pub now_ms: i64,
}

/// What a call used in the end.
#[derive(Clone, Copy, Debug)]
pub struct Used<'a> {
    /// Its tokens.
    pub usage: &'a Usage,
    /// What it cost, where a price was known.
    pub cost: Option<(i64, &'a Currency)>,
    /// Whether a vendor was called at all; otherwise not even the request counts.
    pub called: bool,
    /// Whether the answer came to its end, so that its length says something.
    pub whole: bool,
    /// The time, epoch milliseconds.
    pub now_ms: i64,
}

/// The shared state of admission. Cheap to clone; all clones count together.
#[derive(Clone, Debug)]
pub struct Admission {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    zone: Tz,
    policy: ArcSwap<Policy>,
    counters: Counters,
    ledger: Ledger,
    outputs: Outputs,
    activity: Activity,
}

/// One admitted call. Whatever way the call ends, dropping this takes it off the counters.
#[derive(Debug)]
#[must_use = "dropping the permit ends the call's admission"]
pub struct Permit {
    shared: Arc<Shared>,
    key: Arc<Counter>,
    stream: bool,
    model: ModelId,
    choices: i64,
    estimate: Estimate,
    receipt: Receipt,
}

/// One attempt's share of a vendor credential's limits.
#[derive(Debug)]
#[must_use = "dropping this gives the share back"]
pub struct CredentialPermit {
    receipt: Receipt,
}

/// A vendor credential whose limits have no room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saturated {
    /// Which kind of limit.
    pub kind: LimitKind,
    /// How much it allows.
    pub limit: i64,
    /// How much is used.
    pub used: i64,
    /// When there will be room, epoch milliseconds; absent where waiting alone does not help.
    pub available_at_ms: Option<i64>,
}

impl Admission {
    /// Nothing is running and nothing is used. Budgets, and keys without a time zone of their own, follow `zone`.
    pub fn new(zone: Tz) -> Self {
        Self::shared(zone, None)
    }

    /// The same, with what other instances use counted in where there is a board.
    pub fn shared(zone: Tz, board: Option<Arc<dyn Board>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                zone,
                policy: ArcSwap::default(),
                counters: Counters::default(),
                ledger: Ledger::new(zone, Sharing::new(board)),
                outputs: Outputs::default(),
                activity: Activity::default(),
            }),
        }
    }

    /// Puts settings in force.
    pub fn set_policy(&self, policy: Policy) {
        self.shared.policy.store(Arc::new(policy));
    }

    /// Notes how many instances live, this one included: where no board tells what the others use, each takes its
    /// part of every limit but the budgets.
    pub fn set_living(&self, count: u32) {
        self.shared.ledger.sharing.set_living(count);
    }

    /// How many instances live, this one included, as was last seen.
    pub fn living(&self) -> u32 {
        self.shared.ledger.sharing.living()
    }

    /// How many instances a limit is divided by now; 1 where all of it can be used here.
    pub fn divided_by(&self) -> u32 {
        self.shared.ledger.sharing.split().unwrap_or(1)
    }

    /// What other instances are to know.
    pub fn postings(&self, which: Which, now_ms: i64) -> Vec<Posting> {
        self.shared.ledger.postings(which, now_ms)
    }

    /// Takes a new configuration over: meters for its limits, and what the database says of its budgets.
    pub fn adopt(&self, catalog: &Catalog, now_ms: i64) {
        self.shared.ledger.adopt(&catalog.limits(), now_ms);
        self.shared.ledger.learn(&catalog.budget_sums);
    }

    /// Whether the key works, from here and now.
    pub fn check_key(&self, caller: &Caller<'_>) -> Result<(), Box<Refusal>> {
        check_key(caller, self.shared.zone)
    }

    /// Checks every rule, and counts the call in only when all of them let it through.
    pub async fn admit(&self, ask: &Ask<'_>) -> Result<Permit, Box<Refusal>> {
        self.check_key(&Caller {
            key: ask.key,
            address: ask.address,
            now_ms: ask.now_ms,
        })?;
        check_model(ask.key, ask.resolved)?;
        let (receipt, estimate) = self.take(ask, None).await?;
        let key = self.shared.counters.of(ask.key.id);
        key.seen(ask.now_ms);
        key.add(ask.stream, 1);
        self.shared.counters.total.add(ask.stream, 1);
        Ok(Permit {
            shared: Arc::clone(&self.shared),
            key,
            stream: ask.stream,
            model: ask.resolved.model.id,
            choices: ask.weight.choices.max(1),
            estimate,
            receipt,
        })
    }

    /// Lets an admitted call go on with another model: what that adds is checked and counted, and nothing twice.
    /// On a refusal the permit stays as it was.
    pub async fn admit_as_well(
        &self,
        permit: &mut Permit,
        ask: &Ask<'_>,
    ) -> Result<(), Box<Refusal>> {
        check_model(ask.key, ask.resolved)?;
        let (receipt, estimate) = self.take(ask, Some(&permit.receipt)).await?;
        permit.receipt.join(receipt);
        permit.estimate = estimate;
        permit.model = ask.resolved.model.id;
        Ok(())
    }

    /// What [`Self::admit`] would say, without counting anything and without asking other instances.
    pub fn would_admit(&self, ask: &Ask<'_>) -> Result<Rates, Box<Refusal>> {
        self.check_key(&Caller {
            key: ask.key,
            address: ask.address,
            now_ms: ask.now_ms,
        })?;
        check_model(ask.key, ask.resolved)?;
        let (limits, estimate) = self.limits(ask, None)?;
        if limits.is_empty() {
            return Ok(Rates::default());
        }
        let split = self.divided_by();
        let mut claims = claims(&limits, (estimate, prices(ask)), split, None);
        let taken = self.shared.ledger.take(&mut claims, times(ask));
        let mut receipt = taken.map_err(|denied| self.refusal(*denied, ask))?;
        receipt.close(&Close {
            undone: true,
            ..Close::default()
        });
        Ok(receipt.rates)
    }

    async fn take(
        &self,
        ask: &Ask<'_>,
        held: Option<&Receipt>,
    ) -> Result<(Receipt, Estimate), Box<Refusal>> {
        let (limits, estimate) = self.limits(ask, held)?;
        if limits.is_empty() {
            return Ok((Receipt::default(), estimate));
        }
        let weighed = (estimate, prices(ask));
        let taken = self.shared.take(&limits, weighed, times(ask), held).await;
        let receipt = taken.map_err(|denied| self.refusal(*denied, ask))?;
        Ok((receipt, estimate))
    }

    /// The limits that count for a call beside those that it holds already, and what it weighs.
    fn limits<'a>(
        &self,
        ask: &Ask<'a>,
        held: Option<&Receipt>,
    ) -> Result<(Vec<&'a Limit>, Estimate), Box<Refusal>> {
        let model = &ask.resolved.model;
        let own = ask.key.limits.iter();
        let limits: Vec<&Limit> = own
            .chain(ask.key.user_limits.iter())
            .chain(model.limits.iter())
            .filter(|limit| limit.model_id.0 == 0 || limit.model_id == model.id)
            .filter(|limit| limit.kind == LimitKind::Budget || !holds(held, limit))
            .collect();
        let policy = self.shared.policy.load();
        let outputs = &self.shared.outputs;
        let estimate = Estimate::of(ask.weight, model, outputs, policy.output_percent);
        if policy.refuse_unpriced {
            check_priced(ask, &limits)?;
        }
        Ok((limits, estimate))
    }

    fn refusal(&self, denied: Denied, ask: &Ask<'_>) -> Box<Refusal> {
        Refusal::of_limit(denied, self.shared.zone, ask.now_ms)
    }

    /// Takes an attempt's share of a vendor credential's limits: all of them but the plain `concurrency`, which
    /// belongs to the queue. `estimate` is that of the call's permit.
    pub async fn try_credential(
        &self,
        credential: &Credential,
        (model, target): (&Model, &Target),
        estimate: Estimate,
        now_ms: i64,
    ) -> Result<CredentialPermit, Saturated> {
        // a place here is one of all instances' places
        let shared = self.shared.ledger.sharing.split().is_none();
        let places = places(credential).filter(|_| shared);
        let limits: Vec<&Limit> = credential
            .limits
            .iter()
            .filter(|limit| limit.model_id.0 == 0 || limit.model_id == model.id)
            .filter(|limit| !queued(limit))
            .chain(&places)
            .collect();
        if limits.is_empty() {
            return Ok(CredentialPermit {
                receipt: Receipt::default(),
            });
        }
        let prices = price_at(model, target, now_ms).into_iter();
        let times = Times {
            now_ms,
            started_ms: now_ms,
        };
        let taken = self
            .shared
            .take(&limits, (estimate, prices), times, None)
            .await;
        let receipt = taken.map_err(|denied| Saturated {
            kind: denied.limit.kind,
            limit: denied.limit.amount,
            used: denied.used,
            available_at_ms: denied.wait_ms.map(|wait| now_ms.saturating_add(wait)),
        })?;
        Ok(CredentialPermit { receipt })
    }

    /// What runs now in this process.
    pub fn live(&self) -> LiveCounters {
        self.shared.counters.read()
    }

    /// How much of each limit is used now, in the order of `limits`: requests, tokens or calls; for a budget the
    /// nano-units that are spent or held back. By all instances together where [`Self::knows_all`].
    pub async fn used_by_all(&self, limits: &[&Limit], now_ms: i64) -> Vec<i64> {
        let times = Times {
            now_ms,
            started_ms: now_ms,
        };
        self.shared.ledger.used_by_all(limits, times).await
    }

    /// Whether this instance knows what all of them use: it is the only one, or the board answers.
    pub fn knows_all(&self) -> bool {
        self.divided_by() == 1
    }

    /// Milliseconds until all of a rate limit is free again, if no more calls come; 0 for other kinds.
    pub fn reset_ms(&self, limit: &Limit, now_ms: i64) -> i64 {
        self.shared.ledger.reset_ms(limit, now_ms)
    }

    /// Learns how long answers were before this process began: each a model and its tokens out.
    pub fn learn_outputs(&self, lengths: &[(ModelId, i64)]) {
        for (model, tokens) in lengths {
            self.shared.outputs.learn(*model, *tokens);
        }
    }

    /// Takes over what the database says of budgets, other instances' calls included.
    pub fn learn_budgets(&self, sums: &[BudgetSum]) {
        self.shared.ledger.learn(sums);
    }

    /// Notes that the database now holds the record of a call that ended in this process. Comes after
    /// [`Self::learn_budgets`] with the sums that hold it, so that in between it counts twice and never not at all.
    pub fn drained(&self, record: &RequestRecord) {
        self.shared.ledger.drained(record);
    }

    /// Counts an accepted call that ended, for the busyness.
    pub fn ended(&self, key: ApiKeyId, http_status: i64, now_ms: i64) {
        self.shared.activity.ended(http_status == 429);
        if http_status == 429 {
            // refused calls had no permit to be seen by
            self.shared.counters.of(key).seen(now_ms);
        }
    }

    /// How busy the gateway was when it was last looked at.
    pub fn busyness(&self) -> Busyness {
        self.shared.activity.level()
    }

    /// What the rules of busyness make of a call now; a refusal where the key may not make it at all.
    pub fn advise<'a>(
        &self,
        rules: &'a [BusynessRule],
        key: &ApiKey,
        resolved: &Resolved,
    ) -> Result<Advice<'a>, Box<Refusal>> {
        if rules.is_empty() {
            return Ok(Advice::Pass);
        }
        check_model(key, resolved)?;
        Ok(advise(rules, self.busyness(), key, &resolved.model))
    }

    /// Looks how busy the gateway is; once a minute, and when settings change.
    pub fn look(&self, resting_providers: u64, now_ms: i64) -> (Busyness, Figures) {
        let since_ms = now_ms.saturating_sub(LATELY_MS);
        let keys = self.shared.counters.active_since(since_ms);
        let rest = Figures {
            active_keys: u64::try_from(keys).unwrap_or(u64::MAX),
            resting_providers,
            ..Figures::default()
        };
        let figures = self.shared.activity.look(now_ms, rest);
        let level = activity::level(&figures, &self.shared.policy.load().busyness);
        self.shared.activity.set(level);
        (level, figures)
    }
}

impl Shared {
    /// Takes all limits or none: here, and where instances share them at all instances.
    async fn take<'p>(
        &self,
        limits: &[&Limit],
        (estimate, prices): (Estimate, impl Iterator<Item = &'p Price> + Clone),
        times: Times,
        held: Option<&Receipt>,
    ) -> Result<Receipt, Box<Denied>> {
        let sharing = &self.ledger.sharing;
        let mut split = sharing.split();
        loop {
            let living = split.unwrap_or(1);
            let mut claims = claims(limits, (estimate, prices.clone()), living, held);
            let receipt = self.ledger.take(&mut claims, times)?;
            if split.is_some() {
                return Ok(receipt);
            }
            match self.ledger.confirm(receipt, &claims, times).await {
                Confirmed::Granted(receipt) => return Ok(receipt),
                Confirmed::Denied(denied) => return Err(denied),
                Confirmed::Alone => split = Some(sharing.living()),
            }
        }
    }
}

impl Permit {
    /// How the rate limits stood when the call was admitted, itself counted.
    pub fn rates(&self) -> Rates {
        self.receipt.rates
    }

    /// What is held back for it.
    pub fn estimate(&self) -> Estimate {
        self.estimate
    }

    /// The call goes on with a model that it was admitted for before.
    pub fn turns_to(&mut self, model: ModelId) {
        self.model = model;
    }

    /// The limits that would have refused it and only observe: which, whose, how much.
    pub fn observed(&self) -> Vec<Observed> {
        let observed = |denied: &Denied| Observed {
            rule: denied.limit.kind.as_str(),
            scope: denied.limit.scope.as_str(),
            limit: denied.limit.amount,
            used: denied.used,
        };
        self.receipt.observed.iter().map(observed).collect()
    }

    /// Replaces what was held back by what was used. Only the first call does something; the call stays on the
    /// counters of what runs until the permit is dropped.
    pub fn settle(&mut self, used: &Used<'_>) {
        if used.whole {
            let each = used.usage.output() / self.choices;
            self.shared.outputs.learn(self.model, each);
        }
        self.receipt.close(&Close {
            model: Some(self.model),
            ..close(used)
        });
    }
}

impl CredentialPermit {
    /// Replaces what was held back by what was used.
    pub fn settle(&mut self, used: &Used<'_>) {
        self.receipt.close(&close(used));
    }
}

fn close<'a>(used: &Used<'a>) -> Close<'a> {
    Close {
        now_ms: used.now_ms,
        tokens: used.usage.total(),
        cost: used.cost,
        model: None,
        undone: !used.called,
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.key.add(self.stream, -1);
        self.shared.counters.total.add(self.stream, -1);
    }
}

#[cfg(test)]
#[path = "permit_tests.rs"]
mod tests;
