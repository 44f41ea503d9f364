//! An answer that is no stream and too large to be held: passed through piece by piece.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::Stream as _;
use modelgate_dialect::Dialect;
use modelgate_dialect::reader::Reader;

use super::error::ApiError;
use super::failure;
use super::readers::Source;
use super::settle::Settlement;
use crate::upstream::{Answer, Body, UpstreamError};

/// The end of the answer is kept up to this size: that is where vendors put the usage.
const TAIL_BYTES: usize = 64 * 1024;

/// A large answer under way. One piece is always held back, so that the record is written before the last one.
pub(super) struct Large {
    pub(super) status: u16,
    pub(super) headers: hyper::HeaderMap,
    held: VecDeque<Bytes>,
    body: Option<Body>,
    tail: BytesMut,
    reader: Arc<Reader>,
    vendor: Dialect,
    settlement: Box<Settlement>,
}

impl Large {
    pub(super) fn new(
        head: Bytes,
        answer: Answer,
        (reader, vendor): (Arc<Reader>, Dialect),
        settlement: Box<Settlement>,
    ) -> Self {
        let mut large = Self {
            status: answer.status,
            headers: answer.headers,
            held: VecDeque::new(),
            body: Some(answer.body),
            tail: BytesMut::new(),
            reader,
            vendor,
            settlement,
        };
        large.settlement.committed().set(large.status);
        large.hold(head);
        large
    }

    /// What the vendor said of the length.
    pub(super) fn length(&self) -> Option<u64> {
        let value = self.headers.get("content-length")?;
        value.to_str().ok()?.parse().ok()
    }

    fn hold(&mut self, piece: Bytes) {
        self.tail.extend_from_slice(&piece);
        let over = self.tail.len().saturating_sub(TAIL_BYTES);
        drop(self.tail.split_to(over));
        self.held.push_back(piece);
    }

    fn complete(&mut self) {
        self.body = None;
        let found = self.reader.read(self.vendor, &self.tail);
        self.settlement.found(found);
        self.settlement.succeed(self.status);
    }

    /// Nothing can be said within a body whose length is told: the connection breaks off.
    fn cut(&mut self, error: &UpstreamError) -> UpstreamError {
        self.body = None;
        self.held.clear();
        let sorted = failure::interrupted(error);
        let found = self.reader.read(self.vendor, &self.tail);
        self.settlement.found(found);
        self.settlement.fail(&sorted, self.status);
        error.clone()
    }
}

impl Source for Large {
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        while let Some(body) = self.body.as_mut() {
            if self.held.len() > 1 {
                break;
            }
            match Pin::new(body).poll_next(cx) {
                Poll::Ready(Some(Ok(piece))) => self.hold(piece),
                Poll::Ready(Some(Err(error))) => {
                    return Poll::Ready(Some(Err(self.cut(&error))));
                }
                Poll::Ready(None) => self.complete(),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(self.held.pop_front().map(Ok))
    }

    fn break_off(mut self, error: &ApiError) {
        let found = self.reader.read(self.vendor, &self.tail);
        self.settlement.found(found);
        self.settlement.fail(error, self.status);
    }
}
