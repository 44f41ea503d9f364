//! Moves records to the database: fresh ones within a fraction of a second, those of dead processes beside them.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::RequestId;
use modelgate_store::drain::{Batch, ORPHAN_MS, Outcome};
use tokio::sync::watch;
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, timeout};

use super::Observer;
use super::adopt::{Adopted, Estate};
use super::carrier::Carrier;
use super::directory;
use super::shared::Shared;
use super::tail::Tail;

/// How long records gather before they are written: a record is in the database well within a second.
const GATHER: Duration = Duration::from_millis(100);
/// How often other processes' directories are looked at.
const LOOK_ROUND: Duration = Duration::from_secs(10);
/// How often this process looks for requests whose end it lost.
const AUDIT_MS: i64 = 60_000;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why the database did not take a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SinkError {
    /// It is away: the same batch may go later.
    Away(String),
    /// It will never take it.
    Refused(String),
}

/// Where records go: the database, or a test's stand-in.
pub(super) trait Sink: Send + Sync {
    /// Where the segments of a journal stand.
    fn positions(
        &self,
        instance: &str,
    ) -> impl Future<Output = Result<BTreeMap<u64, u64>, SinkError>> + Send;

    /// Writes a batch in one transaction.
    fn apply(&self, batch: Batch) -> impl Future<Output = Result<Outcome, SinkError>> + Send;

    /// Pending requests that this journal's process took in and that began before then.
    fn held(
        &self,
        instance: &str,
        before_ms: i64,
    ) -> impl Future<Output = Result<Vec<RequestId>, SinkError>> + Send;

    /// Ends those that are pending, as requests whose end was lost; returns how many.
    fn end_lost(
        &self,
        lost: Vec<RequestId>,
        now_ms: i64,
    ) -> impl Future<Output = Result<usize, SinkError>> + Send;

    /// Whether it takes a record that is beyond doubt: tells a bad record from a bad database.
    fn takes_records(&self) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Forgets deleted segments; all of the journal where none are named.
    fn forget(
        &self,
        instance: &str,
        segments: Vec<u64>,
    ) -> impl Future<Output = Result<(), SinkError>> + Send;
}

/// What a round found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// All there was.
    All,
    /// As much as fits into a transaction; there may be more.
    More,
}

/// The drain of one process.
pub(super) struct Drain<S> {
    shared: Arc<Shared>,
    carrier: Carrier<S>,
    /// The directory that holds one directory per journal.
    parent: PathBuf,
    own: Tail,
    estates: Vec<Estate>,
    pause: Duration,
    /// When this process's pending requests are looked at next, epoch milliseconds.
    audit_ms: i64,
}

impl<S: Sink> Drain<S> {
    pub(super) fn new(
        shared: Arc<Shared>,
        sink: S,
        parent: PathBuf,
        instance: String,
        observer: Observer,
    ) -> Self {
        let own = instance.clone();
        Self {
            carrier: Carrier::new(Arc::clone(&shared), sink, &parent, own, observer),
            own: Tail::new(instance, BTreeMap::new()),
            estates: Vec::new(),
            pause: FIRST_PAUSE,
            audit_ms: shared.clock.now_ms().saturating_add(AUDIT_MS),
            shared,
            parent,
        }
    }

    /// Runs until `shutdown` holds true, then moves what is left, once.
    pub(super) async fn run(mut self, mut shutdown: watch::Receiver<bool>) {
        let mut look = Instant::now();
        while !*shutdown.borrow() {
            if Instant::now() >= look {
                look = Instant::now() + LOOK_ROUND;
                self.look_round();
            }
            let pause = match self.round().await {
                Ok(Found::More) => continue,
                Ok(Found::Nothing | Found::All) => self.audit().await.err(),
                Err(error) => Some(error),
            };
            let pause = pause.map(|error| self.stumbled(error));
            tokio::select! {
                // Its sender being gone is a shutdown as well.
                changed = shutdown.changed() => if changed.is_err() { break },
                () = self.wait(pause, look) => {}
            }
        }
        self.finish().await;
    }

    /// The last round: nothing is waited for any more, what the database does not take now stays on disk.
    async fn finish(&mut self) {
        self.shared.seal_all();
        loop {
            match self.round().await {
                Ok(Found::More | Found::All) => {}
                Ok(Found::Nothing) => break,
                Err(error) => {
                    self.stumbled(error);
                    return;
                }
            }
        }
        if self.shared.segments().is_empty()
            && let Err(error) = self
                .carrier
                .sink
                .forget(&self.own.instance, Vec::new())
                .await
        {
            tracing::debug!(?error, "the position of an empty journal stays behind");
        }
    }

    /// Until there is something to do: after a failure the pause, else the bell or the next look round.
    async fn wait(&self, pause: Option<Duration>, look: Instant) {
        match pause {
            Some(pause) => sleep(pause).await,
            None => {
                let until_look = look.saturating_duration_since(Instant::now());
                if timeout(until_look, self.shared.rung()).await.is_ok() {
                    sleep(GATHER).await;
                }
            }
        }
    }

    fn stumbled(&mut self, error: SinkError) -> Duration {
        let (SinkError::Away(reason) | SinkError::Refused(reason)) = error;
        if self.pause == FIRST_PAUSE {
            tracing::warn!(%reason, "the journal waits for the database; calls are served meanwhile");
        }
        self.shared.set_drain_error(Some(reason));
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// Moves one batch of this process and one of each dead one.
    async fn round(&mut self) -> Result<Found, SinkError> {
        let mut found = self.move_own().await?;
        let mut at = 0;
        while let Some(estate) = self.estates.get_mut(at) {
            if estate.settle(&self.carrier).await? {
                self.estates.remove(at);
            } else {
                found = Found::More;
                at += 1;
            }
        }
        if self.estates.is_empty() {
            self.shared.set_adopted();
        }
        if self.pause != FIRST_PAUSE {
            tracing::info!("the journal reaches the database again");
            self.pause = FIRST_PAUSE;
            self.shared.set_drain_error(None);
        }
        Ok(found)
    }

    /// Ends requests whose end this process has lost, as where a full disk took no more and memory was to hold too
    /// much: old ones that are pending in the database, while no call runs under their id and the journal holds nothing
    /// of them. However long a call streams, it is not among them.
    async fn audit(&mut self) -> Result<(), SinkError> {
        let now_ms = self.shared.clock.now_ms();
        if now_ms < self.audit_ms {
            return Ok(());
        }
        let sink = &self.carrier.sink;
        let before_ms = now_ms.saturating_sub(ORPHAN_MS);
        let old = sink.held(&self.own.instance, before_ms).await?;
        let lost = self.shared.not_running(old);
        // A call hands over its end before it stops running: what is not lost is held, or in the journal by now.
        if !lost.is_empty() && !self.shared.holds() {
            while self.move_own().await? == Found::More {}
            let sink = &self.carrier.sink;
            let ended = sink.end_lost(lost.clone(), now_ms).await?;
            for id in lost {
                self.own.close(id);
            }
            if ended > 0 {
                tracing::error!(ended, "ended requests of which the record was lost");
            }
        }
        self.audit_ms = now_ms.saturating_add(AUDIT_MS);
        Ok(())
    }

    async fn move_own(&mut self) -> Result<Found, SinkError> {
        let segments = self.shared.segments();
        let found = self.carrier.step(&mut self.own, &segments).await?;
        let mut gone = Vec::new();
        for segment in &segments {
            if self.own.is_done_with(segment) {
                segment.delete_or_warn();
                self.own.forget(segment.number);
                self.shared.forget_segment(segment.number);
                gone.push(segment.number);
            }
        }
        if !gone.is_empty() {
            self.carrier.sink.forget(&self.own.instance, gone).await?;
        }
        Ok(found)
    }

    /// Takes over the directories whose process is dead.
    fn look_round(&mut self) {
        let taken = block_in_place(|| -> io::Result<Vec<Adopted>> {
            let mut taken = Vec::new();
            for path in directory::list(&self.parent)? {
                match Adopted::take(&path) {
                    Ok(adopted) => taken.extend(adopted),
                    Err(error) => {
                        tracing::warn!(%error, path = %path.display(), "cannot take over a journal");
                    }
                }
            }
            Ok(taken)
        });
        match taken {
            Ok(taken) => {
                let estates = taken.into_iter().map(|a| Estate::new(a, &self.shared));
                self.estates.extend(estates);
            }
            Err(error) => tracing::warn!(%error, "cannot list the journal directories"),
        }
    }
}
