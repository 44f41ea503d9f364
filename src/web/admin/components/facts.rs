//! What is said of a model by somebody else, compared with what is known here.

use modelgate_domain::Modalities;
use modelgate_store::models::{Model, ModelData};
use serde_json::{Value, json};

use crate::i18n::{ToArg, format};
use crate::probe::Offer;
use crate::vendors::catalogue::Entry;
use crate::web::shell::Shell;

/// What can be known of a model; what is not known is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web::admin) struct Facts {
    pub(in crate::web::admin) context_length: Option<i64>,
    pub(in crate::web::admin) max_output_tokens: Option<i64>,
    pub(in crate::web::admin) modalities: Modalities,
    pub(in crate::web::admin) tools: Option<bool>,
}

macro_rules! facts_of {
    ($($from:ty),*) => {$(
        impl From<&$from> for Facts {
            fn from(from: &$from) -> Self {
                Self {
                    context_length: from.context_length,
                    max_output_tokens: from.max_output_tokens,
                    modalities: from.modalities,
                    tools: from.tools,
                }
            }
        }
    )*};
}
facts_of!(Model, ModelData, Offer, Entry);

impl Facts {
    /// Of these, what is not known `here`.
    pub(in crate::web::admin) fn missing(&self, here: &Self) -> Self {
        self.which(|mine, theirs| mine && !theirs, here)
    }

    /// Of these, what is known otherwise `here`.
    pub(in crate::web::admin) fn otherwise(&self, here: &Self) -> Self {
        let both = self.which(|mine, theirs| mine && theirs, here);
        Self {
            context_length: both
                .context_length
                .filter(|_| both.context_length != here.context_length),
            max_output_tokens: both
                .max_output_tokens
                .filter(|_| both.max_output_tokens != here.max_output_tokens),
            modalities: if both.modalities == here.modalities {
                Modalities::default()
            } else {
                both.modalities
            },
            tools: both.tools.filter(|_| both.tools != here.tools),
        }
    }

    /// These, and what `more` says beside them.
    pub(in crate::web::admin) fn and(&self, more: &Self) -> Self {
        Self {
            context_length: self.context_length.or(more.context_length),
            max_output_tokens: self.max_output_tokens.or(more.max_output_tokens),
            modalities: if self.modalities.is_unknown() {
                more.modalities
            } else {
                self.modalities
            },
            tools: self.tools.or(more.tools),
        }
    }

    /// A model with these in place of what it had.
    pub(in crate::web::admin) fn over(&self, data: ModelData) -> ModelData {
        let all = self.and(&Self::from(&data));
        ModelData {
            context_length: all.context_length,
            max_output_tokens: all.max_output_tokens,
            modalities: all.modalities,
            tools: all.tools,
            ..data
        }
    }

    pub(in crate::web::admin) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What the audit log keeps of them.
    pub(in crate::web::admin) fn audited(&self) -> Value {
        json!({
            "context_length": self.context_length, "max_output_tokens": self.max_output_tokens,
            "modalities": self.modalities.to_string(), "tools": self.tools,
        })
    }

    /// Each of these in a sentence, beside what is known `here` of the model.
    pub(in crate::web::admin) fn beside(
        &self,
        here: &Self,
        (page, model): (&Shell, &str),
    ) -> Vec<String> {
        let pairs = self.texts(page).into_iter().zip(here.texts(page));
        let told = pairs.filter_map(|((what, there), (_, here))| {
            let here = here.unwrap_or_else(|| page.t("state-unknown"));
            let (what, there) = (page.t(what), there?);
            let args: [(&str, &dyn ToArg); 4] = [
                ("what", &what),
                ("model", &model),
                ("here", &here),
                ("there", &there),
            ];
            Some(page.t_with("admin-provider-models-differs", &args))
        });
        told.collect()
    }

    /// The name of each fact, and what is known of it.
    fn texts(&self, page: &Shell) -> [(&'static str, Option<String>); 4] {
        let kinds: Vec<String> = self
            .modalities
            .iter()
            .map(|kind| page.t_code("modality-", kind.as_str()))
            .collect();
        let does = |yes: bool| page.t(if yes { "state-yes" } else { "state-no" });
        [
            (
                "admin-model-context-length",
                self.context_length.map(format::integer),
            ),
            (
                "admin-model-max-output",
                self.max_output_tokens.map(format::integer),
            ),
            (
                "admin-model-modalities",
                (!kinds.is_empty()).then(|| kinds.join(", ")),
            ),
            ("admin-model-tools", self.tools.map(does)),
        ]
    }

    fn which(&self, keeps: impl Fn(bool, bool) -> bool, here: &Self) -> Self {
        let numbers =
            |mine: Option<i64>, theirs: Option<i64>| mine.filter(|_| keeps(true, theirs.is_some()));
        Self {
            context_length: numbers(self.context_length, here.context_length),
            max_output_tokens: numbers(self.max_output_tokens, here.max_output_tokens),
            modalities: if keeps(!self.modalities.is_unknown(), !here.modalities.is_unknown()) {
                self.modalities
            } else {
                Modalities::default()
            },
            tools: self.tools.filter(|_| keeps(true, here.tools.is_some())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    fn facts(context: Option<i64>, modalities: &str, tools: Option<bool>) -> Facts {
        Facts {
            context_length: context,
            max_output_tokens: None,
            modalities: modalities.parse().unwrap(),
            tools,
        }
    }

    #[test]
    fn what_is_missing_and_what_differs_are_two_things() {
        let there = facts(Some(200), "text,image", Some(true));
        let here = facts(Some(100), "", Some(true));
        assert_eq!(there.missing(&here), facts(None, "text,image", None));
        assert_eq!(there.otherwise(&here), facts(Some(200), "", None));
        assert!(facts(None, "", None).missing(&here).is_empty());
        assert!(there.otherwise(&there).is_empty());
        let taken = there.missing(&here).over(ModelData {
            context_length: Some(100),
            ..ModelData::default()
        });
        assert_eq!(taken.context_length, Some(100), "what was set stays");
        assert_eq!(taken.modalities, there.modalities);
    }

    #[test]
    fn each_is_told_beside_what_is_here() {
        let page = Shell::sample(Lang::ALL[0]);
        let there = facts(Some(128_000), "", Some(false));
        let told = there.beside(&Facts::default(), (&page, "gpt-x"));
        assert_eq!(
            told,
            [
                "Context length, tokens of gpt-x: not known → 128,000",
                "Calls tools of gpt-x: not known → no"
            ]
        );
    }
}
