use super::*;
use crate::config::MapEnv;

fn parse(text: &str) -> Result<File, String> {
    let document = Document {
        name: "mg.toml",
        text,
    };
    let env = MapEnv::new([("ACME_KEY_2", "sk-up-2"), ("BLANK", " ")]);
    File::parse(document, &env).map_err(|e| e.to_string())
}

const WHOLE: &str = r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "http://127.0.0.1:9100/v1/"
connect_timeout_ms = 2000
first_byte_timeout_ms = 60000
idle_timeout_ms = 60_000
keys = [ { label = "main", secret = "sk-up-1" }, { label = "spare", secret_env = "ACME_KEY_2", weight = 50, max_concurrency = 8 } ]

[[models]]
name = "gpt-x"
kind = "chat"
context_length = 128000
max_output_tokens = 16384
aliases = ["gpt-x-latest"]
targets = [ { provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 } ]
price = { currency = "USD", input = "0.15", cached_input = "0.075", output = "0.60" }

[[api_keys]]
name = "alice"
secret = "sk-mg-0123456789abcdef"
models = ["gpt-x"]
"#;

#[test]
fn the_documented_example_is_understood() {
    let file = parse(WHOLE).unwrap();
    let acme = &file.providers[0];
    assert_eq!(acme.base_url.as_deref(), Some("http://127.0.0.1:9100/v1"));
    let keys = acme.keys.as_ref().unwrap();
    assert_eq!(keys[1].secret, Some(Secret::new("sk-up-2")));
    assert_eq!(
        (keys[1].weight, keys[1].max_concurrency),
        (Some(50), Some(8))
    );
    let price = file.models[0].price.as_ref().unwrap();
    assert_eq!(
        (price.input, price.output),
        (150_000_000, Some(600_000_000))
    );
    assert!(matches!(&file.api_keys[0].models, Some(ModelsSpec::Only(l)) if l.len() == 1));
    assert!(!format!("{file:?}").contains("sk-up-"));
}

#[allow(clippy::too_many_lines, reason = "one table of cases")]
#[test]
fn an_error_names_file_line_and_field_and_says_what_is_right() {
    for (text, expected) in [
        ("[[providers]\n", "mg.toml:1: not valid TOML"),
        (
            "\n[[provider]]\n",
            "mg.toml:2: provider: unknown field; did you mean providers?",
        ),
        (
            "x = 1\n",
            "mg.toml:1: x: unknown field; known here: providers, models, users, api_keys",
        ),
        (
            "providers = 1",
            "providers: must be tables, each beginning with [[providers]]",
        ),
        (
            "[[providers]]\nurl = 1\n",
            "mg.toml:2: providers[0].url: unknown field",
        ),
        ("[[providers]]\n", "providers[0].name: missing"),
        (
            "[[api_keys]]\nname = \"a\"\nlimits = { rpm = 0 }\n",
            "mg.toml:3: api_keys[0].limits.rpm: must be a whole number from 1",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nlimits = [ { rpm = 1 }, { rpm = 2 } ]\n",
            "api_keys[0].limits[1]: rpm is limited twice here",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nlimits = { rpm = 1, mode = \"watch\" }\n",
            "limits.mode: must be \"enforce\" or \"observe\"",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nbudget = { amount = \"5\", currency = \"USD\" }\n",
            "api_keys[0].budget.period: missing",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nbudget = { amount = \"0\", currency = \"USD\", period = \"day\" }\n",
            "budget.amount: must be more than nothing",
        ),
        (
            "[[models]]\nname = \"a\"\nkind = \"chat\"\nfallbacks = [ \"b\", { model = \"c\" } ]\n",
            "fallbacks: must be all names",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"hours\", allowed = true } ]\n",
            "time_rules[0].kind: the kind is",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"weekday\", weekdays = [1] } ]\n",
            "time_rules[0].allowed: missing",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"weekday\", allowed = true, weekdays = [8] } ]\n",
            "weekdays are numbers from 1",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"time_range\", allowed = true, start = \"09:00\", end = \"18:00\", weekdays = [1] } ]\n",
            "time_rules[0]: \"weekdays\" means nothing in a rule of the kind \"time_range\": write two rules",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"weekday\", allowed = true, weekdays = [1], start = \"09:00\" } ]\n",
            "\"start\" means nothing in a rule of the kind \"weekday\"",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_rules = [ { kind = \"time_range\", allowed = true, start = \"9\", end = \"18:00\" } ]\n",
            "time_rules[0]: a time is HH:MM",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nexpires_at = \"tomorrow\"\n",
            "api_keys[0].expires_at: must be a time such as",
        ),
        (
            "[[api_keys]]\nname = \"a\"\ntime_zone = \"Mars\"\n",
            "api_keys[0].time_zone: must be a time zone",
        ),
        (
            "[[api_keys]]\nname = \"a\"\nallowed_cidrs = [\"10.0.0.0/33\"]\n",
            "api_keys[0].allowed_cidrs[0]: must be a network",
        ),
        (
            "[[models]]\nname = \"m\"\nstrategy = \"random\"\n",
            "models[0].strategy: must be one of \"weighted\", \"round_robin\"",
        ),
        (
            "[[models]]\nname = \"m\"\nlimits = { model = \"x\", rpm = 1 }\n",
            "models[0].limits.model: unknown field",
        ),
        (
            "[[providers]]\nname = \"p\"\nbase_url = \"http://a/v1\"\nproxy_url = \"ftp://x\"\n",
            "providers[0].proxy_url: the provider's proxy address must begin with",
        ),
        (
            "[[providers]]\nname = 3\n",
            "mg.toml:2: providers[0].name: must be text in quotes",
        ),
        (
            "[[providers]]\nname = \"A\"\n",
            "mg.toml:2: providers[0].name: a provider's name is",
        ),
        (
            "[[providers]]\nname = \"a\"\n\n[[providers]]\nname = \"a\"\n",
            "mg.toml:5: providers[1].name: this provider is named on line 2 already",
        ),
        (
            "[[providers]]\nname = \"a\"\nprotocol = \"telnet\"\n",
            "mg.toml:3: providers[0].protocol: must be \"openai\", \"azure-openai\", \"anthropic\", \"openai-responses\", \"gemini\" or \"ollama\"",
        ),
        (
            "[[providers]]\nname = \"a\"\nbase_url = \"h/v1\"\n",
            "mg.toml:3: providers[0].base_url: a base URL is",
        ),
        (
            "[[providers]]\nname = \"a\"\nidle_timeout_ms = 0\n",
            "providers[0].idle_timeout_ms: must be a whole number from 1 to 3600000",
        ),
        (
            "[[providers]]\nname = \"a\"\nenabled = \"yes\"\n",
            "enabled: must be true or false",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [\"x\"]\n",
            "providers[0].keys[0]: must be a list of tables",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [\n  { label = \"m\", secret = \"canary\" },\n  { label = \"n\", wieght = 5 },\n]\n",
            "mg.toml:5: providers[0].keys[1].wieght: unknown field; did you mean weight?",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [{ label = \"m\", secret = \"canary\", secret_env = \"X\" }]\n",
            "providers[0].keys[0].secret_env: secret is given too",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [{ label = \"m\", secret_env = \"NOPE\" }]\n",
            "mg.toml:3: providers[0].keys[0].secret_env: the environment has no NOPE",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [{ label = \"m\", secret_env = \"BLANK\" }]\n",
            "must be printable ASCII",
        ),
        (
            "[[providers]]\nname = \"a\"\nkeys = [{ label = \"m\", weight = -1 }]\n",
            "weight: must be a whole number from 0",
        ),
        (
            "[[models]]\nname = \"m\"\nkind = \"image\"\n",
            "mg.toml:3: models[0].kind: must be \"chat\" or \"embedding\"",
        ),
        (
            "[[models]]\nname = \"a b\"\n",
            "models[0].name: a model's name is",
        ),
        (
            "[[models]]\nname = \"m\"\naliases = \"x\"\n",
            "models[0].aliases: must be a list of texts",
        ),
        (
            "[[models]]\nname = \"m\"\naliases = [\"x\", \"x\"]\n",
            "models[0].aliases[1]: this alias is named on line 3 already",
        ),
        (
            "[[models]]\nname = \"m\"\ntargets = [{ provider = \"a\" }]\n",
            "models[0].targets[0].upstream_model: missing",
        ),
        (
            "[[models]]\nname = \"m\"\ntargets = [{ provider = \"a\", upstream_model = \"u\" }, { provider = \"a\", upstream_model = \"u\" }]\n",
            "models[0].targets[1]: this provider and upstream_model",
        ),
        (
            "[[models]]\nname = \"m\"\nprice = { currency = \"usd\", input = \"1\" }\n",
            "models[0].price.currency: a currency is",
        ),
        (
            "[[models]]\nname = \"m\"\nprice = { currency = \"USD\", input = 0.15 }\n",
            "models[0].price.input: must be text in quotes",
        ),
        (
            "[[models]]\nname = \"m\"\nprice = { currency = \"USD\", input = \"-1\" }\n",
            "models[0].price.input: an amount is decimal text",
        ),
        (
            "[[models]]\nname = \"m\"\nprice = { currency = \"USD\" }\n",
            "models[0].price.input: missing",
        ),
        (
            "[[api_keys]]\nname = \"k\"\nsecret = \"canary\"\n",
            "mg.toml:3: api_keys[0].secret: an API key is 16 to 256",
        ),
        (
            "[[api_keys]]\nname = \"k\"\nmodels = [\"*\", \"m\"]\n",
            "api_keys[0].models[0]: \"*\" means all models",
        ),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
        assert!(
            error.starts_with("mg.toml:") && !error.contains("canary"),
            "{error}"
        );
    }
}

#[test]
fn a_broken_line_with_a_secret_is_not_shown() {
    let error = parse("[[api_keys]]\nname = \"k\"\nsecret = \"canary\n").unwrap_err();
    assert!(
        error.starts_with("mg.toml:3: ") && !error.contains("canary"),
        "{error}"
    );
}

/// The first block of TOML on a page of the documentation.
fn documented() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/provisioning.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once("```toml\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn the_page_on_the_file_has_every_field_and_is_right() {
    let text = documented();
    let file = parse(&text).unwrap();
    assert_eq!(
        (
            file.providers.len(),
            file.models.len(),
            file.users.len(),
            file.api_keys.len()
        ),
        (1, 3, 1, 1)
    );
    let lists = [
        ROOT,
        PROVIDER,
        HEADER,
        CREDENTIAL,
        MODEL,
        FALLBACK,
        TARGET,
        PRICE,
        API_KEY,
        users::FIELDS,
        rules::KEY_LIMITS,
        rules::KEY_BUDGET,
        rules::TIME_RULE,
    ];
    for field in lists.iter().copied().flatten() {
        let is_there =
            text.contains(&format!("{field} =")) || text.contains(&format!("[[{field}]]"));
        assert!(is_there, "{field} is not on the page");
    }
    for name in Cause::ALL
        .iter()
        .filter(|c| **c != Cause::Any)
        .map(|c| c.as_str())
    {
        assert!(text.contains(name), "{name}");
    }
    for name in Strategy::ALL
        .iter()
        .map(|s| s.as_str())
        .chain(Protocol::ALL.iter().map(|p| p.as_str()))
    {
        assert!(text.contains(name), "{name}");
    }
}
