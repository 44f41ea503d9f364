//! Which key a page of the portal is about: never one that is not the holder's.

use std::sync::Arc;

use modelgate_domain::ApiKeyId;

use crate::catalog::{ApiKey, Catalog};
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
    /// The key that `asked` names among those of the holder, or the first of them; none where there is none.
    pub(super) fn of(holder: &Holder, catalog: &Catalog, asked: Option<i64>) -> Option<Self> {
        let is_own = |key: &ApiKey| match holder {
            Holder::Key(current) => key.id == current.id,
            Holder::Account(user) => key.user_id == user.id,
        };
        let mut keys: Vec<_> = catalog.keys.values().filter(|key| is_own(key)).collect();
        keys.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let wanted = keys.iter().find(|key| Some(key.id.0) == asked);
        let key = Arc::clone(wanted.or_else(|| keys.first())?);
        let choices = keys.iter().map(|key| (key.id, key.name.to_string()));
        Some(Self {
            choices: choices.collect(),
            key,
        })
    }

    /// Whether a key is one of the holder's.
    pub(super) fn has(&self, key: ApiKeyId) -> bool {
        self.choices.iter().any(|(own, _)| *own == key)
    }
}
