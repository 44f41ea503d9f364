//! What becomes of changes of vendors' health: they are written down, credentials that a vendor does not accept are
//! asked again from time to time, and what has recovered is put back into use.
//!
//! The data plane only tells what it saw. With the database away changes wait here, up to a bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use futures_util::FutureExt as _;
use modelgate_domain::{CredentialState, ProviderId, ProviderKeyId, StateBy, TargetId};
use modelgate_store::changes::{self, Change};
use modelgate_store::health_events::{self, HealthEvent};
use modelgate_store::key_links;
use modelgate_store::provider_keys::{self, NewState};
use modelgate_store::{Conn, StoreError};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::parts::Parts;
use crate::catalog::{Credential, Provider};
use crate::notices::{Kind, News};
use crate::probe::{Report, Verdict, fetch_models};
use crate::routing::{Event, State, Subject};

/// How often waiting changes are written anew, and due questions are asked.
const EVERY: Duration = Duration::from_millis(500);
/// How often the credentials are looked through: for those whom another gateway, or one that was killed, has left.
const SWEEP_MS: i64 = 30_000;
/// Changes that wait for the database; older ones are given up first.
const ROOM: usize = 4_096;

/// Runs until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let Some(mut events) = parts.events() else {
        return;
    };
    let mut keeper = Keeper {
        parts,
        waiting: Vec::new(),
        due: BTreeMap::new(),
        probes: JoinSet::new(),
        swept_ms: 0,
    };
    let mut beat = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ended = shutdown.changed() => return,
            event = events.recv() => {
                let Some(event) = event else { return };
                keeper.hears(event);
                while let Ok(event) = events.try_recv() {
                    keeper.hears(event);
                }
                keeper.writes().await;
            }
            Some(probed) = keeper.probes.join_next() => {
                if let Ok((asked, outcome)) = probed {
                    keeper.learns(&asked, outcome);
                }
            }
            _ = beat.tick() => {
                keeper.writes().await;
                if keeper.sweeps() {
                    keeper.forgets().await;
                }
                keeper.asks();
            }
        }
    }
}

/// A credential that was asked.
struct Asked {
    subject: Subject,
    credential: ProviderKeyId,
}

struct Keeper {
    parts: Arc<Parts>,
    /// Changes that are not in the database yet.
    waiting: Vec<Event>,
    /// When a credential that its vendor did not accept is asked again, epoch milliseconds.
    due: BTreeMap<ProviderKeyId, (i64, ProviderId)>,
    probes: JoinSet<(Asked, Result<Vec<String>, Report>)>,
    swept_ms: i64,
}

impl Keeper {
    fn hears(&mut self, event: Event) {
        self.tells(&event);
        if let Subject {
            provider,
            credential: Some(credential),
            target: None,
        } = event.subject
        {
            match (event.to, event.until_ms) {
                (State::Rejected, Some(until_ms)) => {
                    self.due.insert(credential, (until_ms, provider));
                }
                _ => drop(self.due.remove(&credential)),
            }
        }
        if self.waiting.len() >= ROOM {
            self.waiting.remove(0);
        }
        self.waiting.push(event);
    }

    /// What those who run the gateway should know of it.
    fn tells(&self, event: &Event) {
        let Some(id) = event.subject.credential.filter(|_| event.from != event.to) else {
            return;
        };
        let kind = match (event.from, event.to) {
            (_, State::Rejected) => Kind::CredentialRejected,
            (_, State::Exhausted) => Kind::CredentialExhausted,
            (State::Rejected | State::Exhausted, State::Well) => Kind::CredentialRecovered,
            _ => return,
        };
        let catalog = self.parts.catalog();
        let Some(provider) = catalog.providers.get(&event.subject.provider) else {
            return;
        };
        let mut credentials = provider.credentials.iter();
        let Some(credential) = credentials.find(|one| one.id == id) else {
            return;
        };
        let news = News::new(kind, id.0.to_string(), event.at_ms)
            .with("provider", &*provider.name)
            .with("credential", &*credential.label);
        self.parts.teller.tell(news);
    }

    /// Writes what waits; where the database is away it goes on waiting.
    async fn writes(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let (events, instance) = (
            self.waiting.clone(),
            self.parts.journal.instance().to_owned(),
        );
        let done: Result<(), StoreError> = self
            .parts
            .db
            .write(move |c| async move { write(c, &events, &instance).await }.boxed())
            .await;
        match done {
            Ok(()) => self.waiting.clear(),
            // the catalog says aloud that the database is away
            Err(error) => tracing::debug!(%error, "changes of vendors' health wait"),
        }
    }

    /// Takes care of credentials that nobody takes care of: their gateway was stopped, or their time is over.
    fn sweeps(&mut self) -> bool {
        let now_ms = self.parts.clock.now_ms();
        if now_ms.saturating_sub(self.swept_ms) < SWEEP_MS {
            return false;
        }
        self.swept_ms = now_ms;
        let catalog = self.parts.catalog();
        for provider in catalog.providers.values() {
            for credential in &provider.credentials {
                let over = credential.state_until_ms.is_some_and(|at| at <= now_ms);
                if credential.state_by != StateBy::System || !over {
                    continue;
                }
                match credential.state {
                    CredentialState::Rejected => {
                        let due = (now_ms, provider.id);
                        self.due.entry(credential.id).or_insert(due);
                    }
                    CredentialState::Exhausted if !self.rests(provider, credential, now_ms) => {
                        let event = recovered(provider.id, credential, "time_over", now_ms);
                        self.hears(event);
                    }
                    _ => {}
                }
            }
        }
        true
    }

    /// Removes one-time links that have expired, and the keys that are sealed in them.
    async fn forgets(&self) {
        let now = self.parts.clock.now();
        let done: Result<usize, StoreError> = self
            .parts
            .db
            .write(move |c| async move { key_links::purge(c, now).await }.boxed())
            .await;
        if let Err(error) = done {
            tracing::debug!(%error, "one-time links that have expired wait");
        }
    }

    fn rests(&self, provider: &Provider, credential: &Credential, now_ms: i64) -> bool {
        let health = &self.parts.health;
        health
            .credential_resting(provider.id, credential.id, now_ms)
            .is_some_and(|rest| rest.reason.bars())
    }

    /// Asks the vendors of the credentials that are due, by the cheapest call there is.
    fn asks(&mut self) {
        let now_ms = self.parts.clock.now_ms();
        let due = self.due.iter().filter(|(_, (at, _))| *at <= now_ms);
        let due: Vec<_> = due.map(|(id, (_, provider))| (*id, *provider)).collect();
        let catalog = self.parts.catalog();
        for (credential, provider) in due {
            self.due.remove(&credential);
            let Some(provider) = catalog.providers.get(&provider).map(Arc::clone) else {
                continue;
            };
            let found = provider.credentials.iter().find(|c| c.id == credential);
            let Some(found) = found.map(Arc::clone) else {
                continue;
            };
            if found.state == CredentialState::Disabled {
                continue;
            }
            let subject = Subject {
                provider: provider.id,
                credential: Some(credential),
                target: None,
            };
            self.probes.spawn(async move {
                let offers = fetch_models(&provider, &found.secret).await;
                let outcome = offers.map(|all| all.into_iter().map(|offer| offer.name).collect());
                let asked = Asked {
                    subject,
                    credential,
                };
                (asked, outcome)
            });
        }
    }

    /// A vendor that does not list its models, or is too busy to, has not refused the credential.
    fn learns(&mut self, asked: &Asked, outcome: Result<Vec<String>, Report>) {
        let now_ms = self.parts.clock.now_ms();
        let health = &self.parts.health;
        match outcome {
            Err(report) if refused(report.verdict) => {
                let detail = format!("{}: {}", report.verdict.code(), report.detail);
                health.still_rejected(asked.subject, now_ms, &detail);
            }
            _ => {
                if !health.recovered(asked.subject, now_ms) {
                    // another gateway, or this one before its start, has written that it is rejected
                    let catalog = self.parts.catalog();
                    let provider = catalog.providers.get(&asked.subject.provider);
                    let all = provider.map(|p| p.credentials.as_slice());
                    let mut all = all.unwrap_or_default().iter();
                    if let Some(found) = all.find(|c| c.id == asked.credential) {
                        let event = recovered(asked.subject.provider, found, "probe", now_ms);
                        self.hears(event);
                    }
                }
            }
        }
    }
}

fn refused(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::BadKey | Verdict::Unreachable | Verdict::Tls | Verdict::Timeout
    )
}

fn recovered(
    provider: ProviderId,
    credential: &Credential,
    reason: &'static str,
    at_ms: i64,
) -> Event {
    let from = match credential.state {
        CredentialState::Exhausted => State::Exhausted,
        _ => State::Rejected,
    };
    Event {
        at_ms,
        subject: Subject {
            provider,
            credential: Some(credential.id),
            target: None,
        },
        from,
        to: State::Well,
        reason,
        detail: String::new(),
        until_ms: None,
    }
}

/// The history, and the state of credentials that their vendors do not serve: both in one transaction.
async fn write(c: &mut Conn, events: &[Event], instance: &str) -> Result<(), StoreError> {
    let changes = events.iter().filter(|event| event.from != event.to);
    let rows: Vec<HealthEvent> = changes.map(|event| row(event, instance)).collect();
    health_events::insert(c, &rows).await?;
    let mut changed = false;
    for event in events {
        if let Subject {
            credential: Some(credential),
            target: None,
            ..
        } = event.subject
        {
            changed |= put(c, credential, event).await?;
        }
    }
    if let Some(last) = events.last().filter(|_| changed) {
        changes::record(c, &change(last)).await?;
    }
    Ok(())
}

/// Puts a credential into the state that an event says. What an operator has put it into stays.
async fn put(c: &mut Conn, credential: ProviderKeyId, event: &Event) -> Result<bool, StoreError> {
    let bars = |state| matches!(state, State::Rejected | State::Exhausted);
    let state = match event.to {
        State::Rejected => CredentialState::Rejected,
        State::Exhausted => CredentialState::Exhausted,
        State::Well if bars(event.from) => CredentialState::Active,
        State::Well | State::Resting => return Ok(false),
    };
    let Some(found) = provider_keys::find(c, credential).await? else {
        return Ok(false);
    };
    let ours = found.state == CredentialState::Active || found.state_by == StateBy::System;
    if !ours || (state == CredentialState::Active && found.state == CredentialState::Active) {
        return Ok(false);
    }
    let new = NewState {
        state,
        reason: event.reason.to_owned(),
        by: StateBy::System,
        until_ms: event.until_ms,
    };
    provider_keys::set_state(c, credential, &new, time(event.at_ms)).await
}

fn row(event: &Event, instance: &str) -> HealthEvent {
    let Subject {
        provider,
        credential,
        target,
    } = event.subject;
    HealthEvent {
        id: 0,
        at_ms: event.at_ms,
        instance: instance.to_owned(),
        provider_id: provider,
        provider_key_id: credential.unwrap_or(ProviderKeyId::NONE),
        target_id: target.unwrap_or(TargetId::NONE),
        from_state: event.from.code().to_owned(),
        to_state: event.to.code().to_owned(),
        reason: event.reason.to_owned(),
        detail: event.detail.clone(),
        until_ms: event.until_ms,
        actor: if event.reason == "operator" {
            "operator"
        } else {
            "system"
        }
        .to_owned(),
    }
}

fn change(event: &Event) -> Change {
    let credential = event.subject.credential.map_or(0, |id| id.0);
    Change {
        at: time(event.at_ms),
        actor: "system".to_owned(),
        actor_address: String::new(),
        action: "provider_key.update".to_owned(),
        object: format!("provider key {credential}"),
        before: Some(serde_json::json!({ "state": event.from.code() })),
        after: Some(serde_json::json!({ "state": event.to.code() })),
        reason: event.reason.to_owned(),
    }
}

fn time(ms: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(ms).unwrap_or_default()
}
