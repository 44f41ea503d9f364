//! The board on which instances post what they use, in Redis; and the task that keeps it in step.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use modelgate_domain::Secret;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::limits::{Limits, verdict};
use super::link::Link;
use super::rests::Rests;
use crate::admission::{Admission, Asked, Board, Posting, Verdict, Which};
use crate::clock::Clock;
use crate::routing::Health;

/// How often what is held is posted again, well within [`crate::admission::LEASE_MS`], and Redis is looked for.
const BEAT: Duration = Duration::from_secs(1);
/// How often who rests is read.
const RESTS: Duration = Duration::from_millis(300);
/// What changes within this time goes out together.
const GATHER: Duration = Duration::from_millis(5);
/// Posts in one call: Redis does nothing else meanwhile.
const BATCH: usize = 200;
/// How long a start waits for Redis.
const START: Duration = Duration::from_secs(1);

/// Redis as the place where instances post.
#[derive(Debug)]
pub struct RedisBoard {
    link: Arc<Link>,
    limits: Arc<Limits>,
    stirred: Notify,
    /// True once Redis was asked for the first time.
    tried: watch::Sender<bool>,
}

/// Whose use is posted.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Limits.
    pub admission: Admission,
    /// Vendors that rest.
    pub health: Health,
    /// The time.
    pub clock: Clock,
}

impl RedisBoard {
    /// For one instance of the gateway named `gateway`; connects to nothing yet. An error where the address is none.
    pub fn new(url: &Secret, gateway: &str, instance: &str, clock: &Clock) -> Result<Self, String> {
        let link = Link::new(url).map_err(|error| error.to_string())?;
        let limits = Limits::new(
            format!("{{modelgate:{gateway}}}"),
            instance.to_owned(),
            clock.now_ms().to_string(),
        );
        Ok(Self {
            link: Arc::new(link),
            limits: Arc::new(limits),
            stirred: Notify::new(),
            tried: watch::Sender::new(false),
        })
    }

    /// Waits until Redis was asked for the first time, or a second.
    pub async fn tried(&self) {
        let mut tried = self.tried.subscribe();
        drop(timeout(START, tried.wait_for(|tried| *tried)).await);
    }

    /// Posts and reads until `shutdown` holds true. Belongs on a runtime that outlives the serving threads.
    pub async fn run(self: Arc<Self>, posted: Posted, mut shutdown: watch::Receiver<bool>) {
        let mut rests = Rests::new(&self.limits, posted.clock.now_ms());
        let (mut beat, mut look) = (interval(BEAT), interval(RESTS));
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ended = shutdown.changed() => break,
                _ = beat.tick() => {
                    if self.link.is_up() {
                        self.post(&posted, Which::Holding).await;
                    } else if self.link.connect().await && self.post(&posted, Which::All).await {
                        self.link.found();
                    }
                    self.tried.send_replace(true);
                }
                () = self.stirred.notified() => {
                    sleep(GATHER).await;
                    if self.link.is_up() {
                        self.post(&posted, Which::Changed).await;
                    } else {
                        // all of it is posted when Redis is back
                        drop(posted.admission.postings(Which::Changed, posted.clock.now_ms()));
                    }
                }
                _ = look.tick() => {
                    if self.link.is_up() {
                        let now_ms = posted.clock.now_ms();
                        rests.keep_in_step(&self.link, &posted.health, now_ms).await;
                    }
                }
            }
        }
        if self.link.is_up() {
            self.post(&posted, Which::All).await;
        }
    }

    /// Posts what there is; with nothing to post it asks all the same, so that an absence is noticed.
    async fn post(&self, posted: &Posted, which: Which) -> bool {
        let postings = posted.admission.postings(which, posted.clock.now_ms());
        let mut batches = postings.chunks(BATCH);
        let first: &[Posting] = match batches.next() {
            Some(first) => first,
            None if which == Which::Changed => return true,
            None => &[],
        };
        for batch in std::iter::once(first).chain(batches) {
            let done: Option<i64> = self.link.try_run(&self.limits.post(batch)).await;
            if done.is_none() {
                return false;
            }
        }
        true
    }
}

impl Board for RedisBoard {
    fn is_up(&self) -> bool {
        self.link.is_up()
    }

    fn ask(&self, asked: Vec<Asked>) -> BoxFuture<'static, Option<Verdict>> {
        let (link, limits) = (Arc::clone(&self.link), Arc::clone(&self.limits));
        async move {
            let answer: Vec<i64> = link.run(&limits.take(&asked)).await?;
            verdict(&answer)
        }
        .boxed()
    }

    fn stir(&self) {
        self.stirred.notify_one();
    }
}
