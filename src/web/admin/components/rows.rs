//! Forms with as many rows as wanted: the fields of row 3 of `budget` are called `budget-3-…`.
//!
//! A button named `more` posts the form to get one more row; nothing is saved then.

use crate::web::form::FormState;

/// The button's name.
const MORE: &str = "more";
/// No form has more rows than this.
const MOST: usize = 200;

/// Whether the form was posted for another row and not to be saved.
pub(in crate::web::admin) fn wants_more(state: &FormState) -> bool {
    !state.value(MORE).is_empty()
}

/// The rows that a form holds: `budget-0`, `budget-1`. Every row has the field `first`.
pub(in crate::web::admin) fn rows(
    state: &FormState,
    prefix: &'static str,
    first: &'static str,
) -> impl Iterator<Item = String> {
    (0..MOST)
        .map(move |n| format!("{prefix}-{n}"))
        .take_while(move |at| state.is_checked(&format!("{at}-{first}")))
}

/// The rows that the page shows, and for each whether it was asked for just now.
pub(in crate::web::admin) fn shown(
    state: &FormState,
    prefix: &'static str,
    first: &'static str,
) -> Vec<(String, bool)> {
    let mut all: Vec<_> = rows(state, prefix, first).map(|at| (at, false)).collect();
    if state.value(MORE) == prefix && all.len() < MOST {
        all.push((format!("{prefix}-{}", all.len()), true));
    }
    all
}
