//! The end of a thing: the question on its page, and what happens when it is answered.

use actix_web::web::Data;
use futures_util::future::BoxFuture;
use modelgate_store::changes::{self, Change};
use modelgate_store::{Conn, StoreError};
use serde_json::Value;

use super::confirm::Question;
use super::fields::change;
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::page::{Known, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// One kind of thing that ends: the beginning of its texts' keys, and the name of the value in them.
#[derive(Clone, Copy, Debug)]
pub(in crate::web::admin) struct Ending {
    /// `admin-model-delete-` has `title`, `body` and `button`.
    pub(in crate::web::admin) texts: &'static str,
    /// The toast afterwards.
    pub(in crate::web::admin) done: &'static str,
    /// The name in both.
    pub(in crate::web::admin) value: &'static str,
    /// What the audit log calls it.
    pub(in crate::web::admin) action: &'static str,
}

/// What ends.
pub(in crate::web::admin) struct Ended {
    pub(in crate::web::admin) name: String,
    /// What the audit log calls it.
    pub(in crate::web::admin) object: String,
    /// What it was, without secrets.
    pub(in crate::web::admin) before: Option<Value>,
    /// Where to go afterwards.
    pub(in crate::web::admin) to: String,
}

impl Ending {
    /// The question; `action` is where its form posts to and `back` where Cancel goes, both below the base path.
    pub(in crate::web::admin) fn question(
        &self,
        page: &Shell,
        name: &str,
        (action, back): (&str, &str),
    ) -> Question {
        let texts = self.texts;
        Question {
            title: page.t1(&format!("{texts}title"), self.value, name),
            body: page.t(&format!("{texts}body")),
            button: page.t(&format!("{texts}button")),
            action: page.url(action),
            back: page.url(back),
            typed: String::new(),
            typed_error: String::new(),
            along: Vec::new(),
            choice: None,
        }
    }

    /// Ends it, notes that, and says so where the list is.
    pub(in crate::web::admin) async fn end<F>(
        &self,
        page: &Page<impl Known>,
        state: &Data<WebState>,
        ended: Ended,
        work: F,
    ) -> PageResult
    where
        F: for<'c> FnOnce(&'c mut Conn, &'c Change) -> BoxFuture<'c, Result<(), StoreError>>
            + Send
            + 'static,
    {
        let mut entry = change(page, state, self.action, ended.object, None);
        entry.before = ended.before;
        state
            .db
            .write(move |c| {
                Box::pin(async move {
                    changes::lock(c).await?;
                    work(c, &entry).await?;
                    changes::record(c, &entry).await?;
                    Ok::<_, PageError>(())
                })
            })
            .await?;
        let toast = Toast::success(page.t1(self.done, self.value, ended.name));
        page.redirect_with(&ended.to, &toast)
    }
}
