//! Writing JSON piece by piece: no tree in between, commas by themselves.

use serde_json::value::RawValue;

/// A JSON text under construction. Whoever opens something closes it: that is what the closures are for.
#[derive(Debug, Default)]
pub struct Json {
    out: Vec<u8>,
    /// Something stands before in the same object or array.
    comma: bool,
}

impl Json {
    /// A whole object.
    pub fn object(fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut json = Self::default();
        json.nested(b'{', b'}', fill);
        json.out
    }

    /// Writes behind what `out` holds, and gives it back.
    pub fn append(out: Vec<u8>, fill: impl FnOnce(&mut Self)) -> Vec<u8> {
        let mut json = Self { out, comma: false };
        json.nested(b'{', b'}', fill);
        json.out
    }

    fn nested(&mut self, open: u8, close: u8, fill: impl FnOnce(&mut Self)) {
        self.out.push(open);
        self.comma = false;
        fill(self);
        self.out.push(close);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.out.push(b',');
        }
        self.comma = true;
    }

    fn quoted(&mut self, text: &str) {
        // writing a text to a vector cannot fail
        let _written = serde_json::to_writer(&mut self.out, text);
    }

    fn key(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.out.push(b':');
    }

    /// A member that is a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.quoted(value);
    }

    /// The same where there is one.
    pub fn maybe_text(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member that is a whole number.
    pub fn number(&mut self, name: &str, value: i64) {
        self.raw(name, &value.to_string());
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }

    /// A member that is `null`.
    pub fn null(&mut self, name: &str) {
        self.raw(name, "null");
    }

    /// A member whose value is JSON already.
    pub fn raw(&mut self, name: &str, value: &str) {
        self.key(name);
        self.out.extend_from_slice(value.as_bytes());
    }

    /// The same where there is one.
    pub fn maybe_raw(&mut self, name: &str, value: Option<&RawValue>) {
        if let Some(value) = value {
            self.raw(name, value.get());
        }
    }

    /// A member that is an object.
    pub fn member(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        self.nested(b'{', b'}', fill);
    }

    /// A member that is an array.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        self.nested(b'[', b']', fill);
    }

    /// An object in an array.
    pub fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.nested(b'{', b'}', fill);
    }

    /// A text in an array.
    pub fn item_text(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_come_by_themselves() {
        let json = Json::object(|j| {
            j.array("empty", |_| {});
            j.array("list", |j| {
                j.item(|j| j.text("a", "\"é\n"));
                j.item(|_| {});
                j.item_text("x");
            });
            j.member("inner", |j| {
                j.number("n", -1);
                j.flag("yes", true);
                j.null("nothing");
            });
            j.raw("raw", "[1, 2]");
        });
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"empty":[],"list":[{"a":"\"é\n"},{},"x"],"inner":{"n":-1,"yes":true,"nothing":null},"raw":[1, 2]}"#
        );
    }
}
