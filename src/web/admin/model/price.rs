//! A model's price, and that of one target which goes before it: another one holds from now on.

use actix_web::web;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{Currency, Price, PriceId, TargetId};
use modelgate_store::prices::PriceOf;
use modelgate_store::targets::Target;
use modelgate_store::{changes, prices};
use serde_json::{Value, json};

use super::{Loaded, PATH, again, load, provider_name, stored};
use crate::web::admin::components::fields::{Fields, answer, change, save};
use crate::web::admin::components::version::Opened;
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::page::{Operate, Page, PageResult};
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

/// Something a price can be for: the model wherever it is called, or one target.
pub(super) struct PriceSubject {
    pub(super) href: String,
    pub(super) name: String,
    pub(super) is_shown: bool,
}

/// A price as the list shows it.
pub(super) struct PriceLine {
    pub(super) from: Moment,
    pub(super) currency: String,
    pub(super) input: String,
    pub(super) cached_input: String,
    pub(super) output: String,
    pub(super) cache_write: String,
    pub(super) reasoning: String,
    pub(super) per_request: String,
}

/// The field that says which target a price is for; empty for the model wherever it is called.
pub(super) const OF: &str = "of";

pub(super) async fn set(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let of = subject(&loaded, form.text(OF));
    if of.is_none() && !form.text(OF).is_empty() {
        return Err(PageError::NotFound);
    }
    let mut fields = Fields::new(&page, &form);
    let currency = Currency::parse(form.text("currency"));
    if currency.is_err() {
        fields.fail("currency", "admin-model-bad-currency");
    }
    let old = loaded.prices_of(of).first();
    let price = Price {
        id: PriceId::NONE,
        currency: currency.unwrap_or_default(),
        input: fields.nanos("input"),
        cached_input: fields.optional_nanos("cached_input"),
        // a script that does not name a part leaves it as it is
        cache_write: part(&mut fields, "cache_write", old.and_then(|p| p.cache_write)),
        output: fields.nanos("output"),
        reasoning: part(&mut fields, "reasoning", old.and_then(|p| p.reasoning)),
        per_request_nanos: part(&mut fields, "per_request", old.map(|p| p.per_request_nanos))
            .unwrap_or(0),
        effective_from_ms: state.clock.now_ms(),
    };
    let price = match fields.finish(price) {
        Ok(price) => price,
        Err(form_state) => return again(&page, &loaded, form_state),
    };
    if old.is_some_and(|old| same(old, &price)) {
        return told(&page, &loaded, of, Ok(()), "admin-model-price-same");
    }
    let after = Some(audited(&price));
    let mut entry = change(&page, &state, "price.create", object(&loaded, of), after);
    entry.before = old.map(audited);
    let model = loaded.model.id;
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = Loaded::read(c, model, price.effective_from_ms).await?;
            opened
                .check(c, &stored::price(&now, of), &object(&now, of))
                .await?;
            let what = of.map_or(PriceOf::Model(model), PriceOf::Target);
            prices::insert(c, what, &price, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    told(&page, &loaded, of, saved, "admin-model-price-saved")
}

/// Back to the price that was set.
fn told(
    page: &Page<Operate>,
    loaded: &Loaded,
    of: Option<TargetId>,
    saved: Result<(), FormState>,
    text: &str,
) -> PageResult {
    let shown = of.map(|id| format!("?price={id}")).unwrap_or_default();
    let to = format!("{PATH}/{}{shown}", loaded.model.id);
    answer(page, saved, (&to, page.t(text)), |form_state| {
        again(page, loaded, form_state)
    })
}

/// The target that a field names, if the model has it.
pub(super) fn subject(loaded: &Loaded, text: &str) -> Option<TargetId> {
    let ids = loaded.targets.iter().map(|target| target.id);
    ids.into_iter().find(|id| id.to_string() == text)
}

/// What a target is called: provider and name there.
pub(super) fn at(loaded: &Loaded, target: &Target) -> String {
    let provider = provider_name(&loaded.providers, target.provider_id);
    format!("{provider}/{}", target.upstream_model)
}

/// What prices can be for; nothing to choose from where there is no target.
pub(super) fn subjects(
    page: &Shell,
    loaded: &Loaded,
    shown: Option<TargetId>,
) -> Vec<PriceSubject> {
    if loaded.targets.is_empty() {
        return Vec::new();
    }
    let here = page.url(&format!("{PATH}/{}", loaded.model.id));
    let everywhere = PriceSubject {
        href: format!("{here}#price-heading"),
        name: page.t("admin-model-price-everywhere"),
        is_shown: shown.is_none(),
    };
    let of_target = |target: &Target| {
        let name = at(loaded, target);
        PriceSubject {
            href: format!("{here}?price={}#price-heading", target.id),
            name: if loaded.prices_of(Some(target.id)).is_empty() {
                name
            } else {
                page.t1("admin-model-price-own", "target", name)
            },
            is_shown: shown == Some(target.id),
        }
    };
    std::iter::once(everywhere)
        .chain(loaded.targets.iter().map(of_target))
        .collect()
}

/// Prices, newest first, as the list shows them.
pub(super) fn lines(page: &Shell, prices: &[Price]) -> Vec<PriceLine> {
    let line = |price: &Price| PriceLine {
        from: page.moment(price.effective_from_ms),
        currency: price.currency.to_string(),
        input: format_nanos(price.input),
        cached_input: price.cached_input.map(format_nanos).unwrap_or_default(),
        output: format_nanos(price.output),
        cache_write: price.cache_write.map(format_nanos).unwrap_or_default(),
        reasoning: price.reasoning.map(format_nanos).unwrap_or_default(),
        per_request: some_nanos(price.per_request_nanos)
            .map(format_nanos)
            .unwrap_or_default(),
    };
    prices.iter().map(line).collect()
}

/// A part of the price that the form need not name.
fn part(fields: &mut Fields<'_>, name: &str, old: Option<i64>) -> Option<i64> {
    if fields.state.is_checked(name) {
        fields.optional_nanos(name)
    } else {
        old
    }
}

/// What the audit log calls it.
pub(super) fn object(loaded: &Loaded, of: Option<TargetId>) -> String {
    let target = loaded.targets.iter().find(|target| of == Some(target.id));
    let place = target.map(|target| format!(" at {}", at(loaded, target)));
    format!(
        "model {} price{}",
        loaded.model.name,
        place.unwrap_or_default()
    )
}

/// Nothing where nothing is asked.
pub(super) fn some_nanos(nanos: i64) -> Option<i64> {
    (nanos != 0).then_some(nanos)
}

/// Whether two prices charge the same.
fn same(a: &Price, b: &Price) -> bool {
    let since = |price: &Price| Price {
        id: PriceId::NONE,
        effective_from_ms: 0,
        ..price.clone()
    };
    since(a) == since(b)
}

fn audited(price: &Price) -> Value {
    json!({
        "currency": price.currency, "input": format_nanos(price.input),
        "cached_input": price.cached_input.map(format_nanos), "output": format_nanos(price.output),
        "cache_write": price.cache_write.map(format_nanos), "reasoning": price.reasoning.map(format_nanos),
        "per_request": some_nanos(price.per_request_nanos).map(format_nanos),
    })
}
