//! Who plays in the demo: vendors, models, prices, people, and their habits.

use super::prepare::Secrets;

/// A person or a program with a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    /// The key's name.
    pub(super) name: &'static str,
    /// Calls on a full working day at the end of the thirty days.
    pub(super) calls: f64,
    /// When they work.
    pub(super) rhythm: Rhythm,
    /// Models they call, with weights.
    pub(super) models: &'static [(&'static str, f64)],
    /// What their program says it is.
    pub(super) agent: &'static str,
    /// Share of calls that stream.
    pub(super) streams: f64,
    /// Usual prompt size in tokens.
    pub(super) prompt: i64,
    /// Share of long prompts whose beginning a vendor has cached.
    pub(super) cached: f64,
}

/// When a person works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rhythm {
    /// Office hours, few at the weekend.
    Office,
    /// Office hours that begin late.
    Late,
    /// Around the clock, with a day's swell.
    Always,
    /// A batch in the night.
    Night,
}

const OPENAI_PYTHON: &str = "OpenAI/Python 2.8.1";
const OPENAI_NODE: &str = "OpenAI/JS 6.9.0";

/// Ten keys.
pub(super) const PEOPLE: &[Person] = &[
    Person {
        name: "alice.meyer",
        calls: 130.0,
        rhythm: Rhythm::Office,
        models: &[
            ("atlas-large", 5.0),
            ("atlas-mini", 3.0),
            ("cedar-think", 1.0),
        ],
        agent: OPENAI_PYTHON,
        streams: 0.8,
        prompt: 1_900,
        cached: 0.5,
    },
    Person {
        name: "bruno.costa",
        calls: 90.0,
        rhythm: Rhythm::Late,
        models: &[("cedar-think", 4.0), ("atlas-large", 2.0)],
        agent: OPENAI_NODE,
        streams: 0.95,
        prompt: 6_500,
        cached: 0.75,
    },
    Person {
        name: "chen.wei",
        calls: 150.0,
        rhythm: Rhythm::Office,
        models: &[("jade-plus", 6.0), ("jade-turbo", 3.0)],
        agent: OPENAI_PYTHON,
        streams: 0.7,
        prompt: 1_400,
        cached: 0.35,
    },
    Person {
        name: "diego.ruiz",
        calls: 45.0,
        rhythm: Rhythm::Late,
        models: &[("atlas-mini", 4.0), ("jade-turbo", 1.0)],
        agent: "curl/8.14.1",
        streams: 0.3,
        prompt: 420,
        cached: 0.1,
    },
    Person {
        name: "emma.larsen",
        calls: 75.0,
        rhythm: Rhythm::Office,
        models: &[("atlas-large", 3.0), ("jade-preview", 1.0)],
        agent: OPENAI_NODE,
        streams: 0.9,
        prompt: 2_600,
        cached: 0.45,
    },
    Person {
        name: "fatima.haddad",
        calls: 60.0,
        rhythm: Rhythm::Office,
        models: &[("atlas-mini", 5.0), ("atlas-large", 1.0)],
        agent: OPENAI_PYTHON,
        streams: 0.6,
        prompt: 800,
        cached: 0.2,
    },
    Person {
        name: "li.na",
        calls: 110.0,
        rhythm: Rhythm::Office,
        models: &[
            ("jade-turbo", 5.0),
            ("jade-plus", 2.0),
            ("cedar-think", 1.0),
        ],
        agent: OPENAI_PYTHON,
        streams: 0.75,
        prompt: 1_100,
        cached: 0.3,
    },
    Person {
        name: "support-desk",
        calls: 320.0,
        rhythm: Rhythm::Always,
        models: &[("atlas-mini", 7.0), ("jade-turbo", 2.0)],
        agent: OPENAI_NODE,
        streams: 0.98,
        prompt: 1_250,
        cached: 0.8,
    },
    Person {
        name: "wiki-search",
        calls: 260.0,
        rhythm: Rhythm::Always,
        models: &[("cedar-embed", 9.0), ("atlas-mini", 1.0)],
        agent: OPENAI_PYTHON,
        streams: 0.0,
        prompt: 340,
        cached: 0.0,
    },
    Person {
        name: "nightly-report",
        calls: 160.0,
        rhythm: Rhythm::Night,
        models: &[("jade-plus", 3.0), ("atlas-large", 2.0)],
        agent: OPENAI_PYTHON,
        streams: 0.0,
        prompt: 9_000,
        cached: 0.15,
    },
];

/// How fast a model answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Usual time to the first token, milliseconds.
    pub(super) ttft_ms: i64,
    /// Tokens a second.
    pub(super) tokens_per_second: i64,
    /// Usual size of the visible answer in tokens.
    pub(super) answer: i64,
    /// Usual hidden reasoning in tokens.
    pub(super) reasoning: i64,
}

/// The habits of a model.
pub(super) fn pace(model: &str) -> Pace {
    let (ttft_ms, tokens_per_second, answer, reasoning) = match model {
        "atlas-large" => (720, 62, 420, 0),
        "atlas-mini" => (310, 140, 210, 0),
        "cedar-think" => (2_900, 88, 520, 1_300),
        "cedar-embed" => (120, 10_000, 0, 0),
        "jade-plus" => (540, 75, 360, 0),
        "jade-preview" => (900, 50, 300, 240),
        _ => (260, 160, 180, 0),
    };
    Pace {
        ttft_ms,
        tokens_per_second,
        answer,
        reasoning,
    }
}

/// The vendors, by name.
pub(super) const VENDORS: &[&str] = &["atlas", "cedar", "jade"];

/// The key that a vendor gave the gateway.
pub(super) fn vendor_key(vendor: &str, label: &str) -> String {
    format!("sk-{vendor}-{label}-0123456789")
}

/// The file that is applied: `base_urls` in the order of [`VENDORS`].
pub(super) fn provisioning(base_urls: &[String], secrets: &Secrets) -> String {
    let vendors = VENDORS.iter().zip(base_urls).map(|(vendor, base_url)| {
        let (main, spare) = (vendor_key(vendor, "main"), vendor_key(vendor, "spare"));
        format!(
            r#"[[providers]]
name = "{vendor}"
protocol = "openai"
base_url = "{base_url}"
keys = [ {{ label = "main", secret = "{main}" }}, {{ label = "spare", secret = "{spare}", weight = 50 }} ]

"#
        )
    });
    let people = PEOPLE.iter().zip(&secrets.people).map(|(person, key)| {
        let models: Vec<String> = person
            .models
            .iter()
            .map(|(m, _)| format!("{m:?}"))
            .collect();
        api_key(person.name, key.expose(), &models.join(", "))
    });
    let guest = api_key("guest", secrets.guest.expose(), "\"*\"");
    vendors
        .chain([MODELS.to_owned()])
        .chain(people)
        .chain([guest])
        .collect()
}

fn api_key(name: &str, secret: &str, models: &str) -> String {
    let tag = if name.contains('.') {
        "people"
    } else {
        "services"
    };
    format!(
        "\n[[api_keys]]\nname = \"{name}\"\nsecret = \"{secret}\"\nmodels = [{models}]\ntags = [\"{tag}\"]\n"
    )
}

const MODELS: &str = r#"[[models]]
name = "atlas-large"
kind = "chat"
modalities = ["text", "image", "file"]
tools = true
context_length = 200000
max_output_tokens = 32000
aliases = ["large"]
targets = [ { provider = "atlas", upstream_model = "atlas-large-2026-08", priority = 1, weight = 100 }, { provider = "cedar", upstream_model = "atlas-large", priority = 2, weight = 100 } ]
price = { currency = "USD", input = "2.50", cached_input = "0.25", output = "10.00" }

[[models]]
name = "atlas-mini"
kind = "chat"
modalities = ["text", "image"]
tools = true
context_length = 128000
max_output_tokens = 16384
aliases = ["mini", "default"]
targets = [ { provider = "atlas", upstream_model = "atlas-mini-2026-08", priority = 1, weight = 70 }, { provider = "cedar", upstream_model = "atlas-mini", priority = 1, weight = 30 } ]
price = { currency = "USD", input = "0.15", cached_input = "0.075", output = "0.60" }

[[models]]
name = "cedar-think"
kind = "chat"
modalities = ["text"]
tools = true
context_length = 256000
max_output_tokens = 64000
targets = [ { provider = "cedar", upstream_model = "think-2", priority = 1, weight = 100 } ]
price = { currency = "USD", input = "1.10", cached_input = "0.55", output = "4.40" }

[[models]]
name = "cedar-embed"
kind = "embedding"
context_length = 8192
targets = [ { provider = "cedar", upstream_model = "embed-3", priority = 1, weight = 100 } ]
price = { currency = "USD", input = "0.02", output = "0" }

[[models]]
name = "jade-plus"
kind = "chat"
modalities = ["text", "image", "video"]
tools = true
context_length = 131072
max_output_tokens = 16384
targets = [ { provider = "jade", upstream_model = "jade-plus-2026-06", priority = 1, weight = 100 } ]
price = { currency = "CNY", input = "2.00", cached_input = "0.40", output = "8.00" }

[[models]]
name = "jade-turbo"
kind = "chat"
modalities = ["text"]
tools = true
context_length = 1000000
max_output_tokens = 16384
aliases = ["turbo"]
targets = [ { provider = "jade", upstream_model = "jade-turbo-2026-06", priority = 1, weight = 100 } ]
price = { currency = "CNY", input = "0.30", cached_input = "0.06", output = "0.60" }

[[models]]
name = "jade-preview"
kind = "chat"
context_length = 131072
max_output_tokens = 16384
targets = [ { provider = "jade", upstream_model = "jade-next-preview", priority = 1, weight = 100 } ]
"#;
