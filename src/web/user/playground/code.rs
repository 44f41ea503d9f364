//! The same call as a program makes it: curl, Python, Node. The key is a placeholder.

use serde_json::{Map, Value};

use super::ask::Ask;

/// A program.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// The call as each of them writes it.
pub(super) fn of(ask: &Ask, root: &str, key: &str) -> Vec<Code> {
    let base = format!("{root}/v1");
    let code = |name, text| Code { name, text };
    vec![
        code("curl", curl(ask, &base, key)),
        code("Python", python(ask, &base, key)),
        code("Node.js", node(ask, &base, key)),
    ]
}

fn curl(ask: &Ask, base: &str, key: &str) -> String {
    let members = ask.members(false).into_iter();
    let body: Map<String, Value> = members.map(|(k, v)| (k.to_owned(), v)).collect();
    let body = serde_json::to_string_pretty(&body).unwrap_or_default();
    format!(
        "curl {} \\\n  -H {} \\\n  -H 'Content-Type: application/json' \\\n  -d {}\n",
        quoted(&format!("{base}/chat/completions")),
        quoted(&format!("Authorization: Bearer {key}")),
        quoted(&body)
    )
}

/// For a shell: within single quotes nothing means anything but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A string of JSON is one of Python and of JavaScript, too.
fn string(text: &str) -> String {
    // the two line ends that older JavaScript does not take in a string
    Value::from(text)
        .to_string()
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

fn literal(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(message).collect();
            format!("[\n        {},\n    ]", items.join(",\n        "))
        }
        Value::String(text) => string(text),
        other => other.to_string(),
    }
}

fn message(value: &Value) -> String {
    let part = |name: &str| string(value[name].as_str().unwrap_or_default());
    format!(
        "{{\"role\": {}, \"content\": {}}}",
        part("role"),
        part("content")
    )
}

fn python(ask: &Ask, base: &str, key: &str) -> String {
    let members: Vec<String> = ask
        .members(false)
        .iter()
        .map(|(name, value)| format!("    {name}={},\n", literal(value)))
        .collect();
    format!(
        "from openai import OpenAI\n\nclient = OpenAI(base_url={}, api_key={})\n\nanswer = client.chat.completions.create(\n{})\nprint(answer.choices[0].message.content)\n",
        string(base),
        string(key),
        members.concat()
    )
}

fn node(ask: &Ask, base: &str, key: &str) -> String {
    let members: Vec<String> = ask
        .members(false)
        .iter()
        .map(|(name, value)| format!("    {name}: {},\n", literal(value)))
        .collect();
    format!(
        "import OpenAI from \"openai\";\n\nconst client = new OpenAI({{ baseURL: {}, apiKey: {} }});\n\nconst answer = await client.chat.completions.create({{\n{}}});\nconsole.log(answer.choices[0].message.content);\n",
        string(base),
        string(key),
        members.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stays_within_its_quotes() {
        let hostile = "it's \"$(x)\" \\ \n `y` \u{2028}";
        let codes = of(&Ask::sample(hostile), "https://gate.example", "YOUR_KEY");
        let curl = &codes[0].text;
        assert!(curl.contains(r"it'\''s"), "{curl}");
        assert!(curl.contains("'https://gate.example/v1/chat/completions'"));
        for code in &codes[1..] {
            assert!(
                code.text.contains(r#""it's \"$(x)\" \\ \n `y` \u2028""#),
                "{}",
                code.text
            );
            assert!(code.text.contains("\"org/m'x\"") && code.text.contains("0.7"));
            assert!(code.text.contains("YOUR_KEY"));
        }
    }
}
