//! Reports of use: which are made by themselves.

use super::variable::{Fallback, Kind, Variable, variable};
use super::{ConfigError, Given};

pub(super) const SCHEDULE: Variable = variable(
    "MODELGATE_REPORT_SCHEDULE",
    Kind::Choice(&["off", "weekly", "monthly"]),
    Fallback::Text("off"),
    "Which reports of use are made by themselves: of the last week, on Mondays, or of the last month, on the first.",
)
.setting("report_schedule");
pub(super) const LANGUAGE: Variable = variable(
    "MODELGATE_REPORT_LANGUAGE",
    Kind::Choice(&["en", "zh"]),
    Fallback::Text("en"),
    "The language of reports that are made by themselves.",
)
.setting("report_language");

pub(super) const TEMPLATE: Variable = variable(
    "MODELGATE_REPORT_TEMPLATE",
    Kind::Choice(&["full", "brief", "people"]),
    Fallback::Text("full"),
    "Which chapters reports have that are made by themselves: all, those for who pays, or who used what with the awards.",
)
.setting("report_template");

/// What is made by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reports {
    /// `MODELGATE_REPORT_SCHEDULE`: `off`, `weekly` or `monthly`.
    pub schedule: String,
    /// `MODELGATE_REPORT_LANGUAGE`: `en` or `zh`.
    pub language: String,
    /// `MODELGATE_REPORT_TEMPLATE`: `full`, `brief` or `people`.
    pub template: String,
}

impl Reports {
    pub(super) fn read(given: &Given) -> Result<Self, ConfigError> {
        let text = |variable| given.parse(variable, |text| Ok(text.to_owned()));
        Ok(Self {
            schedule: text(&SCHEDULE)?,
            language: text(&LANGUAGE)?,
            template: text(&TEMPLATE)?,
        })
    }

    /// Puts a saved text, which is in order, into its field. False where it has none here.
    pub(super) fn set(&mut self, variable: &Variable, text: &str) -> bool {
        let field = match variable.setting {
            Some("report_schedule") => &mut self.schedule,
            Some("report_language") => &mut self.language,
            Some("report_template") => &mut self.template,
            _ => return false,
        };
        text.clone_into(field);
        true
    }
}
