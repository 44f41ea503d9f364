//! A model's price: another one holds from now on.

use actix_web::web;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{Currency, Price, PriceId};
use modelgate_store::prices::PriceOf;
use modelgate_store::{changes, prices};
use serde_json::{Value, json};

use super::{Loaded, again, done, load, stored};
use crate::web::admin::components::fields::{Fields, change, save};
use crate::web::admin::components::version::Opened;
use crate::web::form::Form;
use crate::web::page::{Operate, Page, PageResult};
use crate::web::state::WebState;

pub(super) async fn set(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = load(&state, *id).await?;
    let mut fields = Fields::new(&page, &form);
    let currency = Currency::parse(form.text("currency"));
    if currency.is_err() {
        fields.fail("currency", "admin-model-bad-currency");
    }
    let old = loaded.prices.first();
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
        return done(&page, &loaded, Ok(()), "admin-model-price-same");
    }
    let after = Some(audited(&price));
    let mut entry = change(&page, &state, "price.create", object(&loaded), after);
    entry.before = old.map(audited);
    let model = loaded.model.id;
    let opened = Opened::of(&form);
    let saved = save(&page, &state, &form, move |c| {
        Box::pin(async move {
            let now = Loaded::read(c, model, price.effective_from_ms).await?;
            opened.check(c, &stored::price(&now), &object(&now)).await?;
            prices::insert(c, PriceOf::Model(model), &price, entry.at).await?;
            changes::record(c, &entry).await?;
            Ok(())
        })
    })
    .await?;
    done(&page, &loaded, saved, "admin-model-price-saved")
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
pub(super) fn object(loaded: &Loaded) -> String {
    format!("model {} price", loaded.model.name)
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
