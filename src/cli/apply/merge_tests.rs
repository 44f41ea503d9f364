use modelgate_domain::{ApiKeyId, ModelId, ProviderId, ProviderKeyId, TargetId};

use super::*;
use crate::cli::apply::diff::{Mark, diff};
use crate::cli::apply::document::Document;
use crate::config::MapEnv;

const BASE: &str = r#"
[[providers]]
name = "acme"
base_url = "http://a/v1"
keys = [ { label = "main", secret = "sk-up-1" } ]
[[providers]]
name = "beta"
base_url = "http://b/v1"
[[models]]
name = "gpt-x"
aliases = ["latest"]
targets = [ { provider = "acme", upstream_model = "u1" }, { provider = "beta", upstream_model = "u2" } ]
price = { currency = "USD", input = "0.15", output = "0.60" }
[[models]]
name = "embed"
kind = "embedding"
price = { currency = "USD", input = "0.02" }
[[api_keys]]
name = "alice"
secret = "sk-mg-0123456789abcdef"
models = ["latest", "beta/gpt-x"]
"#;

fn apply(current: &State, text: &str) -> Result<State, String> {
    let document = Document { name: "f", text };
    let file = File::parse(document, &MapEnv::default()).map_err(|e| e.to_string())?;
    let revoked = [hash_key_hex("sk-mg-revoked-revoked")];
    merge(current, &revoked, &file).map_err(|e| e.to_string())
}

/// The base file, as if it had been written.
fn written() -> State {
    let mut state = apply(&State::default(), BASE).unwrap();
    for p in &mut state.providers {
        p.id = Some(ProviderId(1));
        p.keys
            .iter_mut()
            .for_each(|k| k.id = Some(ProviderKeyId(1)));
    }
    for m in &mut state.models {
        m.id = Some(ModelId(1));
        m.targets.iter_mut().for_each(|t| t.id = Some(TargetId(1)));
    }
    for k in &mut state.api_keys {
        k.id = Some(ApiKeyId(1));
        k.text = None;
    }
    state
}

fn lines(before: &State, text: &str) -> Vec<String> {
    let after = apply(before, text).unwrap();
    diff(before, &after)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn everything_is_made_on_an_empty_installation_and_nothing_the_second_time() {
    let made = lines(&State::default(), BASE);
    assert_eq!(made.len(), 8, "{made:#?}");
    assert!(made.iter().all(|line| line.starts_with("+ ")), "{made:#?}");
    assert!(made.iter().all(|line| !line.contains("sk-")), "{made:#?}");
    assert_eq!(lines(&written(), BASE), Vec::<String>::new());
}

#[test]
fn absent_fields_are_left_alone_and_lists_are_replaced() {
    let before = written();
    assert_eq!(
        lines(
            &before,
            "[[providers]]\nname = \"acme\"\n[[models]]\nname = \"gpt-x\"\n[[api_keys]]\nname = \"alice\"\n"
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        lines(
            &before,
            "[[providers]]\nname = \"acme\"\nidle_timeout_ms = 7\nkeys = [ { label = \"new\", secret = \"s\", max_concurrency = 3 } ]\n"
        ),
        [
            "~ provider acme: idle_timeout_ms 120000 → 7",
            "- key main of provider acme",
            "+ key new of provider acme: secret [hidden], weight 100, max_concurrency 3, enabled true",
        ]
    );
    assert_eq!(
        lines(
            &before,
            "[[models]]\nname = \"gpt-x\"\naliases = []\ntargets = [ { provider = \"acme\", upstream_model = \"u1\", weight = 5 } ]\n"
        ),
        [
            "~ model gpt-x: aliases latest → none",
            "- target u2 at beta of model gpt-x",
            "~ target u1 at acme of model gpt-x: weight 100 → 5",
            "~ API key alice: models (beta/gpt-x, gpt-x) → gpt-x",
        ]
    );
}

#[test]
fn secrets_are_compared_and_never_shown() {
    let before = written();
    let same =
        "[[providers]]\nname = \"acme\"\nkeys = [ { label = \"main\", secret = \"sk-up-1\" } ]\n";
    assert_eq!(lines(&before, same), Vec::<String>::new());
    let kept = "[[providers]]\nname = \"acme\"\nkeys = [ { label = \"main\" } ]\n";
    assert_eq!(lines(&before, kept), Vec::<String>::new());
    let other =
        "[[providers]]\nname = \"acme\"\nkeys = [ { label = \"main\", secret = \"canary\" } ]\n";
    assert_eq!(
        lines(&before, other),
        ["~ key main of provider acme: secret replaced"]
    );
    let key =
        "[[api_keys]]\nname = \"alice\"\nsecret = \"sk-mg-canary-canary\"\nmodels = [\"*\"]\n";
    assert_eq!(
        lines(&before, key),
        ["~ API key alice: secret replaced, models (beta/gpt-x, gpt-x) → *"]
    );
}

#[test]
fn an_equal_price_is_no_change_and_a_new_one_is() {
    let before = written();
    let price = |output: &str| {
        format!(
            "[[models]]\nname = \"gpt-x\"\nprice = {{ currency = \"USD\", input = \"0.150\", output = \"{output}\" }}\n"
        )
    };
    assert_eq!(lines(&before, &price("0.6")), Vec::<String>::new());
    assert_eq!(
        lines(&before, &price("0.7")),
        ["~ model gpt-x: price (USD input 0.15 output 0.6) → (USD input 0.15 output 0.7)"]
    );
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let before = written();
    for (text, expected) in [
        (
            "[[providers]]\nname = \"c\"\n",
            "f:1: providers[0].base_url: missing",
        ),
        (
            "[[providers]]\nname = \"acme\"\nkeys = [ { label = \"x\" } ]\n",
            "f:3: providers[0].keys[0].secret: missing",
        ),
        (
            "[[models]]\nname = \"m\"\ntargets = [ { provider = \"amce\", upstream_model = \"u\" } ]\n",
            "models[0].targets[0].provider: there is no such provider: there are acme, beta",
        ),
        (
            "[[models]]\nname = \"acme/m\"\n",
            "f:2: models[0].name: begins with the provider acme and a slash",
        ),
        (
            "[[models]]\nname = \"m\"\naliases = [\"beta/m\"]\n",
            "models[0].aliases[0]: begins with the provider beta",
        ),
        (
            "[[models]]\nname = \"latest\"\n",
            "models[0].name: is an alias of model gpt-x",
        ),
        (
            "[[models]]\nname = \"m\"\naliases = [\"gpt-x\"]\n",
            "models[0].aliases[0]: is the name of a model",
        ),
        (
            "[[models]]\nname = \"m\"\naliases = [\"latest\"]\n",
            "models[0].aliases[0]: is an alias of model gpt-x already",
        ),
        (
            "[[models]]\nname = \"m\"\nprice = { currency = \"USD\", input = \"1\" }\n",
            "models[0].price.output: missing",
        ),
        (
            "[[api_keys]]\nname = \"b\"\nmodels = [\"nope\"]\n",
            "f:3: api_keys[0].models[0]: there is no such model",
        ),
        (
            "[[api_keys]]\nname = \"b\"\nmodels = [\"acme/embed\"]\n",
            "api_keys[0].models[0]: there is no such model",
        ),
        (
            "[[api_keys]]\nname = \"b\"\nsecret = \"sk-mg-0123456789abcdef\"\n",
            "api_keys[0].secret: is the secret of API key alice already",
        ),
        (
            "[[api_keys]]\nname = \"b\"\nsecret = \"sk-mg-revoked-revoked\"\n",
            "api_keys[0].secret: belonged to an API key that was revoked",
        ),
    ] {
        let Err(error) = apply(&before, text) else {
            panic!("accepted: {text}");
        };
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    }
    let mut slashed = before;
    slashed.models[0].name = "gamma/x".to_owned();
    let error = apply(
        &slashed,
        "[[providers]]\nname = \"gamma\"\nbase_url = \"http://g\"\n",
    );
    let Err(error) = error else {
        panic!("accepted")
    };
    assert!(
        error.contains("the model name gamma/x begins with it"),
        "{error}"
    );
}

#[test]
fn an_alias_can_move_within_one_file() {
    let text = "[[models]]\nname = \"embed\"\naliases = [\"latest\"]\n[[models]]\nname = \"gpt-x\"\naliases = []\n";
    assert!(apply(&written(), text).is_ok());
}

#[test]
fn zero_takes_a_concurrency_limit_away() {
    let mut before = written();
    before.providers[0].keys[0].max_concurrency = Some(4);
    let text =
        "[[providers]]\nname = \"acme\"\nkeys = [ { label = \"main\", max_concurrency = 0 } ]\n";
    assert_eq!(
        lines(&before, text),
        ["~ key main of provider acme: max_concurrency 4 → none"]
    );
    let marks = diff(&before, &apply(&before, text).unwrap());
    assert_eq!(marks[0].mark, Mark::Change);
}

#[test]
fn a_template_fills_in_what_a_new_provider_does_not_say() {
    let made = apply(
        &State::default(),
        "[[providers]]\nname = \"ds\"\ntemplate = \"deepseek\"\n",
    )
    .unwrap();
    let provider = &made.providers[0];
    assert_eq!(provider.base_url, "https://api.deepseek.com");
    assert_eq!(
        (provider.template.as_str(), provider.display_name.as_str()),
        ("deepseek", "DeepSeek")
    );
    let own =
        "[[providers]]\nname = \"ds\"\ntemplate = \"deepseek\"\nbase_url = \"http://own/v1\"\n";
    let own = apply(&State::default(), own).unwrap();
    assert_eq!(own.providers[0].base_url, "http://own/v1");
    // what is there already is not filled in anew
    let again = apply(
        &own,
        "[[providers]]\nname = \"ds\"\ntemplate = \"openai\"\n",
    )
    .unwrap();
    assert_eq!(again.providers[0].base_url, "http://own/v1");
    let unknown = "[[providers]]\nname = \"ds\"\ntemplate = \"deepsek\"\n";
    let error = apply(&State::default(), unknown).map(drop).unwrap_err();
    assert!(
        error.contains("deepseek") && error.contains("no such vendor"),
        "{error}"
    );
    // an address that needs something of one's own is not taken as it is
    let blank = "[[providers]]\nname = \"az\"\ntemplate = \"azure-openai\"\n";
    assert!(apply(&State::default(), blank).is_err());
}
