//! Thirty days that never happened: request records as the proxy would have left them.

use chrono::Timelike;
use chrono_tz::Tz;
use modelgate_domain::{AttemptRecord, RequestRecord, ids::RequestIdSource};

use super::calendar::{self, Moment};
use super::cast::{self, Pace};
use super::dice::Dice;
use super::tell;
use crate::catalog::{ApiKey, Catalog, Credential, Model, Target};

/// One ended request with its attempts where it needed more than one.
pub(super) type Entry = (RequestRecord, Vec<AttemptRecord>);

const DAY_MS: i64 = 86_400_000;

/// How a call went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Success,
    /// The first attempt failed with this status, the second worked.
    Failover(i64),
    RateLimited,
    /// Answered with this status.
    ServerError(i64),
    /// The stream broke off.
    Cut,
    Timeout,
    TooLong,
    Cancelled,
}

/// Who and what a call is about.
pub(super) struct Scene<'a> {
    pub(super) moment: Moment,
    pub(super) key: &'a ApiKey,
    pub(super) model: &'a Model,
    pub(super) target: &'a Target,
    pub(super) credential: &'a Credential,
    pub(super) pace: Pace,
    pub(super) stream: bool,
}

/// The whole history, oldest first; the same seed and time give the same history.
pub(super) fn history(catalog: &Catalog, zone: Tz, now_ms: i64, seed: u64) -> Vec<Entry> {
    let mut dice = Dice::new(seed);
    let ids = RequestIdSource::new(0, 0);
    let moments = calendar::moments(now_ms, zone, &mut dice);
    let mut out = Vec::with_capacity(moments.len());
    for moment in moments {
        let Some(scene) = scene(catalog, moment, &mut dice) else {
            continue;
        };
        let fate = fate(&scene, zone, now_ms, &mut dice);
        let (mut record, attempts) = tell::tell(&scene, fate, &mut dice);
        record.id = ids.next(moment.started_ms);
        if record.finished_ms < now_ms {
            out.push((record, attempts));
        }
    }
    out
}

fn scene<'a>(catalog: &'a Catalog, moment: Moment, dice: &mut Dice) -> Option<Scene<'a>> {
    let person = moment.person;
    let key = catalog.keys.values().find(|k| *k.name == *person.name)?;
    let name = dice.pick(person.models)?;
    let model = catalog.models.get(*name)?;
    let first = model.targets.iter().map(|t| t.priority).min()?;
    let targets: Vec<(&Target, f64)> = model
        .targets
        .iter()
        .filter(|t| t.priority == first)
        .map(|t| (&**t, f64::from(t.weight)))
        .collect();
    let target = *dice.pick(&targets)?;
    let credentials: Vec<(&Credential, f64)> = target
        .provider
        .credentials
        .iter()
        .map(|c| (&**c, f64::from(c.weight)))
        .collect();
    let credential = *dice.pick(&credentials)?;
    Some(Scene {
        moment,
        key,
        model,
        target,
        credential,
        pace: cast::pace(name),
        stream: *model.kind == *"chat" && dice.chance(person.streams),
    })
}

/// Mostly well; one vendor had a bad afternoon, another a morning of rate limits.
fn fate(scene: &Scene<'_>, zone: Tz, now_ms: i64, dice: &mut Dice) -> Fate {
    let days_ago = (now_ms - scene.moment.started_ms) / DAY_MS;
    let hour = calendar::local(scene.moment.started_ms, zone).hour();
    let vendor = &*scene.target.provider.name;
    if vendor == "jade" && days_ago == 11 && (14..17).contains(&hour) && dice.chance(0.4) {
        return if dice.chance(0.3) {
            Fate::Timeout
        } else {
            server_error(dice)
        };
    }
    if vendor == "atlas" && days_ago == 4 && (9..12).contains(&hour) && dice.chance(0.35) {
        return if dice.chance(0.7) {
            Fate::Failover(429)
        } else {
            Fate::RateLimited
        };
    }
    match dice.unit() {
        roll if roll < 0.006 => server_error(dice),
        roll if roll < 0.011 => Fate::RateLimited,
        roll if roll < 0.014 => Fate::Timeout,
        roll if roll < 0.020 => Fate::TooLong,
        roll if roll < 0.024 && scene.stream => Fate::Cut,
        roll if roll < 0.040 && scene.stream => Fate::Cancelled,
        roll if roll < 0.052 => Fate::Failover(503),
        _ => Fate::Success,
    }
}

fn server_error(dice: &mut Dice) -> Fate {
    Fate::ServerError(
        *dice
            .pick(&[(500, 2.0), (502, 1.0), (503, 3.0)])
            .unwrap_or(&503),
    )
}
