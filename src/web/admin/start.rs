//! The first steps, from no provider to the first call: each is a real form or page, done as soon as what it makes is
//! there, so that they can be left, resumed and skipped.

use actix_web::web;
use askama::Template;
use modelgate_domain::{RequestRecord, Status};
use modelgate_store::provider_keys::ProviderKey;
use modelgate_store::providers::Provider;
use modelgate_store::request_logs::{self, LogFilter};
use modelgate_store::{Conn, StoreError, api_keys, models, provider_keys, providers, targets};
use serde::Deserialize;

use super::components::key_test::{self, TestResult};
use super::components::status::status_kind;
use super::providers::{PATH as PROVIDERS, VendorLink, vendor_links};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Look, Operate, Page, PageResult};
use crate::web::public::landing::root_url;
use crate::web::routes::Routes;
use crate::web::shell::{Moment, Shell};
use crate::web::state::WebState;

pub(super) const PATH: &str = "/admin/start";

#[derive(Template)]
#[template(path = "admin/start.html", blocks = ["arrival"])]
struct StartView<'a> {
    page: &'a Shell,
    at: String,
    q: String,
    vendors: Vec<VendorLink>,
    steps: Vec<Step>,
    /// The number of the first step that is not done; one past the last where all are.
    current: usize,
    provider: Option<ProviderView>,
    result: Option<TestResult>,
    /// What a first call looks like.
    call: String,
    first: Option<First>,
}

/// A step as the list on top shows it.
struct Step {
    number: usize,
    title: String,
    done: bool,
}

/// The provider that the steps are about: the one made last.
struct ProviderView {
    name: String,
    href: String,
    has_key: bool,
    lists: bool,
    state: String,
}

/// The newest call.
struct First {
    href: String,
    model: String,
    status: String,
    kind: &'static str,
    at: Moment,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    q: String,
}

pub(super) fn routes(routes: &mut Routes<'_>) {
    routes.get(PATH, get).post("/admin/start/test", test);
}

/// What is there already.
struct Present {
    providers: Vec<Provider>,
    keys: Vec<ProviderKey>,
    has_targets: bool,
    has_api_keys: bool,
    /// A chat model to call.
    model: Option<String>,
    newest: Option<RequestRecord>,
}

async fn present(c: &mut Conn) -> Result<Present, StoreError> {
    let one = LogFilter {
        limit: 1,
        ..LogFilter::default()
    };
    let served = targets::list(c).await?;
    let all = models::list(c).await?;
    let model = all.into_iter().find(|model| {
        let is_served = served.iter().any(|t| t.model_id == model.id && t.enabled);
        model.kind == "chat" && model.enabled && is_served
    });
    let mut rows = request_logs::list(c, &one).await?.rows;
    Ok(Present {
        providers: providers::list(c).await?,
        keys: provider_keys::list(c).await?,
        has_targets: !served.is_empty(),
        has_api_keys: !api_keys::list(c).await?.is_empty(),
        model: model.map(|model| model.name),
        newest: rows.pop().map(|row| row.record),
    })
}

impl Present {
    /// The provider made last.
    fn provider(&self) -> Option<&Provider> {
        self.providers.iter().max_by_key(|provider| provider.id.0)
    }

    fn key_of(&self, provider: &Provider) -> Option<&ProviderKey> {
        let own = self.keys.iter().filter(|k| k.provider_id == provider.id);
        own.max_by_key(|key| key.id.0)
    }

    /// A key that answered a call needs no test.
    fn has_answered(&self) -> bool {
        let newest = self.newest.as_ref();
        newest.is_some_and(|record| record.status == Status::Success)
    }

    fn done(&self) -> [bool; 5] {
        [
            !self.providers.is_empty(),
            self.keys.iter().any(|key| key.last_ok_at.is_some()) || self.has_answered(),
            self.has_targets,
            self.has_api_keys,
            self.newest.is_some(),
        ]
    }
}

async fn get(page: Page<Look>, state: web::Data<WebState>, query: web::Query<Query>) -> PageResult {
    let present = state.db.read(|c| Box::pin(present(c))).await?;
    let base_url = format!("{}/v1", root_url(&page, &state));
    let view = view(page.shell(), &base_url, &present, &query.q);
    page.show_or(&view, &view.as_arrival())
}

/// Makes a real call with the newest key of the newest provider.
async fn test(page: Page<Operate>, state: web::Data<WebState>, form: Form) -> PageResult {
    let before = state.db.read(|c| Box::pin(present(c))).await?;
    let provider = before.provider().ok_or(PageError::NotFound)?;
    let key = before.key_of(provider).ok_or(PageError::NotFound)?;
    let result = key_test::run(&page, &state, (provider, key), &form).await?;
    let present = state.db.read(|c| Box::pin(present(c))).await?;
    let base_url = format!("{}/v1", root_url(&page, &state));
    let mut view = view(page.shell(), &base_url, &present, "");
    view.result = Some(result);
    page.show(&view)
}

fn view<'a>(page: &'a Shell, base_url: &str, present: &Present, q: &str) -> StartView<'a> {
    let done = present.done();
    let names = ["vendor", "key", "models", "api-key", "call"];
    let steps = (1..).zip(names.iter().zip(done));
    let steps = steps.map(|(number, (name, done))| Step {
        number,
        title: page.t_code("admin-start-step-", name),
        done,
    });
    let open = done.iter().position(|done| !done);
    let model = present.model.as_deref().unwrap_or("MODEL");
    StartView {
        at: page.url(PATH),
        q: q.chars().take(100).collect(),
        vendors: vendor_links(page, q, "start"),
        steps: steps.collect(),
        current: open.map_or(done.len() + 1, |at| at + 1),
        provider: present.provider().map(|p| provider_view(page, present, p)),
        result: None,
        call: call(base_url, model),
        first: present.newest.as_ref().map(|record| First {
            href: page.url(&format!("/admin/logs/{}", record.id)),
            model: record.requested_model.clone(),
            status: page.t_code("status-", record.status.as_str()),
            kind: status_kind(record.status),
            at: page.moment(record.started_ms),
        }),
        page,
    }
}

fn provider_view(page: &Shell, present: &Present, provider: &Provider) -> ProviderView {
    let key = present.key_of(provider);
    let vendor = crate::vendors::find(&provider.template);
    ProviderView {
        name: provider.name.clone(),
        href: page.url(&format!("{PROVIDERS}/{}", provider.id)),
        has_key: key.is_some(),
        lists: vendor.is_none_or(|vendor| vendor.lists),
        state: key.map_or_else(String::new, |key| key.last_error.clone()),
    }
}

/// A first call, with a placeholder for the key.
fn call(base_url: &str, model: &str) -> String {
    // names of models hold no quotes
    format!(
        "curl {base_url}/chat/completions \\\n  -H \"Authorization: Bearer YOUR_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn nothing() -> Present {
        Present {
            providers: Vec::new(),
            keys: Vec::new(),
            has_targets: false,
            has_api_keys: false,
            model: None,
            newest: None,
        }
    }

    #[test]
    fn renders_the_beginning_and_the_end() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            let hostile = "<script>alert(1)</script>";
            let ended = Present {
                has_targets: true,
                has_api_keys: true,
                model: Some("gpt-x".to_owned()),
                newest: Some(RequestRecord {
                    requested_model: hostile.to_owned(),
                    ..RequestRecord::default()
                }),
                ..nothing()
            };
            for (present, q) in [(nothing(), ""), (nothing(), hostile), (ended, "deepseek")] {
                let view = view(&page, "https://gate.example/v1", &present, q);
                let html = view.render().unwrap();
                assert!(!html.contains("<script>alert"));
                assert!(!html.contains("admin-start-"), "{html}");
                assert_eq!(view.current, 1);
            }
        }
    }
}
