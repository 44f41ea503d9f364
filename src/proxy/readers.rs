//! Callers who stop reading: their streams are cut after a while, so that no vendor's call waits for them.
//!
//! The server asks a body for more only while the caller takes what is there, so a body that gave something and is
//! not asked again belongs to a caller who does not read. What waits meanwhile is bounded: the server's buffer, the
//! sockets' and one piece. The connection itself is the system's to end (`TCP_USER_TIMEOUT`, set by `app`).

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

use super::error::ApiError;
use crate::upstream::UpstreamError;

/// How often the readers are looked at.
const TICK: Duration = Duration::from_secs(1);

/// A body that can be broken off from outside.
pub(super) trait Source {
    /// The next piece for the caller.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>>;

    /// Ends the call with this error, which the caller will not see.
    fn break_off(self, error: &ApiError);
}

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenOff {
    /// The vendor broke off.
    #[error(transparent)]
    Vendor(UpstreamError),
    /// The caller did not read.
    #[error("the caller did not read")]
    SlowReader,
}

/// What the callers of one serving thread read at this moment.
#[derive(Default)]
pub(super) struct Readers {
    /// Counts ticks, from 1.
    now: Cell<u32>,
    places: RefCell<Vec<Option<Weak<dyn Reader>>>>,
    free: RefCell<Vec<usize>>,
}

/// The part of a body that the watchman sees.
trait Reader {
    /// The tick at which a piece was given that is not taken yet.
    fn waits_since(&self) -> Option<u32>;
    fn cut(&self);
}

struct Slot<S> {
    /// Absent once it was cut.
    source: RefCell<Option<S>>,
    /// The tick of the last piece, 0 once the next one was asked for.
    given: Cell<u32>,
}

/// A body whose reader is watched.
pub(super) struct Watched<S> {
    slot: Rc<Slot<S>>,
    readers: Rc<Readers>,
    place: usize,
}

impl Readers {
    /// Watches over the reader of `source`.
    pub(super) fn watch<S: Source + 'static>(self: &Rc<Self>, source: S) -> Watched<S> {
        let slot = Rc::new(Slot {
            source: RefCell::new(Some(source)),
            given: Cell::new(0),
        });
        let reader: Rc<dyn Reader> = Rc::clone(&slot) as Rc<dyn Reader>;
        let reader = Some(Rc::downgrade(&reader));
        let mut places = self.places.borrow_mut();
        let place = if let Some(place) = self.free.borrow_mut().pop() {
            places[place] = reader;
            place
        } else {
            places.push(reader);
            places.len() - 1
        };
        Watched {
            slot,
            readers: Rc::clone(self),
            place,
        }
    }

    /// Looks after the readers as long as anybody else holds them. `patience` is asked at every look.
    pub(super) async fn look_after(readers: Weak<Self>, patience: impl Fn() -> Duration) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            let Some(readers) = readers.upgrade() else {
                return;
            };
            readers.tick(patience());
        }
    }

    fn tick(&self, patience: Duration) {
        let now = self.now.get().wrapping_add(1).max(1);
        self.now.set(now);
        let longest = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX);
        let slow = |reader: &Rc<dyn Reader>| {
            let since = reader.waits_since();
            since.is_some_and(|since| now.wrapping_sub(since) > longest)
        };
        // cutting runs code that may open or close places
        let places = self.places.borrow();
        let readers = places.iter().flatten().filter_map(Weak::upgrade);
        let slow: Vec<Rc<dyn Reader>> = readers.filter(slow).collect();
        drop(places);
        for reader in slow {
            reader.cut();
        }
    }
}

impl<S: Source> Reader for Slot<S> {
    fn waits_since(&self) -> Option<u32> {
        Some(self.given.get()).filter(|tick| *tick > 0)
    }

    fn cut(&self) {
        self.given.set(0);
        let source = self.source.borrow_mut().take();
        if let Some(source) = source {
            source.break_off(&slow_reader());
        }
    }
}

impl<S: Source> Stream for Watched<S> {
    type Item = Result<Bytes, BrokenOff>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.slot.given.set(0);
        let mut source = self.slot.source.borrow_mut();
        let Some(source) = source.as_mut() else {
            return Poll::Ready(Some(Err(BrokenOff::SlowReader)));
        };
        let next = source.poll_piece(cx);
        if let Poll::Ready(Some(Ok(_))) = &next {
            self.slot.given.set(self.readers.now.get().max(1));
        }
        next.map(|piece| piece.map(|piece| piece.map_err(BrokenOff::Vendor)))
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let Some(place) = self.readers.places.borrow_mut().get_mut(self.place) {
            *place = None;
            self.readers.free.borrow_mut().push(self.place);
        }
    }
}

/// How a call ends whose caller stopped reading.
fn slow_reader() -> ApiError {
    ApiError::caller(408, "slow_reader", "The answer was not read.").left()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::task::noop_waker_ref;

    /// Gives one piece at every second question.
    struct Vendor {
        ready: bool,
        ended: Rc<Cell<bool>>,
    }

    impl Source for Vendor {
        fn poll_piece(
            &mut self,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
            self.ready = !self.ready;
            if self.ready {
                Poll::Ready(Some(Ok(Bytes::from_static(b"x"))))
            } else {
                Poll::Pending
            }
        }

        fn break_off(self, error: &ApiError) {
            assert_eq!(error.code, "slow_reader");
            self.ended.set(true);
        }
    }

    fn poll(body: &mut Watched<Vendor>) -> Poll<Option<Result<Bytes, BrokenOff>>> {
        Pin::new(body).poll_next(&mut Context::from_waker(noop_waker_ref()))
    }

    #[test]
    fn only_who_leaves_a_piece_lying_is_cut() {
        let readers = Rc::new(Readers::default());
        let ended: [Rc<Cell<bool>>; 2] = Default::default();
        let [mut slow, mut waiting] = ended.clone().map(|ended| {
            let ready = false;
            readers.watch(Vendor { ready, ended })
        });
        assert!(poll(&mut slow).is_ready() && poll(&mut waiting).is_ready());
        assert!(poll(&mut waiting).is_pending(), "waits for the vendor");
        for _ in 0..3 {
            readers.tick(Duration::from_secs(3));
        }
        assert!(!ended[0].get(), "not yet");
        readers.tick(Duration::from_secs(2));
        assert_eq!(ended.map(|e| e.get()), [true, false]);
        let next = poll(&mut slow);
        assert!(matches!(
            next,
            Poll::Ready(Some(Err(BrokenOff::SlowReader)))
        ));
    }

    #[test]
    fn places_are_used_again() {
        let readers = Rc::new(Readers::default());
        let open = || {
            let ended = Rc::default();
            readers.watch(Vendor { ready: true, ended })
        };
        for _ in 0..100 {
            drop([open(), open(), open()]);
        }
        assert_eq!(readers.places.borrow().len(), 3);
        assert!(readers.places.borrow().iter().all(Option::is_none));
    }
}
