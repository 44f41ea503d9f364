//! Posted forms: reading them (with their token checked), and showing them again with what was wrong.

use std::collections::BTreeMap;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use modelgate_domain::Secret;

use super::csrf;
use super::error::PageError;
use super::shell::Moment;

/// Two texts of a document, percent-encoded.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// The fields of a posted form whose token was right. The only way a handler gets at a body.
#[derive(Clone, Debug)]
pub struct Form(Vec<(String, Secret)>);

impl Form {
    /// The first value of a field without surrounding white space; empty where it is absent.
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first value of a field, untouched, as a secret.
    pub fn secret(&self, name: &str) -> Secret {
        Secret::new(self.raw(name))
    }

    /// Every value of a field: tick boxes and multiple choices.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.expose().trim())
    }

    /// Whether a tick box was ticked.
    pub fn checked(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// Puts a value in place of those of a field.
    pub(super) fn set(&mut self, name: &str, value: String) {
        self.0.retain(|(field, _)| field != name);
        self.0.push((name.to_owned(), Secret::new(value)));
    }

    /// What the form shows when it comes back. Passwords and secrets are not kept.
    pub fn state(&self) -> FormState {
        let mut state = FormState::default();
        for (name, value) in &self.0 {
            if !is_secret(name) {
                state
                    .values
                    .entry(name.clone())
                    .or_default()
                    .push(value.expose().trim().to_owned());
            }
        }
        state
    }

    fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value.expose())
    }
}

fn is_secret(name: &str) -> bool {
    name == csrf::FIELD || name.contains("password") || name.contains("secret")
}

impl FromRequest for Form {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let expected = csrf::expected(request);
        let body = web::Bytes::from_request(request, payload);
        let form_type = request
            .headers()
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
        Box::pin(async move {
            if !form_type {
                return Err(PageError::BadRequest);
            }
            let body = body.await.map_err(|_payload| PageError::BadRequest)?;
            if body.len() > MAX_BYTES {
                return Err(PageError::BadRequest);
            }
            let form = parse(&body);
            if !csrf::matches(expected.as_deref(), form.raw(csrf::FIELD)) {
                return Err(PageError::Csrf);
            }
            Ok(form)
        })
    }
}

fn parse(body: &[u8]) -> Form {
    let fields = body
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let name = decode(halves.next().unwrap_or(&[]));
            (name, Secret::new(decode(halves.next().unwrap_or(&[]))))
        })
        .collect();
    Form(fields)
}

/// Percent-decoding as browsers encode forms; line ends become `\n`, invalid UTF-8 its replacement sign.
fn decode(text: &[u8]) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        let hex = |b: &u8| {
            char::from(*b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        rest = after;
        match (byte, after) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, tail @ ..]) => {
                if let (Some(high), Some(low)) = (hex(high), hex(low)) {
                    out.push(high << 4 | low);
                    rest = tail;
                } else {
                    out.push(b'%');
                }
            }
            _ => out.push(*byte),
        }
    }
    String::from_utf8_lossy(&out).replace("\r\n", "\n")
}

/// What a form shows: the values it had and what was wrong with them, already in the person's language.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    values: BTreeMap<String, Vec<String>>,
    errors: BTreeMap<String, String>,
    conflict: Option<Box<Conflict>>,
}

/// What somebody else has saved since a form was opened, in the person's language.
#[derive(Clone, Debug, Default)]
pub struct Conflict {
    /// Who it was, in a sentence.
    pub who: String,
    /// When, where the audit log knows it.
    pub at: Option<Moment>,
    /// Where what is stored now is neither what the form showed nor what it asks for.
    pub fields: Vec<Difference>,
    /// What the button sends that saves all the same: it stands for what is stored now, and for nothing later.
    pub over: String,
}

/// A field that two people want otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// What the field is called.
    pub field: String,
    /// What is stored now.
    pub now: String,
    /// What this form asks for.
    pub yours: String,
}

impl FormState {
    /// Presets a field, for a form that shows what is stored.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.values
            .entry(name.to_owned())
            .or_default()
            .push(value.into());
        self
    }

    /// Ticks a box, or not.
    #[must_use]
    pub fn ticked(self, name: &str, on: bool) -> Self {
        if on { self.with(name, "on") } else { self }
    }

    /// Takes over the stored value of every field that this state does not mention.
    #[must_use]
    pub fn or(mut self, stored: Self) -> Self {
        for (name, values) in stored.values {
            self.values.entry(name).or_insert(values);
        }
        self
    }

    /// Forgets the values of some fields.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.values
            .retain(|name, _| !names.contains(&name.as_str()));
        self
    }

    /// Notes what is wrong with a field, or with the form as a whole under the empty name.
    pub fn fail(&mut self, name: &str, message: String) {
        self.errors.entry(name.to_owned()).or_insert(message);
    }

    /// Notes that somebody else has changed what the form is about.
    pub fn set_conflict(&mut self, conflict: Conflict) {
        self.conflict = Some(Box::new(conflict));
    }

    /// What somebody else has changed in between.
    pub fn conflict(&self) -> Option<&Conflict> {
        self.conflict.as_deref()
    }

    /// Every field with its values.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.values
            .iter()
            .map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Whether nothing is wrong.
    pub fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    /// The value of a field.
    pub fn value(&self, name: &str) -> &str {
        self.values
            .get(name)
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }

    /// Whether a box is ticked.
    pub fn is_checked(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether a field has this value among its values.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|values| values.iter().any(|v| v == value))
    }

    /// What is wrong with a field; empty where nothing is.
    pub fn error(&self, name: &str) -> &str {
        self.errors.get(name).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded() {
        let form = parse("name=a+b%26%E4%B8%AD%0D%0Ax&tick=on&m=1&m=2&bad=%zz%".as_bytes());
        assert_eq!(form.text("name"), "a b&中\nx");
        assert_eq!(form.all("m").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(form.text("bad"), "%zz%");
        assert!(form.checked("tick") && !form.checked("tock"));
    }

    #[test]
    fn secrets_do_not_come_back() {
        let form = parse(b"user=root&password=hunter22&new_secret=x&csrf=y");
        let state = form.state();
        assert_eq!(state.value("user"), "root");
        for name in ["password", "new_secret", "csrf"] {
            assert_eq!(state.value(name), "");
        }
        assert!(!format!("{form:?}").contains("hunter22"));
    }
}
