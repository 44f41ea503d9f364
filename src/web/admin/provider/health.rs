//! How a provider's credentials and targets stand now, who waits for them, and what changed before.

use modelgate_domain::{ProviderKeyId, TargetId};
use modelgate_store::health_events::HealthEvent;
use modelgate_store::provider_keys::ProviderKey;

use super::Loaded;
use crate::routing::{Health, Resting, State, Trouble};
use crate::web::admin::components::fields::Dot;
use crate::web::shell::{Moment, Shell};

/// Changes that the page shows.
pub(super) const LATEST: i64 = 30;

/// How something stands now.
pub(super) struct Now {
    pub(super) what: String,
    pub(super) state: Dot,
    /// Why; empty where all is well.
    pub(super) reason: String,
    pub(super) until: Option<Moment>,
    /// Calls that run and calls that wait for it; not counted for targets.
    pub(super) calls: Option<(String, String)>,
}

/// One change.
pub(super) struct Change {
    pub(super) at: Moment,
    pub(super) what: String,
    pub(super) from: String,
    pub(super) to: Dot,
    pub(super) reason: String,
    pub(super) detail: String,
    pub(super) until: Option<Moment>,
    pub(super) actor: String,
}

/// Every credential, and whatever else is in trouble.
pub(super) fn now(page: &Shell, loaded: &Loaded, health: &Health) -> Vec<Now> {
    let troubles = health.troubles(loaded.provider.id, page.now_ms);
    let of_key = |id: ProviderKeyId| {
        let own = |t: &&Trouble| t.subject.credential == Some(id) && t.subject.target.is_none();
        troubles.iter().find(own).map(|trouble| trouble.resting)
    };
    let keys = loaded.keys.iter().map(|key| Now {
        calls: Some((
            page.integer(&i64::from(health.in_flight(key.id))),
            page.integer(&i64::try_from(health.waiting(key.id)).unwrap_or(i64::MAX)),
        )),
        ..standing(page, key.label.clone(), of_key(key.id))
    });
    let others = troubles
        .iter()
        .filter(|t| t.subject.credential.is_none() || t.subject.target.is_some())
        .map(|t| {
            let what = named(page, loaded, t.subject.credential, t.subject.target);
            standing(page, what, Some(t.resting))
        });
    keys.chain(others).collect()
}

/// The state of a credential for its row, where this process knows more than the database.
pub(super) fn of_key(
    page: &Shell,
    loaded: &Loaded,
    health: &Health,
    key: &ProviderKey,
) -> Option<(Dot, String)> {
    let resting = health.credential_resting(loaded.provider.id, key.id, page.now_ms)?;
    let now = standing(page, String::new(), Some(resting));
    Some((now.state, now.reason))
}

fn standing(page: &Shell, what: String, resting: Option<Resting>) -> Now {
    let state = match resting {
        None => State::Well,
        Some(rest) if rest.reason.bars() => match rest.reason.code() {
            "exhausted" => State::Exhausted,
            _ => State::Rejected,
        },
        Some(_) => State::Resting,
    };
    Now {
        what,
        state: dot(page, state.code()),
        reason: resting
            .map(|rest| page.t_code("health-reason-", rest.reason.code()))
            .unwrap_or_default(),
        until: resting
            .filter(|rest| rest.until_ms > page.now_ms)
            .map(|rest| page.moment(rest.until_ms)),
        calls: None,
    }
}

fn dot(page: &Shell, state: &str) -> Dot {
    let kind = match state {
        "well" => "success",
        "resting" => "warning",
        _ => "danger",
    };
    Dot::new(kind, page.t_code("health-state-", state))
}

/// What a state is of; rows that are gone by their number.
fn named(
    page: &Shell,
    loaded: &Loaded,
    key: Option<ProviderKeyId>,
    target: Option<TargetId>,
) -> String {
    let label = |id: ProviderKeyId| {
        let found = loaded.keys.iter().find(|key| key.id == id);
        found.map_or_else(|| format!("#{id}"), |key| key.label.clone())
    };
    let model = |id: TargetId| {
        let found = loaded.targets.iter().find(|served| served.target == id);
        found.map_or_else(|| format!("#{id}"), |served| served.name.clone())
    };
    match (key, target) {
        (None, _) => page.t("admin-provider-health-whole"),
        (Some(key), None) => label(key),
        (Some(key), Some(target)) => page.t_with(
            "admin-provider-health-at",
            &[("key", &label(key)), ("model", &model(target))],
        ),
    }
}

/// The newest changes, the newest first.
pub(super) fn history(page: &Shell, loaded: &Loaded) -> Vec<Change> {
    let change = |event: &HealthEvent| Change {
        at: page.moment(event.at_ms),
        what: named(
            page,
            loaded,
            Some(event.provider_key_id).filter(|id| !id.is_none()),
            Some(event.target_id).filter(|id| !id.is_none()),
        ),
        from: page.t_code("health-state-", &event.from_state),
        to: dot(page, &event.to_state),
        reason: page.t_code("health-reason-", &event.reason),
        detail: event.detail.clone(),
        until: event.until_ms.map(|at| page.moment(at)),
        actor: match event.actor.as_str() {
            "system" => String::new(),
            who => who.to_owned(),
        },
    };
    loaded.events.iter().map(change).collect()
}
