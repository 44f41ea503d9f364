//! The question before something is gone: a dialog where htmx asks, a page of its own otherwise.

use askama::Template;

use crate::web::page::{Admin, Page, PageResult};
use crate::web::shell::Shell;

#[derive(Template)]
#[template(path = "admin/confirm.html", blocks = ["dialog"])]
struct ConfirmView<'a> {
    page: &'a Shell,
    question: &'a Question,
}

/// What is asked, in the person's language.
pub(super) struct Question {
    /// The question, naming the thing.
    pub(super) title: String,
    /// What will happen.
    pub(super) body: String,
    /// What the button says.
    pub(super) button: String,
    /// Where the form posts to.
    pub(super) action: String,
    /// Where Cancel goes.
    pub(super) back: String,
    /// The name to type, empty where none has to be.
    pub(super) typed: String,
    /// What was wrong with the typed name.
    pub(super) typed_error: String,
}

/// Asks.
pub(super) fn ask(page: &Page<Admin>, question: &Question) -> PageResult {
    let view = ConfirmView { page, question };
    if question.typed_error.is_empty() {
        page.show_or(&view, &view.as_dialog())
    } else {
        page.invalid_or(&view, &view.as_dialog())
    }
}
