//! What the shipped catalogue says of models otherwise than what is known here, as plain data. Nothing is changed here.

use modelgate_domain::{ModelId, Price, PriceId, TargetId};
use modelgate_store::models::Model;
use modelgate_store::prices::{PriceOf, PriceRow};
use modelgate_store::providers::Provider;
use modelgate_store::targets::Target;

use crate::vendors;
use crate::vendors::catalogue::{self, Entry};
use crate::web::admin::components::facts::Facts;

/// What the catalogue is compared with.
#[derive(Default)]
pub(in crate::web::admin) struct Present {
    pub(in crate::web::admin) models: Vec<Model>,
    pub(in crate::web::admin) targets: Vec<Target>,
    pub(in crate::web::admin) providers: Vec<Provider>,
    pub(in crate::web::admin) prices: Vec<PriceRow>,
}

/// What could be taken over for one model.
#[derive(Debug, PartialEq)]
pub(in crate::web::admin) enum Proposal {
    /// What is not known here.
    Missing(Facts),
    /// What is set otherwise here.
    Otherwise(Facts),
    /// A price of the model, or of one target where its vendors ask differently.
    Price { of: PriceOf, price: Price },
}

/// A proposal, and where it is from.
#[derive(Debug, PartialEq)]
pub(in crate::web::admin) struct Row {
    pub(in crate::web::admin) model: ModelId,
    pub(in crate::web::admin) what: Proposal,
    /// The catalogue's row.
    pub(in crate::web::admin) from: String,
    /// Prompts of more tokens than this cost more.
    pub(in crate::web::admin) dearer_above: Option<i64>,
}

impl Row {
    /// What a tick sends.
    pub(in crate::web::admin) fn value(&self) -> String {
        match &self.what {
            Proposal::Missing(_) => format!("missing-{}", self.model),
            Proposal::Otherwise(_) => format!("otherwise-{}", self.model),
            Proposal::Price { of, .. } => match of {
                PriceOf::Model(id) => format!("price-model-{id}"),
                PriceOf::Target(id) => format!("price-target-{id}"),
            },
        }
    }
}

/// What the catalogue says of a provider's model.
pub(in crate::web::admin) fn entry(provider: &Provider, upstream: &str) -> Option<Entry> {
    let vendor = vendors::of(&provider.template, &provider.base_url)?;
    catalogue::find(&vendor.id, upstream)
}

impl Present {
    /// Everything that the catalogue says otherwise, by model.
    pub(in crate::web::admin) fn proposals(&self, now_ms: i64) -> Vec<Row> {
        let all = self.models.iter();
        all.flat_map(|model| self.of(model, now_ms)).collect()
    }

    /// The models of which the catalogue says nothing.
    pub(in crate::web::admin) fn unknown(&self) -> Vec<&str> {
        let all = self.models.iter();
        all.filter(|model| self.entries(model.id).is_empty())
            .map(|model| model.name.as_str())
            .collect()
    }

    fn of(&self, model: &Model, now_ms: i64) -> Vec<Row> {
        let entries = self.entries(model.id);
        let Some((_, first)) = entries.first() else {
            return Vec::new();
        };
        let (here, there) = (Facts::from(model), Facts::from(first));
        let facts = [
            Proposal::Missing(there.missing(&here)),
            Proposal::Otherwise(there.otherwise(&here)),
        ];
        let facts = facts.into_iter().filter(|proposal| match proposal {
            Proposal::Missing(facts) | Proposal::Otherwise(facts) => !facts.is_empty(),
            Proposal::Price { .. } => true,
        });
        let facts = facts.map(|what| Row {
            model: model.id,
            what,
            from: first.name.clone(),
            dearer_above: None,
        });
        facts
            .chain(self.prices(model.id, &entries, now_ms))
            .collect()
    }

    /// The targets of a model with what the catalogue says of them, the first to be tried first.
    fn entries(&self, model: ModelId) -> Vec<(TargetId, Entry)> {
        let own = self.targets.iter().filter(|t| t.model_id == model);
        own.filter_map(|target| {
            let mut all = self.providers.iter();
            let provider = all.find(|p| p.id == target.provider_id)?;
            Some((target.id, entry(provider, &target.upstream_model)?))
        })
        .collect()
    }

    fn prices(&self, model: ModelId, entries: &[(TargetId, Entry)], now_ms: i64) -> Vec<Row> {
        let of_model = PriceOf::Model(model);
        let is_only = self.targets.iter().filter(|t| t.model_id == model).count() == 1;
        let propose = |(target, entry): &(TargetId, Entry)| {
            let price = entry.price.clone()?;
            let own = self.price(PriceOf::Target(*target), now_ms);
            let of = match own {
                None if is_only => of_model,
                _ => PriceOf::Target(*target),
            };
            let present = own.or_else(|| self.price(of_model, now_ms));
            let says_more = present.is_none_or(|present| is_otherwise(present, &price));
            says_more.then(|| Row {
                model,
                what: Proposal::Price { of, price },
                from: entry.name.clone(),
                dearer_above: entry.dearer_above,
            })
        };
        entries.iter().filter_map(propose).collect()
    }

    /// The price that holds now.
    pub(in crate::web::admin) fn price(&self, of: PriceOf, now_ms: i64) -> Option<&Price> {
        let all = self.prices.iter().filter(|row| row.of == of);
        all.map(|row| &row.price)
            .filter(|price| price.effective_from_ms <= now_ms)
            .max_by_key(|price| (price.effective_from_ms, price.id))
    }
}

/// Whether a list price says something else than a price that was set. Prices in another currency cannot be compared,
/// and what the list does not name is no difference.
fn is_otherwise(present: &Price, listed: &Price) -> bool {
    let says = |there: Option<i64>, here: Option<i64>| there.is_some() && there != here;
    present.currency == listed.currency
        && (present.input != listed.input
            || present.output != listed.output
            || says(listed.cached_input, present.cached_input)
            || says(listed.cache_write, present.cache_write)
            || says(listed.reasoning, present.reasoning))
}

/// A list price from a moment on, with what it does not name as it was.
pub(super) fn from_now(listed: &Price, present: Option<&Price>, now_ms: i64) -> Price {
    let same = present.filter(|price| price.currency == listed.currency);
    let before = |part: fn(&Price) -> Option<i64>| part(listed).or_else(|| part(same?));
    Price {
        id: PriceId::NONE,
        cached_input: before(|p| p.cached_input),
        cache_write: before(|p| p.cache_write),
        reasoning: before(|p| p.reasoning),
        per_request_nanos: same.map_or(0, |price| price.per_request_nanos),
        effective_from_ms: now_ms,
        ..listed.clone()
    }
}
