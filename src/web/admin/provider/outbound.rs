//! A provider's headers and outbound proxy in its form. Their values are written and never shown.

use actix_web::http::header::{HeaderName, HeaderValue};
use modelgate_domain::{ProviderId, Secret};
use modelgate_store::providers::{Provider, SealedOutbound};
use serde_json::{Value, json};

use crate::catalog::outbound;
use crate::secrets::{Keyring, SecretsError};
use crate::upstream::OutboundProxy;
use crate::web::admin::components::fields::Fields;
use crate::web::admin::components::rows;
use crate::web::form::{Form, FormState};

const PREFIX: &str = "header";

/// Headers that go with every call, and the way there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outbound {
    headers: Vec<(String, Secret)>,
    /// Empty for none.
    proxy: Secret,
}

/// The fields as the page shows them.
pub(super) struct Shown {
    pub(super) headers: Vec<HeaderRow>,
    /// Scheme, host and port of the present proxy; empty for none.
    pub(super) proxy: String,
    pub(super) proxy_error: String,
    /// What is there was sealed with another key.
    pub(super) is_closed: bool,
}

/// One header.
pub(super) struct HeaderRow {
    /// What its fields' names begin with.
    pub(super) at: String,
    pub(super) is_new: bool,
    pub(super) name: String,
    /// Whether it has a value already.
    pub(super) has_value: bool,
    pub(super) error: String,
}

impl Outbound {
    /// What a provider has; nothing where it does not open.
    pub(super) fn open(row: &Provider, keyring: &Keyring) -> Option<Self> {
        Some(Self {
            headers: outbound::headers(row, keyring).ok()?,
            proxy: outbound::proxy(row, keyring).ok()?,
        })
    }

    pub(super) fn seal(
        &self,
        keyring: &Keyring,
        id: ProviderId,
    ) -> Result<SealedOutbound, SecretsError> {
        outbound::seal(keyring, id, &self.headers, &self.proxy)
    }

    /// What the form asks for; nothing where it asks for no change. An empty value keeps the present one, an empty
    /// name takes the header away.
    pub(super) fn read(
        fields: &mut Fields<'_>,
        form: &Form,
        present: Option<&Self>,
    ) -> Option<Self> {
        let mut headers: Vec<(String, Secret)> = Vec::new();
        let all: Vec<String> = rows::rows(&fields.state, PREFIX, "name").collect();
        for at in all {
            let name = fields
                .state
                .value(&format!("{at}-name"))
                .to_ascii_lowercase();
            let value = form.secret(&format!("{at}-secret"));
            let kept = present.and_then(|present| present.header(&name));
            let problem = if name.is_empty() {
                continue;
            } else if HeaderName::from_bytes(name.as_bytes()).is_err() {
                "admin-provider-bad-header"
            } else if headers.iter().any(|(other, _)| *other == name) {
                "admin-provider-header-twice"
            } else if !value.expose().is_empty() {
                if HeaderValue::from_str(value.expose()).is_ok() {
                    headers.push((name, value));
                    continue;
                }
                "admin-provider-bad-header-value"
            } else if let Some(kept) = kept {
                headers.push((name, kept.clone()));
                continue;
            } else {
                "admin-provider-no-header-value"
            };
            fields.fail(&at, problem);
        }
        let given = form.secret("proxy_secret");
        let proxy = if form.checked("proxy_remove") {
            Secret::new("")
        } else if given.expose().trim().is_empty() {
            present.map_or_else(|| Secret::new(""), |present| present.proxy.clone())
        } else {
            if OutboundProxy::parse(given.expose().trim()).is_err() {
                fields.fail("proxy_secret", "admin-provider-bad-proxy");
            }
            Secret::new(given.expose().trim())
        };
        let wanted = Self { headers, proxy };
        match present {
            Some(present) => (*present != wanted).then_some(wanted),
            // what does not open stays, unless something is put in its place
            None => {
                let nothing = wanted.headers.is_empty() && wanted.proxy.expose().is_empty();
                (!nothing || form.checked("proxy_remove")).then_some(wanted)
            }
        }
    }

    fn header(&self, name: &str) -> Option<&Secret> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| value)
    }

    /// What the audit log keeps: names, and where the proxy is.
    pub(super) fn audited(&self) -> Value {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        json!({ "headers": names, "proxy": public(&self.proxy) })
    }
}

/// A proxy's address without its user and password.
fn public(proxy: &Secret) -> String {
    let text = proxy.expose();
    match (text.split_once("://"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://{host}"),
        (Some(_), None) => text.to_owned(),
        (None, _) => String::new(),
    }
}

/// Presets the rows of what is stored, and a spare one.
pub(super) fn stored(state: FormState, present: Option<&Outbound>) -> FormState {
    let headers = present.map_or(&[][..], |present| &present.headers);
    let names = headers.iter().map(|(name, _)| name.as_str()).chain([""]);
    names.enumerate().fold(state, |state, (n, name)| {
        state.with(&format!("{PREFIX}-{n}-name"), name)
    })
}

/// The fields of a form.
pub(super) fn view(state: &FormState, present: Option<&Outbound>) -> Shown {
    let row = |(at, is_new): (String, bool)| {
        let name = state.value(&format!("{at}-name")).to_owned();
        HeaderRow {
            is_new,
            has_value: present.is_some_and(|present| present.header(&name).is_some()),
            error: state.error(&at).to_owned(),
            name,
            at,
        }
    };
    Shown {
        headers: rows::shown(state, PREFIX, "name")
            .into_iter()
            .map(row)
            .collect(),
        proxy: present
            .map(|present| public(&present.proxy))
            .unwrap_or_default(),
        proxy_error: state.error("proxy_secret").to_owned(),
        is_closed: present.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_shown_without_who_uses_it() {
        for (text, told) in [
            ("http://user:pass@proxy:3128", "http://proxy:3128"),
            ("socks5://u:p@ss@10.0.0.1", "socks5://10.0.0.1"),
            ("https://proxy", "https://proxy"),
            ("", ""),
        ] {
            assert_eq!(public(&Secret::new(text)), told);
        }
    }
}
