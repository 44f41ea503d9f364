//! What a call would do now, rule by rule and target by target, for any key: no vendor is called.

use std::net::IpAddr;

use actix_web::web;
use askama::Template;

use super::components::fields::{Dot, Fields};
use crate::admission::Ask;
use crate::catalog::Catalog;
use crate::explain::{Asked, Explanation, Finding, Left, Question, Step, asked, explain};
use crate::web::form::{Form, FormState};
use crate::web::page::{Look, Page, PageResult};
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

const PATH: &str = "/admin/explain";

#[derive(Template)]
#[template(path = "admin/explain.html")]
struct ExplainView<'a> {
    page: &'a Shell,
    at: String,
    state: FormState,
    keys: Vec<(String, String)>,
    models: Vec<(String, String)>,
    decision: Option<Decision>,
}

/// A decision, ready to show.
struct Decision {
    kind: &'static str,
    outcome: String,
    /// What the caller would be told; empty where it would be answered.
    detail: String,
    model: String,
    /// Whether the figures are of this instance alone.
    is_partial: bool,
    rules: Vec<Rule>,
    attempts: Vec<Attempt>,
    skipped: Vec<Skipped>,
    fallbacks: Vec<Instead>,
}

struct Rule {
    what: String,
    scope: String,
    outcome: Dot,
    detail: String,
}

struct Attempt {
    target: String,
    key: String,
    /// The limits of the key: what they count, and how much is used.
    limits: Vec<(String, String)>,
    state: Dot,
    running: String,
    waiting: String,
    latency: String,
    reason: String,
}

struct Skipped {
    target: String,
    key: String,
    why: String,
    until: Option<Moment>,
}

struct Instead {
    model: String,
    cause: String,
    state: Dot,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get(PATH, get).post(PATH, post);
}

async fn get(page: Page<Look>, state: web::Data<WebState>) -> PageResult {
    let catalog = state.catalog.load_full();
    page.show(&view(&page, &catalog, FormState::default(), None))
}

async fn post(page: Page<Look>, state: web::Data<WebState>, form: Form) -> PageResult {
    let catalog = state.catalog.load_full();
    let mut fields = Fields::new(&page, &form);
    let id = form.text("key");
    let key = catalog.keys.values().find(|key| key.id.to_string() == id);
    if key.is_none() {
        fields.fail("key", "admin-explain-no-key");
    }
    let address = match form.text("address") {
        "" => None,
        text => {
            let parsed = text.parse::<IpAddr>().ok();
            if parsed.is_none() {
                fields.fail("address", "admin-explain-bad-address");
            }
            parsed
        }
    };
    let wanted = wanted(&mut fields, &form);
    let resolved = catalog.resolve(&wanted.model);
    if resolved.is_none() {
        let (field, why) = match (form.text("body"), form.text("model")) {
            ("", "") => ("model", "admin-explain-which-model"),
            ("", _) => ("model", "admin-explain-no-model"),
            _ => ("body", "admin-explain-no-model"),
        };
        fields.fail(field, why);
    }
    let form_state = fields.state.clone();
    let (Ok(()), Some(key), Some(resolved)) = (fields.finish(()), key, resolved) else {
        let view = view(&page, &catalog, form_state, None);
        return page.invalid_or(&view, &view);
    };
    let now_ms = state.clock.now_ms();
    let question = Question {
        catalog: &catalog,
        kind: &resolved.model.kind,
        ask: Ask {
            key,
            resolved: &resolved,
            stream: wanted.stream,
            weight: wanted.weight,
            address,
            started_ms: now_ms,
            now_ms,
        },
        seed: now_ms.unsigned_abs(),
        conversation: None,
    };
    let found = explain(&question, &state.admission, &state.health).await;
    let decision = Some(decision(&page, &found));
    page.show(&view(&page, &catalog, form_state, decision))
}

/// What is asked: by the body where there is one, else by the chosen model.
fn wanted(fields: &mut Fields<'_>, form: &Form) -> Asked {
    let body = form.text("body");
    if body.is_empty() {
        return Asked {
            model: form.text("model").to_owned(),
            ..Asked::default()
        };
    }
    asked(body.as_bytes()).unwrap_or_else(|bad| {
        fields.fail_with(
            "body",
            "admin-explain-bad-body",
            &[("why", &bad.to_string().trim_end_matches('.'))],
        );
        Asked::default()
    })
}

fn view<'a>(
    page: &'a Shell,
    catalog: &Catalog,
    state: FormState,
    decision: Option<Decision>,
) -> ExplainView<'a> {
    let choose = |key: &str| (String::new(), page.t(key));
    let mut keys: Vec<_> = catalog
        .keys
        .values()
        .map(|key| (key.id.to_string(), key.name.to_string()))
        .collect();
    keys.sort_by(|a, b| a.1.cmp(&b.1));
    let mut models: Vec<String> = catalog.models.keys().map(ToString::to_string).collect();
    models.sort();
    let models = models.into_iter().map(|name| (name.clone(), name));
    ExplainView {
        page,
        at: page.url(PATH),
        state,
        keys: std::iter::once(choose("admin-explain-choose-key"))
            .chain(keys)
            .collect(),
        models: std::iter::once(choose("rules-model-choose"))
            .chain(models)
            .collect(),
        decision,
    }
}

fn decision(page: &Shell, found: &Explanation) -> Decision {
    let first = found.attempts.first().map_or("", |step| &step.provider);
    let instead = found.fallbacks.iter().find(|other| other.usable);
    let args: [(&str, &dyn crate::i18n::ToArg); 2] = [
        ("provider", &first),
        ("model", &instead.map_or("", |other| &other.model)),
    ];
    Decision {
        kind: match found.outcome {
            "call" => "success",
            "refuse" | "fail" => "danger",
            _ => "warning",
        },
        outcome: page.t_with(
            &format!("admin-explain-outcome-{}", dashed(found.outcome)),
            &args,
        ),
        detail: match found.outcome {
            "refuse" | "fail" => found.detail.clone(),
            _ => String::new(),
        },
        model: found.model.clone(),
        is_partial: found.figures == "this_instance",
        rules: found
            .rules
            .iter()
            .map(|finding| rule(page, finding))
            .collect(),
        attempts: found
            .attempts
            .iter()
            .map(|step| attempt(page, step))
            .collect(),
        skipped: found
            .skipped
            .iter()
            .map(|left| skipped(page, left))
            .collect(),
        fallbacks: found
            .fallbacks
            .iter()
            .map(|other| Instead {
                model: other.model.clone(),
                cause: page.t_code("admin-model-cause-", other.cause),
                state: if other.usable {
                    Dot::new("success", page.t("admin-explain-usable"))
                } else {
                    Dot::new("muted", page.t("admin-explain-unusable"))
                },
            })
            .collect(),
    }
}

fn dashed(code: &str) -> String {
    code.replace('_', "-")
}

fn rule(page: &Shell, finding: &Finding) -> Rule {
    let kind = match finding.outcome {
        "passes" => "success",
        "refuses" => "danger",
        "would_refuse" => "warning",
        _ => "muted",
    };
    Rule {
        what: page.t_code("admin-explain-rule-", finding.rule),
        scope: page.t_code("admin-explain-scope-", finding.scope),
        outcome: Dot::new(kind, page.t_code("admin-explain-finding-", finding.outcome)),
        detail: finding.detail.clone(),
    }
}

fn attempt(page: &Shell, step: &Step) -> Attempt {
    let kind = match step.state {
        "ready" => "success",
        _ => "warning",
    };
    let count = |n: usize| page.integer(&i64::try_from(n).unwrap_or(i64::MAX));
    let latency = step.latency_ms.and_then(|ms| i64::try_from(ms).ok());
    Attempt {
        target: format!("{}/{}", step.provider, step.upstream_model),
        key: step.label.clone(),
        limits: step
            .limits
            .iter()
            .map(|limit| {
                let what = page.t_code("admin-explain-rule-", limit.rule);
                (what, limit.detail.clone())
            })
            .collect(),
        state: Dot::new(kind, page.t_code("admin-explain-state-", step.state)),
        running: page.integer(&i64::from(step.in_flight)),
        waiting: count(step.waiting),
        latency: latency.map(|ms| page.duration(&ms)).unwrap_or_default(),
        reason: match step.reason {
            "" => String::new(),
            reason => page.t_code("admin-logs-route-", reason),
        },
    }
}

fn skipped(page: &Shell, left: &Left) -> Skipped {
    Skipped {
        target: format!("{}/{}", left.provider, left.upstream_model),
        key: left.label.clone(),
        why: page.t_code("admin-explain-skip-", left.why),
        until: left.until_ms.map(|at| page.moment(at)),
    }
}
