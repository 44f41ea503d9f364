//! An answer that is no stream: read whole where it is not too large, and put into the caller's dialect.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use modelgate_dialect::convert::Unreadable;
use modelgate_dialect::shape;

use super::conversion::There;
use super::endpoints::Form;
use super::failure::{Failure, Refused};
use super::forward::{Job, Step, WHOLE_BYTES, in_disguise};
use crate::routing::Candidate;
use crate::upstream::{Answer, Body};

/// An answer up to this size can be put into another dialect.
const CONVERTED_BYTES: usize = 16 * 1024 * 1024;

impl Job {
    /// Reads an answer that is no stream, if it is not too large. An error in its place, or something that is no answer,
    /// is a failure like any other.
    pub(super) async fn open_whole(
        &self,
        mut answer: Answer,
        there: There,
        tried: &Candidate,
    ) -> Result<Step, Failure> {
        let worker = &self.worker;
        let limit = match there.back {
            Some(_) => CONVERTED_BYTES,
            None => WHOLE_BYTES,
        };
        let read = read_up_to(&mut answer.body, limit).await;
        let (mut body, whole) = read.map_err(|error| Failure::of_call(&error))?;
        if !whole {
            return match there.back {
                Some(_) => Err(Failure::unreadable("the answer is too large")),
                None if !body.trim_ascii_start().starts_with(b"{") => {
                    Err(Failure::unreadable("the answer is no JSON object"))
                }
                None => Ok(Step::Large(body, answer, there.vendor)),
            };
        }
        if worker.reader.is_error(there.vendor, &body) {
            return Err(in_disguise(answer.headers, body, tried, worker));
        }
        if there.back.is_none() {
            let listed = self.endpoint.form == Form::Array;
            let shape = shape::is_answer(&body, self.endpoint.answers, listed);
            shape.map_err(|why| Failure::unreadable(&why.to_string()))?;
        }
        let findings = worker.reader.read(there.vendor, &body);
        if let Some(back) = there.back {
            let converted = back.answer(&body);
            let converted = converted.map_err(|error| match &error {
                Unreadable::Failed(said) => Failure::broken_off(said),
                _ => Failure::unreadable(&error.to_string()),
            })?;
            body = converted.into();
        }
        let whole = Refused {
            status: answer.status,
            headers: answer.headers,
            body,
        };
        Ok(Step::Whole(whole, findings))
    }
}

/// What came, and whether it is all.
async fn read_up_to(
    body: &mut Body,
    limit: usize,
) -> Result<(Bytes, bool), crate::upstream::UpstreamError> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        if first.is_empty() {
            first = chunk; // most answers come in one piece
        } else {
            if more.is_empty() {
                more.extend_from_slice(&first);
            }
            more.extend_from_slice(&chunk);
        }
        if first.len().max(more.len()) > limit {
            return Ok((joined(first, more), false));
        }
    }
    Ok((joined(first, more), true))
}

fn joined(first: Bytes, more: BytesMut) -> Bytes {
    if more.is_empty() {
        first
    } else {
        more.freeze()
    }
}
