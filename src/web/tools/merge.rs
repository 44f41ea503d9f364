//! Puts this gateway into an `opencode.json` that somebody has, in its own text: order, indentation and comments of
//! everything else stay as they are. Reads JSON with comments and trailing commas, as the tool does.

use std::ops::Range;

use serde_json::Value;

/// No file that a person wrote nests deeper.
const DEPTH: usize = 64;

/// A file with this gateway in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::web) struct Merged {
    /// The whole text.
    pub(in crate::web) text: String,
    /// Whether the settings that were replaced had comments in them.
    pub(in crate::web) lost_comments: bool,
}

/// Why a text cannot be merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Bad {
    /// Something else was expected here; counted from 1.
    Syntax { line: usize, column: usize },
    /// The file as a whole is no object.
    NotAnObject,
    /// `provider` is no object.
    Provider,
}

/// Puts `provider` in as `provider.modelgate`, keeping a key that stood there, and names a `model` where none is named.
pub(in crate::web) fn merge(text: &str, provider: &Value, model: &str) -> Result<Merged, Bad> {
    let text = text.trim_start_matches('\u{feff}');
    let root = whole(text)?.ok_or(Bad::NotAnObject)?;
    let mut edits = Vec::new();
    let mut lost_comments = false;
    let mut first = Vec::new();
    if root.find("$schema").is_none() {
        first.push("\"$schema\": \"https://opencode.ai/config.json\"".to_owned());
    }
    if root.find("model").is_none() {
        first.push(format!(
            "\"model\": {}",
            Value::String(format!("modelgate/{model}"))
        ));
    }
    match root.find("provider") {
        None => {
            let block = pretty(provider, 2);
            first.push(format!(
                "\"provider\": {{\n    \"modelgate\": {block}\n  }}"
            ));
        }
        Some(value) => {
            let all = object(text, value.clone())?.ok_or(Bad::Provider)?;
            match all.find("modelgate") {
                None => {
                    let own = format!("\"modelgate\": {}", pretty(provider, 2));
                    edits.push(all.insert(text, "    ", &[own]));
                }
                Some(old) => {
                    let mut provider = provider.clone();
                    if let Some(key) = api_key(text, old)? {
                        provider["options"]["apiKey"] = key;
                    }
                    lost_comments = has_comment(&text[old.clone()]);
                    edits.push((old.clone(), pretty(&provider, 2)));
                }
            }
        }
    }
    if !first.is_empty() {
        edits.push(root.insert(text, "  ", &first));
    }
    Ok(Merged {
        text: apply(text, edits),
        lost_comments,
    })
}

/// From the last to the first, so that places stay what they are.
fn apply(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(at, _)| at.start);
    let mut out = text.to_owned();
    for (at, new) in edits.into_iter().rev() {
        out.replace_range(at, &new);
    }
    out
}

/// The key that stood in the settings that are replaced.
fn api_key(text: &str, old: &Range<usize>) -> Result<Option<Value>, Bad> {
    let Some(own) = object(text, old.clone())? else {
        return Ok(None);
    };
    let Some(options) = own.find("options") else {
        return Ok(None);
    };
    let Some(options) = object(text, options.clone())? else {
        return Ok(None);
    };
    let key = options.find("apiKey").map(|at| &text[at.clone()]);
    Ok(key.and_then(|key| serde_json::from_str(key).ok()))
}

fn pretty(value: &Value, levels: usize) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.replace('\n', &format!("\n{}", "  ".repeat(levels)))
}

/// An object: where it begins, and the place of each member's value.
#[derive(Debug)]
struct Object {
    /// Behind the brace.
    inside: usize,
    members: Vec<(String, Range<usize>)>,
}

impl Object {
    /// The last member of this name, which is the one that counts.
    fn find(&self, name: &str) -> Option<&Range<usize>> {
        let found = self.members.iter().rev().find(|(key, _)| key == name);
        found.map(|(_, at)| at)
    }

    /// New first members, each on a line of its own.
    fn insert(&self, text: &str, indent: &str, members: &[String]) -> (Range<usize>, String) {
        let comma = if self.members.is_empty() { "" } else { "," };
        let rest = &text[self.inside..];
        let own_line = rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n');
        let end = match (own_line, self.members.is_empty()) {
            (true, _) => String::new(),
            (false, true) => format!("\n{}", &indent[2..]),
            (false, false) => format!("\n{indent}"),
        };
        let members = members.join(&format!(",\n{indent}"));
        let new = format!("\n{indent}{members}{comma}{end}");
        (self.inside..self.inside, new)
    }
}

/// The object that the whole text is; `None` where it is something else.
fn whole(text: &str) -> Result<Option<Object>, Bad> {
    let mut scan = Scan { text, at: 0 };
    scan.space()?;
    let start = scan.at;
    let end = scan.value(DEPTH)?;
    scan.space()?;
    if scan.at < text.len() {
        return Err(scan.bad());
    }
    object(text, start..end)
}

/// The object in this place of a text that was read before; `None` where it is something else.
fn object(text: &str, at: Range<usize>) -> Result<Option<Object>, Bad> {
    if !text[at.clone()].starts_with('{') {
        return Ok(None);
    }
    let mut scan = Scan { text, at: at.start };
    let members = scan.members(DEPTH)?;
    Ok(Some(Object {
        inside: at.start + 1,
        members,
    }))
}

fn has_comment(text: &str) -> bool {
    let mut in_string = false;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_string => drop(bytes.next()),
            b'"' => in_string = !in_string,
            b'/' if !in_string && matches!(bytes.peek(), Some(b'/' | b'*')) => return true,
            _ => {}
        }
    }
    false
}

/// A place in a text.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl Scan<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn next(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn bad(&self) -> Bad {
        let before = &self.text[..self.at];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Bad::Syntax {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Takes the sign, or says that it is not there.
    fn takes(&mut self, sign: u8) -> Result<(), Bad> {
        if self.next() == Some(sign) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.bad())
        }
    }

    /// White space and comments.
    fn space(&mut self) -> Result<(), Bad> {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
            let skipped = rest.len() - trimmed.len();
            let comment = if trimmed.starts_with("//") {
                Some(trimmed.find('\n').unwrap_or(trimmed.len()))
            } else if trimmed.starts_with("/*") {
                let end = trimmed.find("*/").map(|end| end + 2);
                self.at += skipped;
                let length = end.ok_or_else(|| self.bad())?;
                self.at += length;
                continue;
            } else {
                None
            };
            self.at += skipped + comment.unwrap_or(0);
            if comment.is_none() {
                return Ok(());
            }
        }
    }

    /// Any value; where it ends.
    fn value(&mut self, depth: usize) -> Result<usize, Bad> {
        match self.next() {
            Some(_) if depth == 0 => return Err(self.bad()),
            Some(b'{') => drop(self.members(depth)?),
            Some(b'[') => self.items(depth)?,
            Some(b'"') => drop(self.string()?),
            _ => self.word()?,
        }
        Ok(self.at)
    }

    fn members(&mut self, depth: usize) -> Result<Vec<(String, Range<usize>)>, Bad> {
        let mut found = Vec::new();
        self.takes(b'{')?;
        loop {
            self.space()?;
            if self.next() == Some(b'}') {
                self.at += 1;
                return Ok(found);
            }
            let name = self.string()?;
            self.space()?;
            self.takes(b':')?;
            self.space()?;
            let start = self.at;
            let end = self.value(depth - 1)?;
            found.push((name, start..end));
            self.space()?;
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b'}') => {}
                _ => return Err(self.bad()),
            }
        }
    }

    fn items(&mut self, depth: usize) -> Result<(), Bad> {
        self.takes(b'[')?;
        loop {
            self.space()?;
            if self.next() == Some(b']') {
                self.at += 1;
                return Ok(());
            }
            self.value(depth - 1)?;
            self.space()?;
            match self.next() {
                Some(b',') => self.at += 1,
                Some(b']') => {}
                _ => return Err(self.bad()),
            }
        }
    }

    fn string(&mut self) -> Result<String, Bad> {
        let mut escaped = false;
        let rest = self.rest();
        if !rest.starts_with('"') {
            return Err(self.bad());
        }
        let end = rest.bytes().enumerate().skip(1).find(|(_, byte)| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        });
        let end = end.map(|(at, _)| at + 1).ok_or_else(|| self.bad())?;
        let text = serde_json::from_str(&rest[..end]).map_err(|_quotes| self.bad())?;
        self.at += end;
        Ok(text)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<(), Bad> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        let rest = self.rest();
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let word: Result<Value, _> = serde_json::from_str(&rest[..length]);
        word.map_err(|_quotes| self.bad())?;
        self.at += length;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn own() -> Value {
        json!({ "name": "ModelGate", "options": { "baseURL": "https://g/v1", "apiKey": "{env:K}" } })
    }

    fn merged(text: &str) -> Value {
        let merged = merge(text, &own(), "gpt-x").unwrap();
        serde_json::from_str(&merged.text).unwrap_or_else(|e| panic!("{e}: {}", merged.text))
    }

    #[test]
    fn it_is_put_in_and_the_rest_stays() {
        for text in [
            "{}",
            "{ }",
            "{\n}",
            "\u{feff}{\"theme\": \"dark\"}",
            "{\n  \"theme\": \"dark\"\n}\n",
            "{\"provider\":{}}",
            "{\"provider\": {\"other\": {\"x\": [1, {\"a\": null}]}}}",
            "{\n  \"provider\": {\n    \"other\": {}\n  }\n}",
            "{\"provider\": {\"modelgate\": {\"old\": true}}, \"z\": -1.5e3}",
        ] {
            let json = merged(text);
            assert_eq!(json["provider"]["modelgate"], own(), "{text}");
            assert_eq!(json["model"], "modelgate/gpt-x");
            assert_eq!(json["$schema"], "https://opencode.ai/config.json");
            assert_eq!(json.get("theme").is_some(), text.contains("theme"));
            assert_eq!(
                json["provider"].get("other").is_some(),
                text.contains("other")
            );
            // once more changes nothing
            let again = merge(&json.to_string(), &own(), "gpt-x").unwrap().text;
            assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), json);
        }
    }

    #[test]
    fn comments_order_and_a_key_of_ones_own_stay() {
        let text = "// mine\n{\n  \"zeta\": 1, /* why */\n  \"alpha\": \"// no comment\",\n  \"model\": \"x/y\",\n  \
                    \"provider\": {\n    // theirs\n    \"modelgate\": { \"options\": { \"apiKey\": \"sk-own\", } },\n  },\n}\n";
        let done = merge(text, &own(), "gpt-x").unwrap();
        for kept in [
            "// mine",
            "/* why */",
            "// theirs",
            "sk-own",
            "\"model\": \"x/y\"",
            "// no comment",
        ] {
            assert!(done.text.contains(kept), "{kept}: {}", done.text);
        }
        assert!(done.text.find("zeta") < done.text.find("alpha"));
        assert!(!done.lost_comments && !done.text.contains("{env:K}"));
        let inner = "{\"provider\": {\"modelgate\": {\n // old\n }}}";
        assert!(merge(inner, &own(), "gpt-x").unwrap().lost_comments);
        let address = "{\"provider\": {\"modelgate\": {\"a\": \"http://x\"}}}";
        assert!(!merge(address, &own(), "gpt-x").unwrap().lost_comments);
    }

    #[test]
    fn what_is_broken_says_where() {
        let at = |line, column| Err(Bad::Syntax { line, column });
        for (text, expected) in [
            ("", at(1, 1)),
            ("{\n  \"a\": 1\n  \"b\": 2\n}", at(3, 3)),
            ("{\"模\": tru}", at(1, 7)),
            ("{\"a\": \"open}", at(1, 7)),
            ("{\"a\": 1} x", at(1, 10)),
            ("{ /* open", at(1, 3)),
            ("[1]", Err(Bad::NotAnObject)),
            ("{\"provider\": []}", Err(Bad::Provider)),
        ] {
            assert_eq!(merge(text, &own(), "m"), expected, "{text}");
        }
        let deep = format!("{}{}", "{\"a\":".repeat(5_000), "[".repeat(5_000));
        assert!(matches!(merge(&deep, &own(), "m"), Err(Bad::Syntax { .. })));
    }
}
