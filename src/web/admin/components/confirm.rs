//! The question before something is gone: a dialog where htmx asks, a page of its own otherwise.

use askama::Template;

use crate::web::page::{Page, PageResult};
use crate::web::shell::Shell;

#[derive(Template)]
#[template(path = "_ui/confirm.html", blocks = ["dialog"])]
struct ConfirmView<'a> {
    page: &'a Shell,
    question: &'a Question,
}

/// What is asked, in the person's language.
pub(in crate::web) struct Question {
    /// The question, naming the thing.
    pub(in crate::web) title: String,
    /// What will happen.
    pub(in crate::web) body: String,
    /// What the button says.
    pub(in crate::web) button: String,
    /// Where the form posts to.
    pub(in crate::web) action: String,
    /// Where Cancel goes.
    pub(in crate::web) back: String,
    /// The name to type, empty where none has to be.
    pub(in crate::web) typed: String,
    /// What was wrong with the typed name.
    pub(in crate::web) typed_error: String,
    /// What the form takes along: name and value.
    pub(in crate::web) along: Vec<(&'static str, String)>,
    /// What else has to be decided.
    pub(in crate::web) choice: Option<Choice>,
}

/// A list to choose from.
pub(in crate::web) struct Choice {
    /// The field.
    pub(in crate::web) name: &'static str,
    /// What it asks.
    pub(in crate::web) label: String,
    /// Values and their texts; the first is chosen.
    pub(in crate::web) options: Vec<(String, String)>,
}

/// Asks.
pub(in crate::web) fn ask<G>(page: &Page<G>, question: &Question) -> PageResult {
    let view = ConfirmView { page, question };
    if question.typed_error.is_empty() {
        page.show_or(&view, &view.as_dialog())
    } else {
        page.invalid_or(&view, &view.as_dialog())
    }
}
