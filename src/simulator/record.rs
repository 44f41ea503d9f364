//! What the simulator has seen: requests received, clients that left, counts.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::gemini;

/// Requests kept for later questions; older ones are forgotten.
const KEPT: usize = 20_000;

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// 1 for the first request of this simulator.
    pub number: u64,
    /// When its last byte had arrived.
    pub at: Instant,
    /// `GET`, `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What follows the question mark, empty where nothing does.
    pub query: String,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Bytes,
}

impl Received {
    /// The first header of this (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The bearer key, or the one that clients of Anthropic, Google or Azure send; empty where none was sent.
    pub fn key(&self) -> &str {
        self.header("authorization")
            .and_then(|v| v.strip_prefix("Bearer "))
            .or_else(|| self.header("x-api-key"))
            .or_else(|| self.header("x-goog-api-key"))
            .or_else(|| self.header("api-key"))
            .unwrap_or_default()
    }

    /// The model that the address or the body names, empty where none is named.
    pub fn model(&self) -> String {
        #[derive(serde::Deserialize)]
        struct Named {
            model: Option<String>,
        }
        if let Some((model, _)) = gemini::asked(&self.path) {
            return model.to_owned();
        }
        serde_json::from_slice::<Named>(&self.body)
            .ok()
            .and_then(|n| n.model)
            .unwrap_or_default()
    }
}

/// A client that left before its answer was complete.
#[derive(Clone, Copy, Debug)]
pub struct Abandoned {
    /// Which request, by its number.
    pub request: u64,
    /// When the simulator noticed.
    pub at: Instant,
}

/// Counts since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Connections accepted.
    pub connections: u64,
    /// Requests received completely.
    pub requests: u64,
    /// Answers being given at this moment.
    pub active: u64,
    /// The most answers given at one moment.
    pub peak: u64,
    /// Clients that left before the end.
    pub abandoned: u64,
}

/// The books, behind the simulator's lock.
#[derive(Debug, Default)]
pub(super) struct Books {
    pub(super) stats: Stats,
    pub(super) received: VecDeque<Received>,
    pub(super) abandoned: Vec<Abandoned>,
    numbers: u64,
}

impl Books {
    /// Takes a request in and gives it its number.
    pub(super) fn arrived(&mut self, mut request: Received) -> Received {
        self.numbers += 1;
        request.number = self.numbers;
        self.stats.requests += 1;
        self.stats.active += 1;
        self.stats.peak = self.stats.peak.max(self.stats.active);
        if self.received.len() == KEPT {
            self.received.pop_front();
        }
        self.received.push_back(request.clone());
        request
    }

    /// The answer to a request is over.
    pub(super) fn over(&mut self, request: u64, abandoned: bool) {
        self.stats.active = self.stats.active.saturating_sub(1);
        if abandoned {
            self.stats.abandoned += 1;
            self.abandoned.push(Abandoned {
                request,
                at: Instant::now(),
            });
        }
    }

    /// Forgets everything but what is going on.
    pub(super) fn reset(&mut self) {
        self.received.clear();
        self.abandoned.clear();
        self.stats = Stats {
            active: self.stats.active,
            peak: self.stats.active,
            ..Stats::default()
        };
    }
}
