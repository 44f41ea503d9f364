//! Addresses: the model stands in them, and not in the body.

use std::fmt::Write as _;

/// What a vendor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A whole answer.
    Generate,
    /// An answer in events.
    Stream,
    /// A number of tokens.
    Count,
}

/// Where a vendor is asked, behind its base address.
pub fn path(model: &str, verb: Verb) -> String {
    let verb = match verb {
        Verb::Generate => "generateContent",
        Verb::Stream => "streamGenerateContent?alt=sse",
        Verb::Count => "countTokens",
    };
    let name = bare(model);
    let folder = if name.starts_with("tunedModels/") {
        ""
    } else {
        "models/"
    };
    let mut path = format!("/v1beta/{folder}");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // writing to a text cannot fail
            let _written = write!(path, "%{byte:02X}");
        }
    }
    path.push(':');
    path.push_str(verb);
    path
}

/// A model's name without what lists put in front of it.
pub fn bare(model: &str) -> &str {
    model.strip_prefix("models/").unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_place() {
        for (model, expected) in [
            ("gemini-2.5-pro", "models/gemini-2.5-pro"),
            ("models/gemini-2.5-pro", "models/gemini-2.5-pro"),
            ("tunedModels/mine", "tunedModels/mine"),
            ("a:b?c#d%2F", "models/a%3Ab%3Fc%23d%252F"),
        ] {
            let path = path(model, Verb::Generate);
            assert_eq!(path, format!("/v1beta/{expected}:generateContent"));
        }
        assert!(path("m", Verb::Stream).ends_with("/m:streamGenerateContent?alt=sse"));
    }
}
