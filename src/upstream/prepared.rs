//! What is the same in every call with one credential: the address and the headers, put together once.

use std::borrow::Cow;

use ahash::AHashMap;
use hyper::Uri;
use hyper::header::HeaderMap;
use modelgate_domain::{ProviderKeyId, Secret};

use super::client::Call;
use super::error::UpstreamError;
use super::{headers, url};
use crate::catalog::{Credential, Provider};

/// More than any gateway has credentials and endpoints.
const MAX_ENTRIES: usize = 4_096;

/// The prepared parts of calls, by credential and endpoint.
#[derive(Default)]
pub(super) struct Prepared {
    entries: AHashMap<Key, Entry>,
}

/// The credential, the path, what is accepted and what is sent.
type Key = (ProviderKeyId, Cow<'static, str>, [&'static str; 2]);

/// The parts, and what they were made of.
pub(super) struct Entry {
    pub(super) uri: Uri,
    /// Without what is taken over from the caller.
    pub(super) headers: HeaderMap,
    protocol: Box<str>,
    base_url: Box<str>,
    secret: Secret,
    user_agent: Option<String>,
    extra_headers: Vec<(String, Secret)>,
}

impl Prepared {
    /// The parts for this call. Whatever an operator changes is noticed here; then nothing old is kept.
    pub(super) fn of(
        &mut self,
        provider: &Provider,
        credential: &Credential,
        call: &Call<'_>,
    ) -> Result<&Entry, UpstreamError> {
        let key = (
            credential.id,
            call.path.clone(),
            [call.accept, call.content_type],
        );
        let fresh = self
            .entries
            .get(&key)
            .map(|e| e.is_of(provider, credential));
        if fresh == Some(false) || self.entries.len() > MAX_ENTRIES {
            self.entries.clear();
        }
        match self.entries.entry(key) {
            std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                Ok(place.insert(Entry::new(provider, credential, call)?))
            }
        }
    }
}

impl Entry {
    fn new(
        provider: &Provider,
        credential: &Credential,
        call: &Call<'_>,
    ) -> Result<Self, UpstreamError> {
        let secret = &credential.secret;
        Ok(Self {
            uri: url::join(&provider.base_url, &call.path)?,
            headers: headers::request(provider, secret, call.content_type, call.accept)?,
            protocol: provider.protocol.clone(),
            base_url: provider.base_url.clone(),
            secret: credential.secret.clone(),
            user_agent: provider.user_agent.clone(),
            extra_headers: provider.extra_headers.clone(),
        })
    }

    fn is_of(&self, provider: &Provider, credential: &Credential) -> bool {
        self.protocol == provider.protocol
            && self.base_url == provider.base_url
            && self.secret == credential.secret
            && self.user_agent == provider.user_agent
            && self.extra_headers == provider.extra_headers
    }
}
