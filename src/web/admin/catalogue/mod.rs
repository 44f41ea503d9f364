//! What is publicly known of the models here, beside what is set: each row is taken over only where somebody ticks it.

pub(in crate::web::admin) mod proposals;
#[cfg(test)]
mod proposals_tests;

use std::collections::BTreeSet;

use actix_web::web;
use askama::Template;
use modelgate_domain::money::format_nanos;
use modelgate_domain::{ModelId, Price};
use modelgate_store::models::{Model, ModelData};
use modelgate_store::prices::PriceOf;
use modelgate_store::{Conn, StoreError, changes, models, prices, providers, targets};
use serde::Deserialize;
use serde_json::{Value, json};

use self::proposals::{Present, Proposal, Row, from_now};
use super::components::facts::Facts;
use super::components::fields::change;
use super::models::PATH as MODELS;
use crate::i18n::{ToArg, format};
use crate::vendors::catalogue;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::Shell;
use crate::web::state::WebState;

const PATH: &str = "/admin/config/models/catalogue";

#[derive(Template)]
#[template(path = "admin/catalogue.html")]
struct CatalogueView<'a> {
    page: &'a Shell,
    at: String,
    /// The only model that is looked at; empty for all.
    model: String,
    source: String,
    missing: Vec<Line>,
    otherwise: Vec<Line>,
    unknown: Vec<&'a str>,
}

struct Line {
    /// What a tick sends.
    value: String,
    name: String,
    href: String,
    what: Vec<String>,
    from: String,
}

/// Whether only one model is looked at.
#[derive(Debug, Default, Deserialize)]
struct Query {
    #[serde(default)]
    model: String,
}

impl Query {
    fn wants(&self, model: &Model) -> bool {
        self.model.is_empty() || model.id.to_string() == self.model
    }
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get(PATH, get).post(PATH, post);
}

/// Where the catalogue is from, in a few words.
pub(in crate::web::admin) fn source(page: &Shell) -> String {
    let source = catalogue::source();
    let args: [(&str, &dyn ToArg); 3] = [
        ("name", &source.name),
        ("revision", &source.revision),
        ("day", &source.as_of),
    ];
    page.t_with("admin-catalogue-source", &args)
}

/// The page's address for one model.
pub(in crate::web::admin) fn address_for(model: ModelId) -> String {
    format!("{PATH}?model={model}")
}

async fn read(c: &mut Conn) -> Result<Present, StoreError> {
    Ok(Present {
        models: models::list(c).await?,
        targets: targets::list(c).await?,
        providers: providers::list(c).await?,
        prices: prices::list(c).await?,
    })
}

/// Whether there is something to take over for a model.
pub(in crate::web::admin) async fn says_more(
    c: &mut Conn,
    id: ModelId,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let mut present = read(c).await?;
    present.models.retain(|model| model.id == id);
    Ok(!present.proposals(now_ms).is_empty())
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    let mut present = state.db.read(|c| Box::pin(read(c))).await?;
    present.models.retain(|model| query.wants(model));
    let now_ms = state.clock.now_ms();
    let rows = present.proposals(now_ms);
    let (mut missing, mut otherwise) = (Vec::new(), Vec::new());
    for row in &rows {
        let Some(model) = present.models.iter().find(|model| model.id == row.model) else {
            continue;
        };
        let (is_new, line) = line(&page, &present, (model, row), now_ms);
        if is_new {
            missing.push(line);
        } else {
            otherwise.push(line);
        }
    }
    page.show(&CatalogueView {
        at: page.url(PATH),
        model: query
            .model
            .chars()
            .filter(char::is_ascii_digit)
            .take(20)
            .collect(),
        source: source(&page),
        missing,
        otherwise,
        unknown: present.unknown(),
        page: &page,
    })
}

/// A row as the page shows it, and whether it adds to what is here and changes nothing.
fn line(
    page: &Shell,
    present: &Present,
    (model, row): (&Model, &Row),
    now_ms: i64,
) -> (bool, Line) {
    let here = Facts::from(model);
    let (is_new, what) = match &row.what {
        Proposal::Missing(facts) => (true, facts.beside(&here, (page, &model.name))),
        Proposal::Otherwise(facts) => (false, facts.beside(&here, (page, &model.name))),
        Proposal::Price { of, price } => {
            let own = present.price(*of, now_ms);
            let old = own.or_else(|| present.price(PriceOf::Model(model.id), now_ms));
            (old.is_none(), price_told(page, row, old, price))
        }
    };
    let line = Line {
        value: row.value(),
        name: model.name.clone(),
        href: page.url(&format!("{MODELS}/{}", model.id)),
        what,
        from: row.from.clone(),
    };
    (is_new, line)
}

fn price_told(page: &Shell, row: &Row, old: Option<&Price>, price: &Price) -> Vec<String> {
    let here = old.map_or_else(|| page.t("state-unknown"), |old| amounts(page, old));
    let there = amounts(page, price);
    let args: [(&str, &dyn ToArg); 2] = [("here", &here), ("there", &there)];
    let of = match &row.what {
        Proposal::Price {
            of: PriceOf::Target(_),
            ..
        } => "admin-catalogue-price-target",
        _ => "admin-catalogue-price",
    };
    let mut told = vec![page.t_with(of, &args)];
    if let Some(above) = row.dearer_above {
        let above = format::integer(above);
        told.push(page.t1("admin-catalogue-dearer", "above", &above));
    }
    told
}

/// The parts of a price that are known, in one line.
fn amounts(page: &Shell, price: &Price) -> String {
    let parts = [
        ("admin-model-price-input", Some(price.input)),
        ("admin-model-price-cached", price.cached_input),
        ("admin-catalogue-price-write", price.cache_write),
        ("admin-model-price-output", Some(price.output)),
        ("admin-catalogue-price-reasoning", price.reasoning),
    ];
    let parts = parts.into_iter().filter_map(|(name, amount)| {
        let amount = format_nanos(amount?);
        Some(format!(
            "{} {}{amount}",
            page.t(name),
            price.currency.sign()
        ))
    });
    parts.collect::<Vec<_>>().join(" · ")
}

async fn post(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let ticked: BTreeSet<String> = form.all("take").map(str::to_owned).collect();
    let mut entry = change(&page, &state, "catalogue.apply", String::new(), None);
    let now_ms = state.clock.now_ms();
    let taken = state
        .db
        .write(move |c| {
            Box::pin(async move {
                changes::lock(c).await?;
                let present = read(c).await?;
                let all = present.proposals(now_ms);
                let rows: Vec<&Row> = all.iter().filter(|r| ticked.contains(&r.value())).collect();
                let (mut before, mut after) = (json!({}), json!({}));
                for row in &rows {
                    let (old, new) = take(c, &present, row, entry.at).await?;
                    (before[row.value()], after[row.value()]) = (old, new);
                }
                if !rows.is_empty() {
                    let named = rows.iter().filter_map(|row| name(&present, row.model));
                    let names: BTreeSet<&str> = named.collect();
                    let names: Vec<&str> = names.into_iter().collect();
                    entry.object = format!("models {}", names.join(", "));
                    (entry.before, entry.after) = (Some(before), Some(after));
                    changes::record(c, &entry).await?;
                }
                Ok::<_, PageError>(rows.len())
            })
        })
        .await?;
    let count = i64::try_from(taken).unwrap_or(i64::MAX);
    let toast = Toast::success(page.counted("admin-catalogue-taken", count));
    let only = form.text("model");
    let back = match only.parse() {
        Ok(id) => address_for(ModelId(id)),
        Err(_) => PATH.to_owned(),
    };
    page.redirect_with(&back, &toast)
}

fn name(present: &Present, id: ModelId) -> Option<&str> {
    let found = present.models.iter().find(|model| model.id == id);
    found.map(|model| model.name.as_str())
}

/// Takes one row over; returns what the audit log keeps of before and after.
async fn take(
    c: &mut Conn,
    present: &Present,
    row: &Row,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(Value, Value), PageError> {
    let now_ms = now.timestamp_millis();
    match &row.what {
        Proposal::Missing(facts) | Proposal::Otherwise(facts) => {
            // read anew: both kinds of row may be ticked for one model
            let model = models::find(c, row.model)
                .await?
                .ok_or(PageError::NotFound)?;
            let old = ModelData::from(model);
            let before = Facts::from(&old).audited();
            let new = facts.over(old);
            models::update(c, row.model, &new, now).await?;
            Ok((before, Facts::from(&new).audited()))
        }
        Proposal::Price { of, price } => {
            let own = present.price(*of, now_ms);
            let old = own.or_else(|| present.price(PriceOf::Model(row.model), now_ms));
            let price = from_now(price, old, now_ms);
            prices::insert(c, *of, &price, now).await?;
            Ok((json!(old.map(audited)), audited(&price)))
        }
    }
}

fn audited(price: &Price) -> Value {
    json!({
        "currency": price.currency, "input": format_nanos(price.input),
        "cached_input": price.cached_input.map(format_nanos),
        "cache_write": price.cache_write.map(format_nanos),
        "output": format_nanos(price.output), "reasoning": price.reasoning.map(format_nanos),
    })
}
