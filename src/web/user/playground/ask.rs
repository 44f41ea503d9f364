//! What the form of the playground asks for, read and checked, and the body that a call carries for it.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

use crate::catalog::Model;
use crate::i18n::format;
use crate::web::form::{Form, FormState};
use crate::web::shell::Shell;

/// More turns than these do not fit a conversation that is carried in a form.
const MOST_TURNS: usize = 200;

/// The button that asks for the call as a program makes it.
pub(super) const CODE: &str = "code";

/// What a number may be.
enum Bounds {
    Whole(i64, i64),
    Decimal(f64, f64),
}

/// One parameter of a call, by its name in the form, in the body and in the texts.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    bounds: Bounds,
}

/// What can be set; what is left empty is left to the vendor.
pub(super) const PARAMETERS: [Parameter; 6] = [
    decimal("temperature", 0.0, 2.0),
    decimal("top_p", 0.0, 1.0),
    whole("max_tokens", 1, 1_000_000),
    decimal("presence_penalty", -2.0, 2.0),
    decimal("frequency_penalty", -2.0, 2.0),
    whole("seed", 0, 2_147_483_647),
];

const fn decimal(name: &'static str, least: f64, most: f64) -> Parameter {
    let bounds = Bounds::Decimal(least, most);
    Parameter { name, bounds }
}

const fn whole(name: &'static str, least: i64, most: i64) -> Parameter {
    let bounds = Bounds::Whole(least, most);
    Parameter { name, bounds }
}

impl Parameter {
    /// The bounds, as the page shows them.
    pub(super) fn least_and_most(&self) -> (String, String) {
        match self.bounds {
            Bounds::Whole(least, most) => (format::integer(least), format::integer(most)),
            Bounds::Decimal(least, most) => (least.to_string(), most.to_string()),
        }
    }

    fn read(&self, text: &str) -> Option<Number> {
        match self.bounds {
            Bounds::Whole(least, most) => {
                let number: i64 = text.parse().ok()?;
                (least..=most).contains(&number).then(|| number.into())
            }
            Bounds::Decimal(least, most) => {
                let number: f64 = text.parse().ok()?;
                let fits = (least..=most).contains(&number);
                fits.then(|| Number::from_f64(number)).flatten()
            }
        }
    }
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

impl Role {
    /// In the form and in the body.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) role: Role,
    pub(super) text: String,
}

/// A call to be made.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ask {
    pub(super) model: String,
    system: String,
    turns: Vec<Said>,
    numbers: Vec<(&'static str, Number)>,
}

/// What was said so far, as the form carries it.
pub(super) fn turns(form: &Form) -> Vec<Said> {
    let pairs = form.all("role").zip(form.all("text"));
    pairs
        .map(|(role, text)| Said {
            role: if role == Role::Assistant.as_str() {
                Role::Assistant
            } else {
                Role::User
            },
            text: text.to_owned(),
        })
        .collect()
}

impl Ask {
    /// Reads the form, or says what is wrong with it.
    pub(super) fn read(
        page: &Shell,
        models: &[Arc<Model>],
        form: &Form,
    ) -> Result<Self, FormState> {
        let mut state = form.state();
        let model = form.text("model").to_owned();
        if !models.iter().any(|known| *known.name == *model) {
            state.fail("model", page.t("user-playground-model-unknown"));
        }
        let mut numbers = Vec::new();
        for parameter in &PARAMETERS {
            let text = form.text(parameter.name);
            if text.is_empty() {
                continue;
            }
            if let Some(number) = parameter.read(text) {
                numbers.push((parameter.name, number));
            } else {
                let (least, most) = parameter.least_and_most();
                let bounds: [(&str, &dyn crate::i18n::ToArg); 2] =
                    [("least", &least), ("most", &most)];
                state.fail(
                    parameter.name,
                    page.t_with("user-playground-number", &bounds),
                );
            }
        }
        let mut turns = turns(form);
        let message = form.text("message");
        let is_shown = form.text("action") == CODE && !turns.is_empty();
        if message.is_empty() && !is_shown {
            state.fail("message", page.t("user-playground-message-missing"));
        } else if turns.len() >= MOST_TURNS {
            state.fail("message", page.t("user-playground-too-long"));
        }
        if !message.is_empty() {
            turns.push(Said {
                role: Role::User,
                text: message.to_owned(),
            });
        }
        if !state.is_valid() {
            return Err(state);
        }
        Ok(Self {
            model,
            system: form.text("system").to_owned(),
            turns,
            numbers,
        })
    }

    /// The members of the body, in the order in which people write them.
    pub(super) fn members(&self, stream: bool) -> Vec<(&'static str, Value)> {
        let system = (!self.system.is_empty()).then_some(("system", self.system.as_str()));
        let said = self
            .turns
            .iter()
            .map(|t| (t.role.as_str(), t.text.as_str()));
        let messages: Vec<Value> = system
            .into_iter()
            .chain(said)
            .map(|(role, content)| json!({ "role": role, "content": content }))
            .collect();
        let mut members = vec![
            ("model", Value::from(self.model.as_str())),
            ("messages", Value::from(messages)),
        ];
        let numbers = self.numbers.iter();
        members.extend(numbers.map(|(name, number)| (*name, Value::from(number.clone()))));
        if stream {
            members.push(("stream", Value::from(true)));
        }
        members
    }

    /// The body of the call.
    pub(super) fn body(&self, stream: bool) -> Bytes {
        let members = self.members(stream).into_iter();
        let body: Map<String, Value> = members.map(|(k, v)| (k.to_owned(), v)).collect();
        Bytes::from(Value::Object(body).to_string())
    }

    #[cfg(test)]
    pub(super) fn sample(text: &str) -> Self {
        Self {
            model: "org/m'x".to_owned(),
            system: String::new(),
            turns: vec![Said {
                role: Role::User,
                text: text.to_owned(),
            }],
            numbers: vec![("temperature", Number::from_f64(0.7).unwrap())],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_kept_within_their_bounds() {
        let read = |name: &str, text: &str| {
            let parameter = PARAMETERS.iter().find(|p| p.name == name).unwrap();
            parameter.read(text).map(|number| number.to_string())
        };
        assert_eq!(read("temperature", "0.7").as_deref(), Some("0.7"));
        assert_eq!(read("max_tokens", "100").as_deref(), Some("100"));
        for (name, text) in [
            ("temperature", "2.1"),
            ("temperature", "NaN"),
            ("temperature", "inf"),
            ("top_p", "-0.1"),
            ("max_tokens", "0"),
            ("max_tokens", "1.5"),
            ("seed", "x"),
        ] {
            assert_eq!(read(name, text), None, "{name} {text}");
        }
    }
}
