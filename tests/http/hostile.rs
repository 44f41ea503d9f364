//! Everything hostile that people, clients and vendors can send, put where it can be put.

use std::sync::Arc;

use modelgate_domain::{
    AttemptRecord, Currency, FaultOwner, RequestId, RequestRecord, Role, Status,
};
use modelgate_store::drain::{self, Batch, Entry};
use modelgate_store::{StoreError, changes, log_views};
use serde_json::json;

use crate::support::TestApp;

/// What people put into names; none longer than a name may be.
const NAMES: &[&str] = &[
    "<script>mgevil(1)</script>",
    "\"><img src=x onerror=mgevil(2)>",
    "'><mgevil a='",
    "</script><script>mgevil(3)//",
    "</title></textarea><mgevil>",
    "{{7*191}}mgevil{% if true %}${7*191}#{7*191}<%= 7*191 %>",
    "'; drop table users; -- mgevil",
    "=HYPERLINK(\"http://mgevil.example\")",
    "@SUM(1+9)*cmd|' /C calc'!A0 mgevil",
    "\u{202e}mgevil\u{202c}\u{200b}\u{feff}مرحبا",
    "javascript:mgevil(4)",
    "😀👩‍👩‍👧‍👦 mgevil &lt;b&gt; &amp;quot; \\u003cscript\\u003e",
    "../../../etc/mgevil%00%2e%2e",
];

fn now_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// Hostile names of everything that has one.
pub async fn hostile_configuration(app: &TestApp) {
    use std::fmt::Write as _;
    let mut file = String::new();
    for (n, name) in NAMES.iter().enumerate() {
        // the name of a key and the label of a credential hold no marks that turn or hide text
        let label = name.replace(['\u{202e}', '\u{202c}', '\u{200b}', '\u{feff}'], "");
        let (name, label) = (quoted(name), quoted(&label));
        let secret = format!("sk-mg-hostile-{n}-0123456789abcdef");
        writeln!(
            file,
            "[[api_keys]]\nname = {label}\nsecret = \"{secret}\"\nmodels = [\"*\"]"
        )
        .unwrap();
        writeln!(file, "[[providers]]\nname = \"evil-{n}\"\ndisplay_name = {name}\nprotocol = \"openai\"\nbase_url = \"http://127.0.0.1:9/v1\"\nkeys = [ {{ label = {label}, secret = \"sk-up-evil-{n}-0123456789\" }} ]").unwrap();
        writeln!(file, "[[models]]\nname = \"evil-{n}\"\ndisplay_name = {name}\nkind = \"chat\"\ntargets = [ {{ provider = \"evil-{n}\", upstream_model = \"evil-{n}\", priority = 1, weight = 100 }} ]").unwrap();
    }
    app.apply(&file).await;
}

/// Calls as a hostile client and a hostile vendor would leave them, of all keys.
pub async fn hostile_calls(app: &TestApp) {
    let now = now_ms();
    let long = "mgevil<i>".repeat(1_200);
    let texts = NAMES.iter().copied().chain([long.as_str()]);
    let mut entries = Vec::new();
    for (n, text) in texts.enumerate() {
        for (m, status) in Status::ALL.iter().enumerate() {
            let number = i64::try_from(n * 10 + m).unwrap();
            let mut id = RequestId::lower_bound(now - 1_000 - number);
            id.0 += 7;
            let record = RequestRecord {
                id,
                api_key_id: (1 + i64::try_from(n).unwrap() % 3).into(),
                repeats: 1,
                session_id: text.to_owned(),
                endpoint: text.to_owned(),
                dialect: text.to_owned(),
                requested_model: text.to_owned(),
                client_ip: text.to_owned(),
                user_agent: text.to_owned(),
                model_id: (1 + i64::try_from(n).unwrap()).into(),
                provider_id: (1 + i64::try_from(n).unwrap()).into(),
                provider_key_id: (1 + i64::try_from(n).unwrap()).into(),
                upstream_model: text.to_owned(),
                attempts: 2,
                route_reason: text.to_owned(),
                status: *status,
                fault_owner: FaultOwner::Upstream,
                error_code: text.to_owned(),
                error_message: text.to_owned(),
                http_status: 502,
                upstream_status: 502,
                finish_reason: text.to_owned(),
                started_ms: now - 1_000 - number,
                finished_ms: now - 500,
                latency_ms: Some(20_000),
                decision: text.to_owned(),
                phases: text.to_owned(),
                observed: text.to_owned(),
                cost_nanos: Some(5),
                currency: Currency::parse("USD").unwrap(),
                ..RequestRecord::default()
            };
            let attempt = |number| AttemptRecord {
                number,
                error_code: text.to_owned(),
                started_ms: now - 1_000,
                ..AttemptRecord::default()
            };
            let entry = if *status == Status::Pending {
                Entry::Started(Arc::new(record))
            } else {
                Entry::Ended(Arc::new(record), vec![attempt(1), attempt(2)])
            };
            entries.push(entry);
        }
    }
    let batch = Batch {
        instance: "hostile".to_owned(),
        positions: Vec::new(),
        entries,
    };
    let written: Result<_, StoreError> = app
        .db()
        .write(move |c| Box::pin(async move { drain::apply(c, &batch, chrono_tz::UTC).await }))
        .await;
    written.unwrap();
}

/// Accounts, views and audit lines.
pub async fn hostile_people(app: &TestApp) {
    let admin = app.admin().await;
    for name in NAMES {
        let rule = [
            ("status", "418"),
            ("meaning", "exhausted"),
            ("note", *name),
            ("enabled", "on"),
        ];
        let _may_be_refused = admin
            .submit("/admin/config/errors/new", "/admin/config/errors", &rule)
            .await;
        let view = [("name", *name), ("query", *name), ("shared", "on")];
        let _may_be_refused = admin
            .submit("/admin/logs?view=all", "/admin/logs/views", &view)
            .await;
    }
    app.add_account("vera", Role::Viewer).await;
    let written: Result<(), StoreError> = app
        .db()
        .write(|c| {
            Box::pin(async move {
                for name in NAMES {
                    let change = changes::Change {
                        at: chrono::Utc::now(),
                        actor: (*name).to_owned(),
                        actor_address: (*name).to_owned(),
                        action: format!("{name}.{name}"),
                        object: (*name).to_owned(),
                        before: Some(json!({ *name: name })),
                        after: Some(json!({ *name: [{ *name: *name }] })),
                        reason: (*name).to_owned(),
                    };
                    changes::note(c, &change).await?;
                    let view = log_views::NewLogView {
                        user_id: 1.into(),
                        name: (*name).to_owned(),
                        query: (*name).to_owned(),
                        shared: true,
                    };
                    log_views::save(c, &view, change.at).await?;
                }
                Ok(())
            })
        })
        .await;
    written.unwrap();
}
