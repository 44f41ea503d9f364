//! Which key a page of the portal is about: never one that is not the holder's.

use std::sync::Arc;

use modelgate_domain::ApiKeyId;

use crate::catalog::{ApiKey, Catalog};
use crate::web::error::PageError;
use crate::web::form::Form;
use crate::web::page::Holder;

/// The holder's keys, and the one that the page is about.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The key.
    pub(super) key: Arc<ApiKey>,
    /// All of them with their names, where there are several to choose from.
    pub(super) choices: Vec<(ApiKeyId, String)>,
}

impl Own {
    /// The key that `asked` names: what is not the holder's is as unknown as what never was. Where none is asked for, the
    /// first of them; none where there is none.
    pub(super) fn of(
        holder: &Holder,
        catalog: &Catalog,
        asked: Option<i64>,
    ) -> Result<Option<Self>, PageError> {
        let is_own = |key: &ApiKey| match holder {
            Holder::Key(current) => key.id == current.id,
            Holder::Account(user) => key.user_id == user.id,
        };
        let mut keys: Vec<_> = catalog.keys.values().filter(|key| is_own(key)).collect();
        keys.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let found = match asked {
            Some(id) => {
                let wanted = keys.iter().find(|key| key.id.0 == id);
                Some(wanted.ok_or(PageError::NotFound)?)
            }
            None => keys.first(),
        };
        let choices = keys.iter().map(|key| (key.id, key.name.to_string()));
        Ok(found.map(|key| Self {
            choices: choices.collect(),
            key: Arc::clone(key),
        }))
    }

    /// The same for what is nothing without a key.
    pub(super) fn must(
        holder: &Holder,
        catalog: &Catalog,
        asked: Option<i64>,
    ) -> Result<Self, PageError> {
        Self::of(holder, catalog, asked)?.ok_or(PageError::NotFound)
    }

    /// Whether a key is one of the holder's.
    pub(super) fn has(&self, key: ApiKeyId) -> bool {
        self.choices.iter().any(|(own, _)| *own == key)
    }
}

/// The key that a posted form asks for; what is no number names no key, which is not the same as to ask for none.
pub(super) fn asked(form: &Form) -> Option<i64> {
    let text = form.text("key");
    (!text.is_empty()).then(|| text.parse().unwrap_or(ApiKeyId::NONE.0))
}
