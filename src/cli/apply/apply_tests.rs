//! Against a real embedded database: what is written is what is read, and nothing more.

use modelgate_domain::{LimitKind, LimitScope, Role, Secret};
use modelgate_store::users::NewUser;
use modelgate_store::{models, prices, provider_keys, providers, users};

use super::*;
use crate::config::{Config, MapEnv};
use crate::secrets::unlock;

struct Place {
    db: Db,
    keyring: Keyring,
    clock: Clock,
    _dir: tempfile::TempDir,
}

impl Place {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let env = MapEnv::new([("DATA_DIR", dir.path().to_str().unwrap())]);
        let config = Config::from_env(&env).unwrap();
        let db = Db::open(&config.database_url, tokio::runtime::Handle::current())
            .await
            .unwrap();
        db.migrate().await.unwrap();
        let clock = Clock::fixed(1_800_000_000_000);
        let keyring = unlock(&config, &db, &clock).await.unwrap();
        Self {
            db,
            keyring,
            clock,
            _dir: dir,
        }
    }

    async fn apply(&self, text: &str) -> Result<Outcome, ApplyError> {
        let document = Document { name: "f", text };
        apply(
            &self.db,
            &self.keyring,
            &self.clock,
            document,
            &MapEnv::default(),
        )
        .await
    }

    async fn generation(&self) -> i64 {
        self.db
            .read(|c| Box::pin(async move { changes::generation(c).await }))
            .await
            .unwrap()
    }
}

const BASE: &str = r#"
[[providers]]
name = "acme"
base_url = "http://a/v1"
extra_headers = [ { name = "X-Team", value = "header-canary" } ]
proxy_url = "http://user:proxy-canary@proxy:3128"
keys = [ { label = "main", secret = "sk-up-canary-1", limits = { rpm = 500 }, budget = { amount = "20", currency = "CNY", period = "total" } }, { label = "spare", secret = "sk-up-canary-2", max_concurrency = 8, enabled = false } ]
[[models]]
name = "gpt-x"
aliases = ["latest"]
strategy = "least_busy"
affinity = true
fallbacks = [ { model = "embed" }, { model = "embed", cause = "overloaded" } ]
limits = { max_concurrency = 100 }
targets = [ { provider = "acme", upstream_model = "u1", busyness_at_most = "normal", price = { currency = "CNY", input = "1", output = "2", per_request = "0.01" } }, { provider = "acme", upstream_model = "u2", priority = 2 } ]
price = { currency = "USD", input = "0.15", cached_input = "0.075", output = "0.60" }
[[models]]
name = "embed"
kind = "embedding"
price = { currency = "USD", input = "0.02" }
[[users]]
name = "ann"
display_name = "Ann \"A\""
role = "viewer"
enabled = false
limits = { rpm = 9, mode = "observe" }
budget = { amount = "3", currency = "USD", period = "week" }
[[api_keys]]
name = "alice"
user = "ann"
note = "a \"quoted\" note"
tags = ["prod", "团队"]
models = ["acme/gpt-x", "embed"]
enabled = true
expires_at = "2027-01-31T00:00:00Z"
time_zone = "Asia/Shanghai"
allowed_cidrs = ["10.0.0.0/8", "127.0.0.1/32"]
limits = { rpm = 60, tpm = 100000, max_concurrency = 4, mode = "enforce" }
budget = [ { amount = "5.00", currency = "USD", period = "day", mode = "enforce" }, { amount = "90", currency = "USD", period = "month", mode = "observe", model = "embed" } ]
time_rules = [ { kind = "time_range", allowed = true, start = "09:00", end = "18:00" }, { kind = "weekday", allowed = false, weekdays = [6, 7] },
               { kind = "date_range", allowed = false, start = "2026-12-24", end = "2027-01-01" } ]
fallbacks = false
bypass_busyness = true
strict_conversion = true
[[api_keys]]
name = "bob"
secret = "sk-mg-0123456789abcdef"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_and_its_own_export_change_nothing() {
    let place = Place::new().await;
    let first = place.apply(BASE).await.unwrap();
    assert_eq!(first.generation, Some(1));
    let made: Vec<&str> = first.made.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(made, ["alice"]);
    place.clock.advance_ms(60_000);
    let second = place.apply(BASE).await.unwrap();
    assert_eq!(second.differences, Vec::new());
    assert!(second.made.is_empty() && second.generation.is_none());
    let exported = export(&place.db, &place.clock).await.unwrap();
    assert!(!exported.contains("canary") && !exported.contains("sk-mg"));
    let third = place.apply(&exported).await.unwrap();
    assert_eq!(third.differences, Vec::new(), "{exported}");
    assert_eq!(place.generation().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_what_the_gateway_reads() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let rows = catalog::load(&place.db).await.unwrap();
    let provider = &rows.providers[0];
    let sealed = format!("{} {:?}", provider.extra_headers, provider.proxy_url);
    assert!(
        !sealed.contains("canary") && !sealed.contains("team"),
        "{sealed}"
    );
    let alice = rows.api_keys.iter().find(|k| k.name == "alice").unwrap();
    assert_eq!(alice.tags, ["prod", "团队"]);
    let built = crate::catalog::build(rows, &place.keyring, "test");
    assert_eq!(built.notes, []);
    let (model, acme) = (
        &built.models["gpt-x"],
        built.providers.values().next().unwrap(),
    );
    assert_eq!(acme.extra_headers[0].0, "x-team");
    assert_eq!(acme.extra_headers[0].1.expose(), "header-canary");
    assert_eq!(acme.credentials[0].limits.len(), 2);
    assert_eq!(acme.credentials[1].max_concurrency, Some(8));
    assert_eq!(model.strategy, modelgate_domain::Strategy::LeastBusy);
    assert_eq!((model.fallbacks.len(), model.limits.len()), (2, 1));
    assert!(model.affinity && model.targets[0].busyness_at_most.is_some());
    let alice = built.keys.values().find(|k| &*k.name == "alice").unwrap();
    assert_eq!((alice.limits.len(), alice.rules.time_rules.len()), (5, 3));
    assert_eq!(alice.rules.time_zone, Some(chrono_tz::Asia::Shanghai));
    assert_eq!(alice.rules.allowed_cidrs.as_ref().map(Vec::len), Some(2));
    assert!(
        alice.expires_at_ms.is_some()
            && !alice.fallbacks
            && alice.bypass_busyness
            && alice.strict_conversion
    );
    let keys = place
        .db
        .read(|c| Box::pin(async move { provider_keys::list(c).await }))
        .await
        .unwrap();
    assert!(!keys[0].secret.expose().contains("canary"));
    let opened = place
        .keyring
        .open("provider_keys", keys[0].id.0, keys[0].secret.expose());
    assert_eq!(opened.unwrap(), Secret::new("sk-up-canary-1"));
    place.clock.advance_ms(1000);
    let other = "[[models]]\nname = \"gpt-x\"\nprice = { currency = \"USD\", input = \"0.2\", output = \"0.60\" }\n";
    place.apply(other).await.unwrap();
    let rows = place
        .db
        .read(|c| Box::pin(async move { prices::list(c).await }))
        .await
        .unwrap();
    assert_eq!(rows.len(), 4, "superseded, not edited");
    assert_eq!(rows[0].price.input, 200_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_changes_nothing_at_all() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let bad = "[[providers]]\nname = \"new\"\nbase_url = \"http://n\"\n[[api_keys]]\nname = \"x\"\nmodels = [\"nope\"]\n";
    let error = place.apply(bad).await.unwrap_err();
    assert!(
        error.to_string().starts_with("f:6: api_keys[0].models[0]:"),
        "{error}"
    );
    let names = place
        .db
        .read(|c| Box::pin(async move { providers::list(c).await }))
        .await
        .unwrap();
    assert_eq!(names.len(), 1);
    assert_eq!(place.generation().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pinned_key_follows_its_target_to_another_row() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let moved = "[[models]]\nname = \"gpt-x\"\ntargets = [ { provider = \"acme\", upstream_model = \"u3\" } ]\n";
    let told: Vec<String> = place
        .apply(moved)
        .await
        .unwrap()
        .differences
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    let exported = export(&place.db, &place.clock).await.unwrap();
    assert!(
        exported.contains("models = [\"acme/gpt-x\", \"embed\"]"),
        "{exported}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_that_cannot_count_is_warned_of() {
    let place = Place::new().await;
    let budget = |currency: &str| {
        format!(
            "[[api_keys]]\nname = \"bob\"\nmodels = [\"*\"]\nbudget = {{ amount = \"5\", currency = \"{currency}\", period = \"day\" }}\n"
        )
    };
    place.apply(BASE).await.unwrap();
    let priced = "[[models]]\nname = \"gpt-x\"\nprice = { currency = \"USD\", input = \"1\", output = \"2\" }\n";
    place.apply(priced).await.unwrap();
    let about_bob = |outcome: Outcome| -> Vec<String> {
        let all = outcome.warnings.into_iter();
        all.filter(|warning| warning.contains("API key bob"))
            .collect()
    };
    let euros = about_bob(place.apply(&budget("EUR")).await.unwrap());
    assert_eq!(euros.len(), 1, "{euros:?}");
    assert!(
        euros[0].contains("in EUR (day)") && euros[0].contains("gpt-x"),
        "{euros:?}"
    );
    let again = about_bob(place.apply(&budget("EUR")).await.unwrap());
    assert_eq!(again.len(), 1, "said as long as it is so");
    let dollars = about_bob(place.apply(&budget("USD")).await.unwrap());
    assert_eq!(dollars, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alias_moves_and_a_plan_writes_nothing() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let text = "[[models]]\nname = \"embed\"\naliases = [\"latest\"]\n[[models]]\nname = \"gpt-x\"\naliases = []\n";
    let document = Document { name: "f", text };
    let env = MapEnv::default();
    let keyring = Some(place.keyring.clone());
    let planned = plan(Some(&place.db), keyring, &place.clock, document, &env)
        .await
        .unwrap();
    assert_eq!(place.generation().await, 1);
    let done = place.apply(text).await.unwrap();
    assert_eq!(planned.differences, done.differences);
    let aliases = place
        .db
        .read(|c| Box::pin(async move { models::aliases(c).await }))
        .await
        .unwrap();
    assert_eq!(aliases.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_given_replaces_and_one_that_is_not_is_left_alone() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let alice = async || {
        let built = crate::catalog::build(
            catalog::load(&place.db).await.unwrap(),
            &place.keyring,
            "test",
        );
        let key = built.keys.into_values().find(|k| &*k.name == "alice");
        key.unwrap()
    };
    let change = "[[api_keys]]\nname = \"alice\"\nlimits = { rpm = 7, mode = \"observe\" }\n";
    let outcome = place.apply(change).await.unwrap();
    assert_eq!(outcome.differences.len(), 1, "{:?}", outcome.differences);
    let key = alice().await;
    let kinds: Vec<_> = key.limits.iter().map(|l| (l.kind, l.amount)).collect();
    assert_eq!(
        kinds,
        [
            (LimitKind::Rpm, 7),
            (LimitKind::Budget, 5_000_000_000),
            (LimitKind::Budget, 90_000_000_000)
        ]
    );
    assert_eq!(key.rules.time_rules.len(), 3);
    let rest = "[[api_keys]]\nname = \"alice\"\nlimits = {}\nbudget = []\ntime_rules = []\nexpires_at = \"\"\nallowed_cidrs = []\n";
    place.apply(rest).await.unwrap();
    let key = alice().await;
    assert!(key.limits.is_empty() && key.rules.time_rules.is_empty());
    assert!(key.expires_at_ms.is_none() && key.rules.allowed_cidrs.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_are_made_without_a_password_and_the_last_owner_stays() {
    let place = Place::new().await;
    place.apply(BASE).await.unwrap();
    let rows = catalog::load(&place.db).await.unwrap();
    let ann = rows.users.first().unwrap();
    assert_eq!((ann.password_hash.clone(), ann.role), (None, Role::Viewer));
    assert!(rows.api_keys.iter().any(|key| key.user_id == ann.id));
    let limits = rows.limits.iter().filter(|l| l.scope == LimitScope::User);
    assert_eq!(limits.filter(|l| l.scope_id == ann.id.0).count(), 2);
    assert!(
        !crate::catalog::build(rows, &place.keyring, "test")
            .keys
            .values()
            .any(|k| k.enabled && &*k.name == "alice")
    );

    let boss = NewUser {
        username: "boss".to_owned(),
        email: None,
        display_name: String::new(),
        password_hash: Some(Secret::new("$argon2id$canary")),
        must_change_password: false,
        role: Role::Owner,
    };
    let now = place.clock.now();
    let made = place
        .db
        .write(move |c| Box::pin(async move { users::insert(c, &boss, now).await }));
    made.await.unwrap();
    for (text, right) in [
        (
            "[[users]]\nname = \"boss\"\nrole = \"admin\"\n",
            "f:2: users[0].name: is the last owner",
        ),
        ("[[users]]\nname = \"a b\"\n", "f:2: users[0].name: "),
        (
            "[[users]]\nname = \"x\"\nrole = \"god\"\n",
            "must be one of \"user\"",
        ),
        (
            "[[users]]\nname = \"x\"\npassword = \"y\"\n",
            "unknown field",
        ),
        (
            "[[api_keys]]\nname = \"alice\"\nuser = \"who\"\n",
            "there is no such account",
        ),
    ] {
        let error = place.apply(text).await.unwrap_err().to_string();
        assert!(error.contains(right), "{error}");
    }
    let heir = "[[users]]\nname = \"ann\"\nrole = \"owner\"\nenabled = true\n[[users]]\nname = \"boss\"\nrole = \"admin\"\n";
    let error = place.apply(heir).await.unwrap_err().to_string();
    assert!(
        error.contains("last owner"),
        "without a password nobody logs in: {error}"
    );
    let alone = "[[api_keys]]\nname = \"alice\"\nuser = \"\"\n";
    assert_eq!(place.apply(alone).await.unwrap().differences.len(), 1);
}
