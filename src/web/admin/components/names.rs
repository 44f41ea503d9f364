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
}

impl Names {
    /// Reads all names.
    pub(in crate::web) async fn read(c: &mut Conn) -> Result<Self, StoreError> {
        Ok(Self {
            providers: by_id(providers::names(c).await?, |id| id.0),
            models: by_id(models::names(c).await?, |id| id.0),
            keys: by_id(api_keys::names(c).await?, |id| id.0),
            credentials: by_id(provider_keys::names(c).await?, |id| id.0),
        })
    }
}

impl Names {
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
