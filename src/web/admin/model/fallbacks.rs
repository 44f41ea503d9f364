//! The models that take over for another, as rows of its form.

use modelgate_domain::{Cause, ModelId};
use serde_json::{Value, json};

use crate::web::admin::components::fields::Fields;
use crate::web::admin::components::rows;
use crate::web::form::FormState;

const PREFIX: &str = "fallback";

/// One row as the page shows it.
pub(super) struct FallbackRow {
    /// What its fields' names begin with.
    pub(super) at: String,
    pub(super) is_new: bool,
    pub(super) model: String,
    pub(super) cause: String,
    pub(super) error: String,
}

/// Presets the rows of what is stored, and a spare one.
pub(super) fn stored(state: FormState, fallbacks: &[(ModelId, Cause)]) -> FormState {
    let mut state = state;
    for (n, (model, cause)) in fallbacks.iter().enumerate() {
        state = state
            .with(&format!("{PREFIX}-{n}-model"), model.to_string())
            .with(&format!("{PREFIX}-{n}-cause"), cause.as_str());
    }
    state.with(&format!("{PREFIX}-{}-model", fallbacks.len()), "")
}

/// The rows of a form.
pub(super) fn view(state: &FormState) -> Vec<FallbackRow> {
    let row = |(at, is_new): (String, bool)| FallbackRow {
        is_new,
        model: state.value(&format!("{at}-model")).to_owned(),
        cause: state.value(&format!("{at}-cause")).to_owned(),
        error: state.error(&at).to_owned(),
        at,
    };
    rows::shown(state, PREFIX, "model")
        .into_iter()
        .map(row)
        .collect()
}

/// The fallbacks of a posted form, in their order; a row without a model is none.
pub(super) fn read(fields: &mut Fields<'_>, others: &[(ModelId, String)]) -> Vec<(ModelId, Cause)> {
    let mut found = Vec::new();
    let all: Vec<String> = rows::rows(&fields.state, PREFIX, "model").collect();
    for at in all {
        let model = fields.state.value(&format!("{at}-model"));
        if model.is_empty() {
            continue;
        }
        let known = others.iter().find(|(id, _)| id.to_string() == model);
        let cause = fields.state.value(&format!("{at}-cause")).parse::<Cause>();
        match (known, cause) {
            (Some((id, _)), Ok(cause)) if found.contains(&(*id, cause)) => {
                fields.fail(&at, "admin-model-fallback-twice");
            }
            (Some((id, _)), Ok(cause)) => found.push((*id, cause)),
            _ => fields.fail(&at, "admin-model-bad-choice"),
        }
    }
    found
}

/// What the audit log keeps of them.
pub(super) fn audited(fallbacks: &[(ModelId, Cause)], others: &[(ModelId, String)]) -> Value {
    let name = |id: ModelId| {
        others
            .iter()
            .find(|(other, _)| *other == id)
            .map(|(_, n)| n)
    };
    let entry = |(id, cause): &(ModelId, Cause)| json!({ "model": name(*id), "cause": cause });
    fallbacks.iter().map(entry).collect()
}
