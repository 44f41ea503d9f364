//! Whether each vendor answers, and accepts the credentials that are kept for it.

use std::time::Duration;

use futures_util::future::join_all;
use modelgate_store::{Db, catalog as rows};
use tokio::time::timeout;

use super::Check;
use crate::catalog::{self, Credential, CredentialState, Provider};
use crate::config::Config;
use crate::probe::{self, Verdict};
use crate::secrets::Keyring;

const PATIENCE: Duration = Duration::from_secs(20);

/// Asks every enabled provider for its models, once with each of its usable credentials.
pub(super) async fn check(
    config: &Config,
    db: &Db,
    keyring: Option<&Keyring>,
    offline: bool,
) -> Vec<Check> {
    let rows = match rows::load(db).await {
        Ok(rows) => rows,
        Err(error) => {
            let advice = "look at the database's own log";
            return vec![Check::wrong("vendors", error.to_string(), advice)];
        }
    };
    let Some(keyring) = keyring else {
        let advice = "add one at /admin, or with `modelgate apply`";
        return vec![Check::warning(
            "vendors",
            "no provider is configured",
            advice,
        )];
    };
    let settings = catalog::effective(config, &rows.settings);
    let catalog = catalog::build(rows, keyring, &settings.runtime.user_agent);
    let mut providers: Vec<_> = catalog.providers.values().filter(|p| p.enabled).collect();
    providers.sort_by(|a, b| a.name.cmp(&b.name));
    if providers.is_empty() {
        let advice = "add one at /admin, or with `modelgate apply`";
        return vec![Check::warning("vendors", "no provider is enabled", advice)];
    }
    if offline {
        let found = format!("{} providers were not called (--offline)", providers.len());
        return vec![Check::ok("vendors", found)];
    }
    let each = providers.into_iter().map(|p| provider(p));
    join_all(each).await.into_iter().flatten().collect()
}

async fn provider(provider: &Provider) -> Vec<Check> {
    let usable = |c: &&std::sync::Arc<Credential>| c.state != CredentialState::Disabled;
    let credentials: Vec<_> = provider.credentials.iter().filter(usable).collect();
    if credentials.is_empty() {
        return vec![Check::wrong(
            format!("provider {}", provider.name),
            "it has no key that can be used",
            "give it one, or switch the provider off",
        )];
    }
    join_all(credentials.into_iter().map(|c| credential(provider, c))).await
}

async fn credential(provider: &Provider, credential: &Credential) -> Check {
    let name = format!("provider {}, key {}", provider.name, credential.label);
    let called = timeout(PATIENCE, probe::test(provider, &credential.secret, None));
    let Ok(report) = called.await else {
        let found = format!("no answer within {} s", PATIENCE.as_secs());
        return Check::wrong(name, found, advice(Verdict::Timeout));
    };
    let status = report
        .status
        .map_or_else(String::new, |s| format!(", HTTP {s}"));
    let detail = if report.detail.is_empty() {
        String::new()
    } else {
        format!(": {}", report.detail)
    };
    let (code, ms) = (report.verdict.code(), report.latency_ms);
    let found = format!("{code} after {ms} ms{status}{detail}");
    match report.verdict {
        Verdict::Ok => Check::ok(name, found),
        Verdict::RateLimited => Check::warning(name, found, advice(report.verdict)),
        // Not every vendor has a list of models: it is there, and that is what was asked.
        Verdict::ModelNotFound | Verdict::Unexpected => {
            Check::warning(name, found, advice(report.verdict))
        }
        _ => Check::wrong(name, found, advice(report.verdict)),
    }
}

fn advice(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "",
        Verdict::BadKey => "replace the key: the vendor does not accept it",
        Verdict::NoQuota => "top up the vendor's account, or use another key",
        Verdict::RateLimited => "try again later; add keys if this goes on",
        Verdict::ModelNotFound | Verdict::Unexpected => {
            "the vendor may have no list of models: try Test on the provider's page with a model"
        }
        Verdict::BadUrl => "correct base_url: it usually ends in /v1",
        Verdict::Unreachable => "check base_url, DNS, the firewall and the outbound proxy",
        Verdict::Tls => "check the certificate at base_url, and this machine's CA certificates",
        Verdict::Timeout => "check the network to the vendor, or raise the provider's timeouts",
    }
}
