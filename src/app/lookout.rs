//! Looks at what no event tells: models without a target, the journal, budgets, keys that end soon. Tells changes, not states.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::money::format_nanos;
use modelgate_domain::{ApiKeyId, Limit, LimitKind, LimitScope};
use tokio::sync::watch;
use tokio::time::timeout;

use super::parts::Parts;
use crate::catalog::{ApiKey, Catalog, CredentialState, Model, Target};
use crate::notices::{Kind, News};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// Budgets are looked at once in so many looks, keys' ends once in so many.
const BUDGETS: u32 = 3;
const ENDS: u32 = 1_800;
/// A key that ends within this is told of.
const SOON_MS: i64 = 7 * 86_400_000;
/// A model is down once it was found so that often in a row: a moment's trouble mends itself.
const LOOKS: u8 = 2;
/// From which share of a budget on its people are told, in percent.
const NEAR: i64 = 80;

/// Runs until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let mut lookout = Lookout::default();
    let mut looks: u32 = 0;
    while timeout(EVERY, shutdown.changed()).await.is_err() {
        let now_ms = parts.clock.now_ms();
        let catalog = parts.catalog();
        lookout.models(&parts, &catalog, now_ms);
        lookout.journal(&parts, now_ms);
        if looks.is_multiple_of(BUDGETS) {
            lookout.budgets(&parts, &catalog, now_ms).await;
        }
        if looks.is_multiple_of(ENDS) || catalog.generation != lookout.generation {
            lookout.generation = catalog.generation;
            ends(&parts, &catalog, now_ms);
        }
        looks = looks.wrapping_add(1);
    }
}

/// What was told of already.
#[derive(Default)]
struct Lookout {
    /// The configuration whose keys were looked through.
    generation: i64,
    /// Models without a usable target, with how often they were found so.
    down: BTreeMap<Box<str>, u8>,
    is_full: bool,
    is_stuck: bool,
    /// Budgets whose people were told, by level and period.
    spent: BTreeSet<String>,
}

impl Lookout {
    fn models(&mut self, parts: &Parts, catalog: &Catalog, now_ms: i64) {
        let mut still = BTreeMap::new();
        for model in catalog.models.values() {
            let is_down = model.enabled && !model.targets.is_empty() && {
                let usable = |target: &Arc<Target>| is_usable(parts, target, now_ms);
                !model.targets.iter().any(usable)
            };
            let before = self.down.get(&model.name).copied().unwrap_or(0);
            if is_down {
                let times = before.saturating_add(1);
                if times == LOOKS {
                    tell_model(parts, Kind::ModelDown, model, now_ms);
                }
                still.insert(model.name.clone(), times);
            } else if before >= LOOKS {
                tell_model(parts, Kind::ModelBack, model, now_ms);
            }
        }
        self.down = still;
    }

    fn journal(&mut self, parts: &Parts, now_ms: i64) {
        let stats = parts.journal.stats();
        let (is_full, is_stuck) = (stats.full.is_some(), stats.last_error.is_some());
        if is_full && !self.is_full {
            parts.teller.tell(News::new(Kind::JournalFull, "", now_ms));
        }
        if is_stuck && !self.is_stuck {
            parts.teller.tell(News::new(Kind::JournalStuck, "", now_ms));
        }
        (self.is_full, self.is_stuck) = (is_full, is_stuck);
    }

    async fn budgets(&mut self, parts: &Parts, catalog: &Catalog, now_ms: i64) {
        let budgets = budgets(catalog);
        let limits: Vec<&Limit> = budgets.iter().map(|budget| &budget.limit).collect();
        let used = parts.admission.used_by_all(&limits, now_ms).await;
        let mut told = BTreeSet::new();
        for (budget, used) in budgets.iter().zip(used) {
            let percent = match budget.limit.amount {
                amount if amount > 0 => {
                    i64::try_from(i128::from(used) * 100 / i128::from(amount)).unwrap_or(i64::MAX)
                }
                // A budget of nothing is spent by intention.
                _ => continue,
            };
            for (level, kind) in [(NEAR, Kind::BudgetNear), (100, Kind::BudgetSpent)] {
                if percent < level {
                    continue;
                }
                let mark = budget.mark(parts, level, now_ms);
                let is_new = !self.spent.contains(&mark);
                // Where all is spent, that most of it is says nothing more.
                if is_new && (level == 100 || percent < 100) {
                    budget.tell(parts, kind, (used, &mark), now_ms);
                }
                told.insert(mark);
            }
        }
        self.spent = told;
    }
}

fn tell_model(parts: &Parts, kind: Kind, model: &Model, now_ms: i64) {
    let news = News::new(kind, &*model.name, now_ms).with("model", &*model.name);
    parts.teller.tell(news);
}

/// Whether a call to this target would not have to be a last resort.
fn is_usable(parts: &Parts, target: &Target, now_ms: i64) -> bool {
    let provider = &target.provider;
    if !target.enabled || !provider.enabled {
        return false;
    }
    let troubles = parts.health.troubles(provider.id, now_ms);
    let rests = |credential| {
        troubles.iter().any(|trouble| {
            let subject = &trouble.subject;
            let is_due = trouble.resting.until_ms <= now_ms;
            !is_due
                && subject.credential.is_none_or(|id| id == credential)
                && subject.target.is_none_or(|id| id == target.id)
        })
    };
    let mut credentials = provider.credentials.iter();
    credentials.any(|one| one.state == CredentialState::Active && !rests(one.id))
}

/// A budget, and whose it is.
struct Budget {
    limit: Limit,
    scope: LimitScope,
    name: String,
    /// The key whose holder is told too.
    holder: Option<ApiKeyId>,
}

impl Budget {
    /// What tells this budget in this period at this level from others.
    fn mark(&self, parts: &Parts, level: i64, now_ms: i64) -> String {
        let limit = &self.limit;
        let period = limit.period.unwrap_or_default();
        let start = period.bounds(parts.config.time_zone, now_ms).start_ms;
        format!(
            "{} {} {} {} {period} {start} {} {level}",
            self.scope, limit.scope_id, limit.model_id, limit.currency, limit.amount,
        )
    }

    fn tell(&self, parts: &Parts, kind: Kind, (used, mark): (i64, &str), now_ms: i64) {
        let money = |nanos| format!("{} {}", self.limit.currency, format_nanos(nanos));
        let news = News::new(kind, mark, now_ms)
            .with("scope", self.scope.as_str())
            .with("name", &self.name)
            .with("used", money(used))
            .with("limit", money(self.limit.amount));
        parts.teller.tell(news.clone());
        if let Some(key) = self.holder {
            let about = format!("{mark} own");
            parts.teller.tell(News { about, ..news }.to(key));
        }
    }
}

fn budgets(catalog: &Catalog) -> Vec<Budget> {
    let mut all: Vec<Budget> = Vec::new();
    let mut add = |limits: &[Limit], name: &str, holder| {
        for limit in limits.iter().filter(|l| l.kind == LimitKind::Budget) {
            let is_known = all.iter().any(|known| known.limit == *limit);
            if !is_known {
                all.push(Budget {
                    scope: limit.scope,
                    limit: limit.clone(),
                    name: name.to_owned(),
                    holder,
                });
            }
        }
    };
    for key in catalog.keys.values() {
        add(&key.limits, &key.name, Some(key.id));
        add(&key.user_limits, &key.name, Some(key.id));
    }
    for model in catalog.models.values() {
        add(&model.limits, &model.name, None);
    }
    for provider in catalog.providers.values() {
        for credential in &provider.credentials {
            let name = format!("{}/{}", provider.name, credential.label);
            add(&credential.limits, &name, None);
        }
    }
    all
}

/// Tells holders whose keys end soon: once for each end, however often it looks.
fn ends(parts: &Parts, catalog: &Catalog, now_ms: i64) {
    let is_soon = |key: &&Arc<ApiKey>| {
        let left = key.expires_at_ms.map(|end| end.saturating_sub(now_ms));
        left.is_some_and(|left| (0..SOON_MS).contains(&left))
    };
    for key in catalog.keys.values().filter(is_soon) {
        let end = key.expires_at_ms.unwrap_or(0);
        let news = News::new(Kind::KeyExpires, format!("{} {end}", key.id), now_ms)
            .with("key", &*key.name)
            .with("end", end.to_string())
            .to(key.id);
        parts.teller.tell(news);
    }
}
