//! A call on its way to a vendor: as it came where both speak the same dialect, and otherwise in the vendor's.

use std::borrow::Cow;

use bytes::Bytes;
use modelgate_dialect::convert::{self, Back, Target};
use modelgate_dialect::hub::features::Notes;
use modelgate_dialect::hub::fields::Refusal;
use modelgate_dialect::{Dialect, foreign, stream};
use modelgate_domain::Protocol;

use super::endpoints::Endpoint;
use super::forward::Job;
use crate::catalog::{self, Provider};
use crate::upstream::path_at;

/// What a vendor gets, and what the way back needs to know.
pub(super) struct There {
    pub(super) vendor: Dialect,
    pub(super) path: Cow<'static, str>,
    pub(super) body: Bytes,
    /// The gateway asked for usage and the caller did not.
    pub(super) hide_usage: bool,
    /// Where the dialect changes.
    pub(super) back: Option<Box<Back>>,
    /// The names of what the vendor is not told, as a header has them.
    pub(super) dropped: Option<String>,
}

/// The dialect that a provider is asked in: its own, or the caller's where an endpoint has no other.
pub(super) fn dialect_of(provider: &Provider, endpoint: &Endpoint) -> Dialect {
    if endpoint.only().is_some()
        && let Some(native) = endpoint.dialect.native()
    {
        return native;
    }
    Dialect::of_protocol(&provider.protocol).unwrap_or(Dialect::Chat)
}

impl There {
    /// The call as this target gets it.
    pub(super) fn new(job: &Job, target: &catalog::Target) -> Result<Self, Refusal> {
        let (caller, vendor) = (
            job.endpoint.dialect,
            dialect_of(&target.provider, job.endpoint),
        );
        if !caller.is(vendor) {
            return Self::converted(job, target, vendor);
        }
        Self::native(job, target, vendor)
    }

    /// As it came, but for the model's name and what other vendors' models have left in it.
    fn native(job: &Job, target: &catalog::Target, vendor: Dialect) -> Result<Self, Refusal> {
        let (provider, model) = (&target.provider, &target.upstream_model);
        let hide_usage = job.endpoint.streams && job.peek.must_ask_for_usage();
        let mut body = job.peek.body_for(&job.body, model, hide_usage);
        let mut notes = Notes::default();
        if let Some((left, gone)) = foreign::without(job.endpoint.dialect, model, &body) {
            (body, notes) = (left, gone);
        }
        refuse_where_strict(job, &notes)?;
        Ok(Self {
            vendor,
            path: path_at(provider, model, job.endpoint.path_for(model)),
            body: body.into(),
            hide_usage,
            back: None,
            dropped: notes.header(),
        })
    }

    fn converted(job: &Job, target: &catalog::Target, vendor: Dialect) -> Result<Self, Refusal> {
        let streams = job.endpoint.streams && job.peek.stream;
        let to = Target {
            from: job.endpoint.dialect,
            to: vendor,
            model: &target.upstream_model,
            asked: &job.peek.model,
            stream: streams,
            max_output: job.model.max_output_tokens,
            deployed: target.provider.protocol.parse() == Ok(Protocol::AzureOpenai),
            now_s: job.settlement.record.started_ms / 1_000,
        };
        let (body, back) = convert::request(&job.body, &to)?;
        refuse_where_strict(job, &back.notes)?;
        let (provider, model) = (&target.provider, &target.upstream_model);
        Ok(Self {
            vendor,
            path: path_at(provider, model, vendor.path(model, streams)),
            body: body.into(),
            hide_usage: false,
            dropped: back.notes.header(),
            back: Some(Box::new(back)),
        })
    }

    /// How the vendor's events go to the caller.
    pub(super) fn stream(self, job: &Job) -> stream::Stream {
        let reader = std::sync::Arc::clone(&job.worker.reader);
        match self.back {
            None => stream::Stream::new(reader, self.vendor, self.hide_usage),
            Some(back) => stream::Stream::converting(reader, *back),
        }
    }
}

/// A key may refuse what would be left out.
fn refuse_where_strict(job: &Job, notes: &Notes) -> Result<(), Refusal> {
    match notes.refusal() {
        Some(refusal) if job.planner.key.strict_conversion => Err(refusal),
        _ => Ok(()),
    }
}
