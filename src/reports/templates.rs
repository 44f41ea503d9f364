//! Which chapters a report has, and in which order.

use serde::{Deserialize, Serialize};

/// A chapter of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// What happened, in words, and the figures at a glance.
    Summary,
    /// What should be looked at.
    Advice,
    /// Over time.
    Trends,
    /// Who used what, the most active ones.
    People,
    /// Models and providers.
    Models,
    /// Cost, each currency for itself.
    Money,
    /// Errors and durations.
    Reliability,
    /// Limits that were met.
    Limits,
    /// The busiest hours.
    Hours,
    /// Fun awards.
    Awards,
    /// Every key.
    Keys,
    /// Every key, and what the words mean.
    Appendix,
}

impl Section {
    /// Whether it is there although nothing was used.
    pub const fn is_always_there(self) -> bool {
        matches!(self, Self::Summary | Self::Advice | Self::Appendix)
    }
}

/// What a report is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Everything.
    #[default]
    Full,
    /// What those who pay want to know.
    Brief,
    /// Who used what, and the awards.
    People,
}

impl Template {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Brief, Self::People];

    /// The name in forms, arguments and names of files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Brief => "brief",
            Self::People => "people",
        }
    }

    /// The template of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|template| template.as_str() == name)
    }

    /// Whether nothing is left out.
    pub const fn is_full(&self) -> bool {
        matches!(self, Self::Full)
    }

    /// Its chapters, in order.
    pub const fn sections(self) -> &'static [Section] {
        use Section::{
            Advice, Appendix, Awards, Hours, Keys, Limits, Models, Money, People, Reliability,
            Summary, Trends,
        };
        match self {
            Self::Full => &[
                Summary,
                Advice,
                Trends,
                People,
                Models,
                Money,
                Reliability,
                Limits,
                Hours,
                Awards,
                Appendix,
            ],
            Self::Brief => &[Summary, Advice, Trends, Money, Reliability],
            Self::People => &[Summary, People, Awards, Keys],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for template in Template::ALL {
            assert_eq!(Template::parse(template.as_str()), Some(template));
            assert_eq!(
                serde_json::to_string(&template).unwrap(),
                format!("\"{}\"", template.as_str())
            );
        }
        assert_eq!(Template::parse("monthly"), None);
    }
}
