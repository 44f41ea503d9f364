//! The database as the place where records go.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use modelgate_domain::{FaultOwner, RequestId, RequestRecord, Status};
use modelgate_store::drain::{self, Batch, Entry, Outcome};
use modelgate_store::{Db, StoreError};

use super::drain::{Sink, SinkError};

impl From<StoreError> for SinkError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Task(_) => Self::Away(error.to_string()),
            other => Self::Refused(other.to_string()),
        }
    }
}

/// The database, and the zone that budgets go by.
pub(super) struct Database {
    pub(super) db: Db,
    pub(super) zone: Tz,
}

impl Sink for Database {
    async fn positions(&self, instance: &str) -> Result<BTreeMap<u64, u64>, SinkError> {
        let instance = instance.to_owned();
        let stands = self
            .db
            .read(move |c| {
                Box::pin(async move { Ok::<_, SinkError>(drain::positions(c, &instance).await?) })
            })
            .await?;
        Ok(stands.into_iter().collect())
    }

    async fn apply(&self, batch: Batch) -> Result<Outcome, SinkError> {
        let zone = self.zone;
        self.db
            .write(move |c| Box::pin(async move { Ok(drain::apply(c, &batch, zone).await?) }))
            .await
    }

    async fn held(&self, instance: &str, before_ms: i64) -> Result<Vec<RequestId>, SinkError> {
        let instance = instance.to_owned();
        self.db
            .read(move |c| Box::pin(async move { Ok(drain::held(c, &instance, before_ms).await?) }))
            .await
    }

    async fn end_lost(&self, lost: Vec<RequestId>, now_ms: i64) -> Result<usize, SinkError> {
        let zone = self.zone;
        self.db
            .write(move |c| {
                Box::pin(async move { Ok(drain::end_lost(c, &lost, now_ms, zone).await?) })
            })
            .await
    }

    async fn takes_records(&self) -> Result<(), SinkError> {
        let zone = self.zone;
        let written = self
            .db
            .write(move |c| {
                Box::pin(async move {
                    drain::apply(c, &beyond_doubt(), zone).await?;
                    Err::<(), Undone>(Undone::OnPurpose)
                })
            })
            .await;
        match written {
            Err(Undone::Failed(error)) => Err(SinkError::Away(error.to_string())),
            Ok(()) | Err(Undone::OnPurpose) => Ok(()),
        }
    }

    async fn forget(&self, instance: &str, segments: Vec<u64>) -> Result<(), SinkError> {
        let instance = instance.to_owned();
        self.db
            .write(move |c| {
                Box::pin(async move {
                    if segments.is_empty() {
                        drain::forget_all(c, &instance).await?;
                    } else {
                        drain::forget(c, &instance, &segments).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

/// Why the trial transaction was rolled back.
enum Undone {
    /// It worked, and must leave nothing.
    OnPurpose,
    Failed(StoreError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

fn beyond_doubt() -> Batch {
    let record = RequestRecord {
        id: RequestId(1),
        status: Status::Error,
        fault_owner: FaultOwner::Gateway,
        ..RequestRecord::default()
    };
    Batch {
        instance: "trial".into(),
        positions: Vec::new(),
        entries: vec![Entry::Ended(Arc::new(record), Vec::new())],
    }
}
