//! The database as the place where records go.

use std::collections::BTreeMap;

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

impl Sink for Db {
    async fn positions(&self, instance: &str) -> Result<BTreeMap<u64, u64>, SinkError> {
        let instance = instance.to_owned();
        let stands = self
            .read(move |c| {
                Box::pin(async move { Ok::<_, SinkError>(drain::positions(c, &instance).await?) })
            })
            .await?;
        Ok(stands.into_iter().collect())
    }

    async fn apply(&self, batch: Batch) -> Result<Outcome, SinkError> {
        self.write(move |c| Box::pin(async move { Ok(drain::apply(c, &batch).await?) }))
            .await
    }

    async fn takes_records(&self) -> Result<(), SinkError> {
        let written = self
            .write(move |c| {
                Box::pin(async move {
                    drain::apply(c, &beyond_doubt()).await?;
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
        self.write(move |c| {
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
        entries: vec![Entry::Ended(Box::new(record), Vec::new())],
    }
}
