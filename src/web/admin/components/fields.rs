//! Reads checked values out of a posted form, noting in its state what is wrong.

use std::ops::RangeInclusive;

use futures_util::future::BoxFuture;
use modelgate_domain::money::parse_nanos;
use modelgate_store::changes::{self, Change};
use modelgate_store::{Conn, StoreError};
use serde_json::Value;

use super::version::{self, Changed};
use crate::i18n::ToArg;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::{Form, FormState};
use crate::web::page::{Known, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// A posted form on its way to becoming data.
pub(in crate::web::admin) struct Fields<'a> {
    page: &'a Shell,
    form: &'a Form,
    /// What the form shows if it comes back.
    pub(in crate::web::admin) state: FormState,
}

impl<'a> Fields<'a> {
    pub(in crate::web::admin) fn new(page: &'a Shell, form: &'a Form) -> Self {
        Self {
            page,
            form,
            state: form.state(),
        }
    }

    /// Notes the text of `key` as what is wrong with a field.
    pub(in crate::web::admin) fn fail(&mut self, name: &str, key: &str) {
        self.state.fail(name, self.page.t(key));
    }

    /// The same for a text with values.
    pub(in crate::web::admin) fn fail_with(
        &mut self,
        name: &str,
        key: &str,
        args: &[(&str, &dyn ToArg)],
    ) {
        self.state.fail(name, self.page.t_with(key, args));
    }

    /// The text of a field, after `check`.
    pub(in crate::web::admin) fn text<E>(
        &mut self,
        name: &str,
        check: impl Fn(&str) -> Result<(), E>,
        key: &str,
    ) -> String {
        let text = self.form.text(name);
        if check(text).is_err() {
            self.fail(name, key);
        }
        text.to_owned()
    }

    /// A whole number within `bounds`.
    pub(in crate::web::admin) fn number(
        &mut self,
        name: &str,
        bounds: &RangeInclusive<i64>,
    ) -> i64 {
        match self.form.text(name).parse() {
            Ok(number) if bounds.contains(&number) => number,
            _ => {
                let (low, high) = (bounds.start().to_string(), bounds.end().to_string());
                let bounds_told: [(&str, &dyn ToArg); 2] = [("low", &low), ("high", &high)];
                self.fail_with(name, "admin-provider-bad-number", &bounds_told);
                *bounds.start()
            }
        }
    }

    /// A whole number within `bounds`, or nothing where the field is empty.
    pub(in crate::web::admin) fn optional_number(
        &mut self,
        name: &str,
        bounds: &RangeInclusive<i64>,
    ) -> Option<i64> {
        (!self.form.text(name).is_empty()).then(|| self.number(name, bounds))
    }

    /// An amount per million tokens, in nano-units.
    pub(in crate::web::admin) fn nanos(&mut self, name: &str) -> i64 {
        parse_nanos(self.form.text(name)).unwrap_or_else(|_bad| {
            self.fail(name, "admin-model-bad-money");
            0
        })
    }

    /// An amount, or nothing where the field is empty.
    pub(in crate::web::admin) fn optional_nanos(&mut self, name: &str) -> Option<i64> {
        (!self.form.text(name).is_empty()).then(|| self.nanos(name))
    }

    /// `Ok` where nothing was wrong.
    pub(in crate::web::admin) fn finish<T>(self, data: T) -> Result<T, FormState> {
        if self.state.is_valid() {
            Ok(data)
        } else {
            Err(self.state)
        }
    }
}

/// Why a change was not made.
pub(in crate::web::admin) enum Refused {
    /// What the person wrote cannot be kept: the field, and the key of the text that says why.
    Field(&'static str, &'static str),
    /// Somebody else has changed it since the form was opened.
    Changed(Box<Changed>),
    /// Anything that is not the person's doing.
    Failed(PageError),
}

impl From<PageError> for Refused {
    fn from(error: PageError) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        let taken = [
            ("providers", "name", "name", "admin-provider-taken-name"),
            (
                "provider_keys",
                "provider_id_label",
                "label",
                "admin-provider-taken-label",
            ),
            ("models", "name", "name", "admin-model-taken-name"),
            (
                "model_aliases",
                "alias",
                "aliases",
                "admin-model-taken-alias",
            ),
            (
                "targets",
                "model_id_provider_id_upstream_model",
                "upstream_model",
                "admin-model-taken-target",
            ),
            ("api_keys", "name", "name", "admin-api-key-taken-name"),
            (
                "users",
                "username",
                "username",
                "admin-users-taken-username",
            ),
        ];
        taken
            .iter()
            .find(|(table, column, _, _)| error.is_conflict(table, column))
            .map_or_else(
                || Self::Failed(error.into()),
                |(_, _, field, key)| Self::Field(field, key),
            )
    }
}

/// Runs a change in one transaction; what the person did wrong comes back as the state of the form. No other change of
/// the configuration happens meanwhile, so that what `work` reads first is what it changes.
pub(in crate::web::admin) async fn save<T, F>(
    page: &Shell,
    state: &WebState,
    form: &Form,
    work: F,
) -> Result<Result<T, FormState>, PageError>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut Conn) -> BoxFuture<'c, Result<T, Refused>> + Send + 'static,
{
    let done = state.db.write(move |c| {
        Box::pin(async move {
            changes::lock(c).await?;
            work(c).await
        })
    });
    match done.await {
        Ok(done) => Ok(Ok(done)),
        Err(Refused::Changed(changed)) => Ok(Err(version::refused(page, form, *changed))),
        Err(Refused::Field(field, key)) => {
            let mut form_state = form.state();
            form_state.fail(field, page.t(key));
            Ok(Err(form_state))
        }
        Err(Refused::Failed(error)) => Err(error),
    }
}

/// The answer to a posted form: off to `to`, where `text` is told, or the form again.
pub(in crate::web::admin) fn answer(
    page: &Page<impl Known>,
    saved: Result<(), FormState>,
    (to, text): (&str, String),
    again: impl FnOnce(FormState) -> PageResult,
) -> PageResult {
    match saved {
        Ok(()) => page.redirect_with(to, &Toast::success(text)),
        Err(form_state) => again(form_state),
    }
}

/// The audit line of a change made on a page; `before` and `after` hold no secrets.
pub(in crate::web::admin) fn change(
    page: &Page<impl Known>,
    state: &WebState,
    action: &str,
    object: String,
    after: Option<Value>,
) -> Change {
    Change {
        at: state.clock.now(),
        actor: page.actor().to_owned(),
        actor_address: page.peer.address.to_string(),
        action: action.to_owned(),
        object,
        before: None,
        after,
        reason: String::new(),
    }
}

/// A coloured dot and its word.
#[derive(Clone, Debug)]
pub(in crate::web::admin) struct Dot {
    pub(in crate::web::admin) kind: &'static str,
    pub(in crate::web::admin) text: String,
}

impl Dot {
    pub(in crate::web::admin) fn new(kind: &'static str, text: String) -> Self {
        Self { kind, text }
    }
}
