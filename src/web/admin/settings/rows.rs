//! One setting as the page shows it.

use modelgate_store::audit::Entry;

use crate::config::{Fallback, Kind, Origin, Setting, Variable, registry};
use crate::i18n::format;
use crate::web::admin::components::version;
use crate::web::form::FormState;
use crate::web::shell::{Moment, Shell};

/// A setting, ready to be shown.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The key in `settings`; empty where a restart is needed.
    pub(super) key: &'static str,
    pub(super) help: String,
    pub(super) value: String,
    /// What holds where nobody says anything; empty for nothing.
    pub(super) default: &'static str,
    pub(super) origin: &'static str,
    pub(super) origin_kind: &'static str,
    pub(super) rule: String,
    pub(super) error: String,
    /// The version of what is shown, or the form that came back.
    pub(super) state: FormState,
    pub(super) input: &'static str,
    pub(super) choices: &'static [&'static str],
    pub(super) bounds: Option<(u64, u64)>,
    /// Who saved or reset it last: said in words, and when.
    pub(super) changed: Option<(String, Moment)>,
}

/// Who changed a setting last.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    object: String,
    actor: String,
    at_ms: i64,
}

impl From<Entry> for Changed {
    fn from(entry: Entry) -> Self {
        Self {
            object: entry.object,
            actor: entry.actor,
            at_ms: entry.at.timestamp_millis(),
        }
    }
}

/// What the audit log calls a setting.
pub(super) fn object(key: &str) -> String {
    format!("setting {key}")
}

/// What it calls all of them.
pub(super) fn objects() -> Vec<String> {
    let keys = registry().iter().filter_map(|variable| variable.setting);
    keys.map(object).collect()
}

/// The field of what is stored.
pub(super) fn stored(setting: &Setting) -> FormState {
    FormState::default().with("value", setting.value.clone().unwrap_or_default())
}

/// The row of a setting.
pub(super) fn row(page: &Shell, setting: &Setting, changed: &[Changed]) -> Row {
    let variable = setting.variable;
    let slug = variable.name.to_ascii_lowercase().replace('_', "-");
    let (input, choices, bounds) = match variable.kind {
        Kind::Choice(words) => ("select", words, None),
        Kind::Integer { min, max } | Kind::Seconds { min, max } => {
            ("number", &[][..], Some((min, max)))
        }
        Kind::Markdown { .. } => ("area", &[][..], None),
        Kind::Link => ("url", &[][..], None),
        _ => ("text", &[][..], None),
    };
    let key = variable.setting.unwrap_or("");
    let sought = object(key);
    let last = changed.iter().find(|one| one.object == sought);
    Row {
        name: variable.name,
        key,
        state: version::stamped(stored(setting), &sought),
        help: page.t(&format!("admin-settings-help-{slug}")),
        value: setting.value.clone().unwrap_or_default(),
        default: variable.default_text(),
        origin: origin(setting.origin),
        origin_kind: origin_kind(setting.origin),
        rule: rule(page, variable),
        error: setting
            .problem
            .as_ref()
            .map(|_| page.t("admin-settings-saved-unusable"))
            .unwrap_or_default(),
        input,
        choices,
        bounds,
        changed: last.map(|one| {
            let said = page.t1("admin-settings-changed", "who", &one.actor);
            (said, page.moment(one.at_ms))
        }),
    }
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "default",
        Origin::Environment => "environment",
        Origin::DotEnv => "dotenv",
        Origin::Database => "database",
    }
}

fn origin_kind(origin: Origin) -> &'static str {
    match origin {
        Origin::Default => "muted",
        Origin::Environment | Origin::DotEnv => "success",
        Origin::Database => "info",
    }
}

/// What a value of a setting has to look like, in words.
pub(super) fn rule(page: &Shell, variable: &Variable) -> String {
    match (variable.kind, variable.fallback) {
        (Kind::Text { max }, Fallback::Text(_)) => page.t1("admin-settings-rule-name", "max", max),
        (kind, _) => rule_of(page, kind),
    }
}

fn rule_of(page: &Shell, kind: Kind) -> String {
    match kind {
        Kind::Integer { min, max } => page.t_with(
            "admin-settings-rule-integer",
            &[("min", &min), ("max", &max)],
        ),
        Kind::Bytes { min, max } => {
            let told = |bytes: u64| format::bytes(i64::try_from(bytes).unwrap_or(i64::MAX));
            page.t_with(
                "admin-settings-rule-bytes",
                &[("min", &told(min)), ("max", &told(max))],
            )
        }
        Kind::Seconds { min, max } => page.t_with(
            "admin-settings-rule-seconds",
            &[("min", &min), ("max", &max)],
        ),
        Kind::Text { max } => page.t1("admin-settings-rule-text", "max", max),
        Kind::Markdown { max } => page.t1("admin-settings-rule-markdown", "max", max),
        Kind::HeaderValue { max } => page.t1("admin-settings-rule-header", "max", max),
        Kind::Choice(words) => page.t1("admin-settings-rule-choice", "words", words.join(", ")),
        Kind::Words(words) => page.t1("admin-settings-rule-words", "words", words.join(", ")),
        Kind::Link => page.t("admin-settings-rule-link"),
        Kind::Origins => page.t("admin-settings-rule-origins"),
        _ => String::new(),
    }
}
