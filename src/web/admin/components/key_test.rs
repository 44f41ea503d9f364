//! The test of a vendor's credential: a real call, what came of it in words, and the end of its rest where it was served.

use modelgate_domain::{CredentialState, ProviderId, Secret, StateBy};
use modelgate_store::provider_keys::{self, NewState, ProviderKey};
use modelgate_store::providers::Provider;
use modelgate_store::{changes, models, targets};
use serde_json::json;

use super::fields::change;
use crate::catalog;
use crate::probe::{self, Report, Subject, Verdict};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::{Operate, Page};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// Names that the form for a real call offers.
const MOST: usize = 500;

/// What a test said, in the person's language.
#[derive(Default)]
pub(in crate::web::admin) struct TestResult {
    pub(in crate::web::admin) key_id: i64,
    pub(in crate::web::admin) kind: &'static str,
    pub(in crate::web::admin) title: String,
    pub(in crate::web::admin) body: String,
    /// The vendor's own words, without secrets.
    pub(in crate::web::admin) detail: String,
    /// Set where only the list of models was asked for: a real call is offered, of any of these.
    pub(in crate::web::admin) offers: Option<Vec<String>>,
    /// Where another one is asked for.
    pub(in crate::web::admin) again: String,
}

/// Makes a real call with a key, notes what came of it, and ends its rest where the call was served. The form
/// may name a model of the vendor's; otherwise it is one that the provider serves here, and where there is none, only the
/// list is asked for.
pub(in crate::web::admin) async fn run(
    page: &Page<Operate>,
    state: &WebState,
    (provider, key): (&Provider, &ProviderKey),
    form: &Form,
) -> Result<TestResult, PageError> {
    let (endpoint, secret) = opened(state, provider, key)?;
    let called = target(state, provider.id, key, form.text("model")).await?;
    let subject = called.as_ref().map(|(upstream_model, kind)| Subject {
        upstream_model,
        kind,
    });
    let report = probe::test(&endpoint, &secret, subject).await;
    let over = ends_rests(state, provider, key, &report);
    note(page, state, (provider, key), &report).await?;
    Ok(TestResult {
        again: page.url(&page.here),
        ..told(page, key, &report, over)
    })
}

/// What was served need not rest, here and, by way of what the instances share, anywhere. True where something rested.
fn ends_rests(state: &WebState, provider: &Provider, key: &ProviderKey, report: &Report) -> bool {
    let now_ms = state.clock.now_ms();
    let rested = state.health.credential_resting(provider.id, key.id, now_ms);
    if report.proves_the_key() {
        state.health.forget(provider.id, &[key.id], now_ms);
        rested.is_some() || is_barred(key)
    } else {
        if report.verdict == Verdict::Ok {
            // it answers: that says nothing of the key
            state.health.forget(provider.id, &[], now_ms);
        }
        false
    }
}

/// Whether the gateway itself has put it out of use.
fn is_barred(key: &ProviderKey) -> bool {
    let barred = matches!(
        key.state,
        CredentialState::Rejected | CredentialState::Exhausted
    );
    barred && key.state_by == StateBy::System
}

async fn note(
    page: &Page<Operate>,
    state: &WebState,
    (provider, key): (&Provider, &ProviderKey),
    report: &Report,
) -> Result<(), PageError> {
    let outcome = match report.verdict {
        // that the list was shown is no sign that the key has ever worked
        Verdict::Ok if !report.proves_the_key() => return Ok(()),
        Verdict::Ok => Ok(state.clock.now()),
        _ => Err(format!("{}: {}", report.verdict.code(), report.detail)),
    };
    let mends = report.proves_the_key() && is_barred(key);
    let object = format!("provider {} key {}", provider.name, key.label);
    let active = CredentialState::Active;
    let after = Some(json!({ "state": active }));
    let mut entry = change(page, state, "provider_key.update", object, after);
    entry.before = Some(json!({ "state": key.state }));
    let id = key.id;
    let noted = state.db.write(move |c| {
        Box::pin(async move {
            if mends {
                changes::lock(c).await?;
                // by hand, so that every instance forgets what it knew of it
                let new = NewState {
                    state: active,
                    reason: String::new(),
                    by: StateBy::Admin,
                    until_ms: None,
                };
                provider_keys::set_state(c, id, &new, entry.at).await?;
            }
            let outcome = outcome.as_ref().map(|at| *at).map_err(String::as_str);
            provider_keys::set_tested(c, id, outcome).await?;
            if mends {
                changes::record(c, &entry).await?;
            }
            Ok::<_, PageError>(())
        })
    });
    noted.await
}

/// The provider as the data path knows it, and the key itself.
pub(in crate::web::admin) fn opened(
    state: &WebState,
    provider: &Provider,
    key: &ProviderKey,
) -> Result<(catalog::Provider, Secret), PageError> {
    let secret = state
        .keyring
        .open(catalog::SEALED_IN, key.id.0, key.secret.expose())
        .map_err(PageError::internal)?;
    let opened = catalog::open_provider(provider.clone(), &state.keyring);
    let mut opened = opened.map_err(PageError::internal)?;
    opened.introduce(&state.settings.load().runtime.user_agent);
    Ok((opened, secret))
}

/// The vendor's name and the kind of the model to call: the one that is asked for, one at which the key rests, or any
/// that this provider serves, chat first.
async fn target(
    state: &WebState,
    provider: ProviderId,
    key: &ProviderKey,
    model: &str,
) -> Result<Option<(String, String)>, PageError> {
    let (all, served) = state
        .db
        .read(|c| {
            Box::pin(async move {
                let all = models::list(c).await?;
                Ok::<_, PageError>((all, targets::list(c).await?))
            })
        })
        .await?;
    let kind_of = |id| {
        all.iter()
            .find(|model| model.id == id)
            .map(|model| model.kind.clone())
    };
    let troubles = state.health.troubles(provider, state.clock.now_ms());
    let rests = |id| {
        let own = |t: &&crate::routing::Trouble| t.subject.credential == Some(key.id);
        let mut own = troubles.iter().filter(own);
        own.any(|trouble| trouble.subject.target == Some(id))
    };
    let mut own: Vec<_> = served
        .into_iter()
        .filter(|target| target.provider_id == provider && target.enabled)
        .filter_map(|target| {
            let kind = kind_of(target.model_id)?;
            Some((rests(target.id), target.upstream_model, kind))
        })
        .collect();
    own.sort_by_key(|(rests, _, kind)| (!rests, kind != "chat"));
    let mut own = own.into_iter().map(|(_, name, kind)| (name, kind));
    if model.is_empty() {
        return Ok(own.next());
    }
    let known = own.find(|(name, _)| name == model);
    let guessed = if model.contains("embed") {
        "embedding"
    } else {
        "chat"
    };
    Ok(known.or_else(|| Some((model.to_owned(), guessed.to_owned()))))
}

/// What a probe found, in the person's language.
fn told(page: &Shell, key: &ProviderKey, report: &Report, over: bool) -> TestResult {
    let total = page.duration(&report.latency_ms);
    let (kind, title, mut body) = match report.verdict {
        Verdict::Ok if report.proves_the_key() => {
            let ttft = page.duration(&report.ttft_ms.unwrap_or(report.latency_ms));
            let args: [(&str, &dyn crate::i18n::ToArg); 2] = [("ttft", &ttft), ("total", &total)];
            let body = page.t_with("admin-provider-key-test-ok-body", &args);
            ("success", page.t("admin-provider-key-test-ok"), body)
        }
        Verdict::Ok => (
            "info",
            page.t("admin-provider-key-test-listed"),
            page.t("admin-provider-key-test-listed-body"),
        ),
        verdict => {
            let code = verdict.code().replace('_', "-");
            let kind = match verdict {
                Verdict::RateLimited => "warning",
                _ => "danger",
            };
            let text = format!("admin-provider-key-test-{code}");
            (kind, page.t(&text), page.t(&format!("{text}-body")))
        }
    };
    if over {
        body = format!("{body} {}", page.t("admin-provider-key-test-rest-over"));
    }
    let listed = report.verdict == Verdict::Ok && !report.proves_the_key();
    TestResult {
        key_id: key.id.0,
        kind,
        title,
        body,
        detail: report.detail.clone(),
        offers: listed.then(|| report.listed.iter().take(MOST).cloned().collect()),
        again: String::new(),
    }
}

/// Why a call to a vendor failed, in one sentence.
pub(in crate::web::admin) fn reason(page: &Shell, report: &Report) -> String {
    let code = report.verdict.code().replace('_', "-");
    let title = page.t(&format!("admin-provider-key-test-{code}"));
    format!("{title} {}", report.detail).trim_end().to_owned()
}
