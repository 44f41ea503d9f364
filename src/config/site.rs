//! What visitors see of the house that runs the gateway, and what vendors see of the gateway.

use super::registry as r;
use super::variable::{Fallback, Kind, Variable, variable};
use super::{Given, parse};
use crate::i18n::Lang;

/// What vendors see as `user-agent` where neither the settings nor the provider say otherwise.
pub const PRODUCT_USER_AGENT: &str = concat!("ModelGate/", env!("CARGO_PKG_VERSION"));

pub(super) const USER_AGENT: Variable = variable(
    "MODELGATE_USER_AGENT",
    Kind::HeaderValue { max: 200 },
    Fallback::Text(PRODUCT_USER_AGENT),
    "What vendors see as the user agent of calls, unless their provider has its own.",
)
.setting("user_agent");
pub(super) const SITE_NAME: Variable = variable(
    "MODELGATE_SITE_NAME",
    Kind::Text { max: 60 },
    Fallback::Text("ModelGate"),
    "What the pages call this gateway.",
)
.setting("site_name");
pub(super) const THEME: Variable = variable(
    "MODELGATE_THEME",
    Kind::Choice(&["system", "light", "dark"]),
    Fallback::Text("system"),
    "How pages look to those who have not chosen: system follows the browser.",
)
.setting("theme");
pub(super) const LANGUAGES: Variable = variable(
    "MODELGATE_LANGUAGES",
    Kind::Words(&["en", "zh"]),
    Fallback::Text("en,zh"),
    "The languages that the pages offer, between commas: en, zh.",
)
.setting("languages");
pub(super) const LANGUAGE: Variable = variable(
    "MODELGATE_LANGUAGE",
    Kind::Choice(&["browser", "en", "zh"]),
    Fallback::Text("browser"),
    "The language of pages for those who have not chosen: browser follows what the browser asks for.",
)
.setting("language");
pub(super) const LANDING_TEXT: Variable = variable(
    "MODELGATE_LANDING_TEXT",
    Kind::Markdown { max: 5_000 },
    Fallback::None,
    "Text of the house on the landing page, in Markdown.",
)
.setting("landing_text");
pub(super) const LANDING_TEXT_ZH: Variable = variable(
    "MODELGATE_LANDING_TEXT_ZH",
    Kind::Markdown { max: 5_000 },
    Fallback::None,
    "The same for those who read Chinese; MODELGATE_LANDING_TEXT where empty.",
)
.setting("landing_text_zh");

pub(super) const ATTACHMENT_MAX_BYTES: Variable = variable(
    "MODELGATE_ATTACHMENT_MAX_BYTES",
    Kind::Bytes {
        min: 1 << 10,
        max: 20 << 20,
    },
    Fallback::Text("5MiB"),
    "Largest file that may be attached to a document.",
)
.setting("attachment_max_bytes");

/// What the pages show of the house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// `MODELGATE_SITE_NAME`.
    pub name: String,
    /// `MODELGATE_THEME`: `system`, `light` or `dark`.
    pub theme: String,
    /// `MODELGATE_LANGUAGES`: never empty.
    pub languages: Vec<Lang>,
    /// `MODELGATE_LANGUAGE`: absent where the browser says.
    pub language: Option<Lang>,
    /// `MODELGATE_LANDING_TEXT`.
    pub landing_text: String,
    /// `MODELGATE_LANDING_TEXT_ZH`.
    pub landing_text_zh: String,
}

impl Default for Site {
    fn default() -> Self {
        Self {
            name: "ModelGate".to_owned(),
            theme: "system".to_owned(),
            languages: Lang::ALL.to_vec(),
            language: None,
            landing_text: String::new(),
            landing_text_zh: String::new(),
        }
    }
}

impl Site {
    pub(super) fn read(given: &Given) -> Self {
        let mut site = Self::default();
        for variable in [
            r::SITE_NAME,
            r::THEME,
            r::LANGUAGES,
            r::LANGUAGE,
            r::LANDING_TEXT,
            r::LANDING_TEXT_ZH,
        ] {
            let text = given.find(&variable).map_or("", |(text, _)| text);
            site.set(&variable, text);
        }
        site
    }

    /// Puts a text, which is in order, into its field. False where it belongs to none.
    pub(super) fn set(&mut self, variable: &Variable, text: &str) -> bool {
        match variable.setting {
            Some("site_name") => text.clone_into(&mut self.name),
            Some("theme") => text.clone_into(&mut self.theme),
            Some("languages") => {
                let named = parse::items(text).filter_map(Lang::parse);
                self.languages = named.collect();
            }
            Some("language") => self.language = Lang::parse(text),
            Some("landing_text") => text.clone_into(&mut self.landing_text),
            Some("landing_text_zh") => text.clone_into(&mut self.landing_text_zh),
            _ => return false,
        }
        true
    }

    /// The text of the landing page for those who read `lang`; empty where there is none.
    pub fn landing(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh if !self.landing_text_zh.is_empty() => &self.landing_text_zh,
            _ => &self.landing_text,
        }
    }
}
