//! Names of the things that log rows and roll-ups point to, deleted ones included.

use std::collections::BTreeMap;

use modelgate_store::{Conn, StoreError, api_keys, models, provider_keys, providers};

/// Names by row.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Names {
    pub(in crate::web) providers: BTreeMap<i64, String>,
    pub(in crate::web) models: BTreeMap<i64, String>,
    pub(in crate::web) keys: BTreeMap<i64, String>,
    pub(in crate::web) credentials: BTreeMap<i64, String>,
    /// Whose each credential is.
    pub(in crate::web) owners: BTreeMap<i64, i64>,
}

impl Names {
    /// Reads all names.
    pub(in crate::web) async fn read(c: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self {
            providers: by_id(providers::names(c).await?, |id| id.0),
            models: by_id(models::names(c).await?, |id| id.0),
            keys: by_id(api_keys::names(c).await?, |id| id.0),
            credentials: by_id(provider_keys::names(c).await?, |id| id.0),
            owners: provider_keys::owners(c)
                .await?
                .into_iter()
                .map(|(credential, provider)| (credential.0, provider.0))
                .collect(),
        })
    }
}

impl Names {
    /// Credentials with the provider in front: labels repeat among providers.
    pub(in crate::web) fn credentials_in_full(&self) -> BTreeMap<i64, String> {
        let full = |(id, label): (&i64, &String)| {
            let owner = self.owners.get(id);
            let provider = owner.and_then(|owner| self.providers.get(owner));
            let text = provider.map_or_else(|| label.clone(), |of| format!("{of} / {label}"));
            (*id, text)
        };
        self.credentials.iter().map(full).collect()
    }

    /// Without what only those who run the gateway call things: credentials keep their numbers alone.
    pub(in crate::web) fn for_holders(mut self) -> Self {
        self.credentials.clear();
        self
    }
}

fn by_id<I>(rows: Vec<(I, String)>, id: impl Fn(I) -> i64) -> BTreeMap<i64, String> {
    rows.into_iter()
        .map(|(key, name)| (id(key), name))
        .collect()
}
