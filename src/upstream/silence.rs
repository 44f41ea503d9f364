//! How long nothing may happen.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::task::unconstrained;
use tokio::time::{Instant, Sleep};

/// Sleeps until a time that is pushed back while something happens. The timer is touched only when it fires, and asked only
/// where it may have: a stream polls it at each of its events.
pub struct Silence {
    limit: Duration,
    /// When something happened last.
    since: Instant,
    timer: Pin<Box<Sleep>>,
    asleep: Asleep,
}

impl Silence {
    /// Begins now.
    pub fn new(limit: Duration) -> Self {
        Self::since(Instant::now(), limit, Box::pin(tokio::time::sleep(limit)))
    }

    /// Began at `since`. `timer` may fire early (it is then armed anew), never later than `since + limit`.
    pub fn since(since: Instant, limit: Duration, timer: Pin<Box<Sleep>>) -> Self {
        Self {
            limit,
            since,
            timer,
            asleep: Asleep::default(),
        }
    }

    /// The longest silence.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// When something happened last.
    pub fn last(&self) -> Instant {
        self.since
    }

    /// Something happened at this time.
    pub fn stir(&mut self, at: Instant) {
        self.since = at;
    }

    /// Something happens, and from here another limit holds.
    pub fn restart(&mut self, limit: Duration) {
        self.limit = limit;
        self.since = Instant::now();
        self.arm(self.since + limit);
    }

    /// Ready once nothing happened for the limit, and again after each further limit.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.timer.is_elapsed() && self.asleep.has(cx) {
            return Poll::Pending;
        }
        loop {
            self.asleep.falls(cx);
            // were it cut short because the task has done much already, nothing would wake it
            let timer = unconstrained(self.timer.as_mut());
            ready!(pin!(timer).poll(cx));
            let due = self.since + self.limit;
            let now = Instant::now();
            if now >= due {
                self.since = now;
                self.arm(now + self.limit);
                return Poll::Ready(());
            }
            self.arm(due);
        }
    }

    fn arm(&mut self, due: Instant) {
        self.asleep = Asleep::default();
        self.timer.as_mut().reset(due);
    }
}

/// The task that will be woken by something that was polled, `unconstrained`: what a task's budget cuts short wakes nobody later.
#[derive(Default)]
pub struct Asleep(Option<Waker>);

impl Asleep {
    /// True where this task will be: it need not poll again to be woken.
    pub fn has(&self, cx: &Context<'_>) -> bool {
        let waker = self.0.as_ref();
        waker.is_some_and(|waker| waker.will_wake(cx.waker()))
    }

    /// This task polls, and will be woken where that is pending.
    pub fn falls(&mut self, cx: &Context<'_>) {
        if !self.has(cx) {
            self.0 = Some(cx.waker().clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    async fn until_silent(silence: &mut Silence) -> Duration {
        let from = Instant::now();
        poll_fn(|cx| silence.poll(cx)).await;
        from.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_where_something_happens() {
        let mut silence = Silence::new(LIMIT);
        for _ in 0..3 {
            let next = tokio::time::sleep(Duration::from_secs(7));
            tokio::select! {
                () = poll_fn(|cx| silence.poll(cx)) => panic!("it was not silent for so long"),
                () = next => silence.stir(Instant::now()),
            }
        }
        let rounded = |time: Duration| time.as_secs();
        assert_eq!(rounded(until_silent(&mut silence).await), 10);
        assert_eq!(rounded(until_silent(&mut silence).await), 10, "and again");
        silence.restart(Duration::from_secs(3));
        assert_eq!(rounded(until_silent(&mut silence).await), 3);
        assert_eq!(silence.limit(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_polls_last_is_woken() {
        let mut silence = Silence::new(LIMIT);
        let mut elsewhere = Context::from_waker(Waker::noop());
        assert!(silence.poll(&mut elsewhere).is_pending());
        let woken = tokio::time::timeout(LIMIT * 2, until_silent(&mut silence));
        assert!(woken.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_has_done_much_is_woken_all_the_same() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        for n in 0..10_000 {
            sender.send(n).unwrap();
        }
        let mut silence = Silence::new(LIMIT);
        let silent = poll_fn(|cx| {
            while receiver.poll_recv(cx).is_ready() {}
            silence.poll(cx)
        });
        assert!(tokio::time::timeout(LIMIT * 2, silent).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_that_fires_early_is_armed_anew() {
        let early = Box::pin(tokio::time::sleep(Duration::from_secs(1)));
        let mut silence = Silence::since(Instant::now(), LIMIT, early);
        assert_eq!(until_silent(&mut silence).await.as_secs(), 10);
    }
}
