//! The templates of `tools.toml` and what is put into them.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::calls::Caller;
use crate::catalog::Model;

/// Shown where the limits of a model are not known here.
const ASSUMED: (i64, i64) = (128_000, 8_192);

/// One tool, as the file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Tool {
    /// In addresses.
    pub(in crate::web) id: String,
    /// What people call it.
    pub(in crate::web) name: String,
    /// The file or the panel that the settings go into.
    pub(in crate::web) place: String,
    /// The file name of a download; empty where the settings are typed.
    #[serde(default)]
    pub(in crate::web) download: String,
    /// Whether the facts were read in the tool's own documentation or source.
    pub(in crate::web) checked: bool,
    /// What it speaks, by the name in records; empty for chat completions.
    #[serde(default)]
    dialect: String,
    /// The environment variable that it reads the key from; empty where the settings hold the key.
    #[serde(default)]
    pub(in crate::web) variable: String,
    /// The shape of `{models}`: `opencode`.
    #[serde(default)]
    models: String,
    /// What to know, in English.
    pub(in crate::web) note_en: String,
    /// The same in Chinese.
    pub(in crate::web) note_zh: String,
    text: String,
}

#[derive(Debug, Default, Deserialize)]
struct File {
    tool: Vec<Tool>,
}

/// All tools, in the order of the page.
pub(in crate::web) fn tools() -> &'static [Tool] {
    static TOOLS: LazyLock<File> =
        LazyLock::new(|| toml::from_str(include_str!("tools.toml")).unwrap_or_default());
    &TOOLS.tool
}

/// The tool of this id.
pub(in crate::web) fn find(id: &str) -> Option<&'static Tool> {
    tools().iter().find(|tool| tool.id == id)
}

/// What goes into a template.
pub(in crate::web) struct Values {
    root: String,
    key: String,
    /// Name, context and largest answer of every chat model.
    models: Vec<(String, Option<i64>, Option<i64>)>,
    chosen: usize,
}

impl Values {
    /// With the chat models of a key, `wanted` or the first of them chosen; nothing where it has none.
    pub(in crate::web) fn new(
        root: &str,
        key: &str,
        models: &[Arc<Model>],
        wanted: &str,
    ) -> Option<Self> {
        let chat = models.iter().filter(|model| &*model.kind == "chat");
        let models: Vec<_> = chat
            .map(|m| (m.name.to_string(), m.context_length, m.max_output_tokens))
            .collect();
        let chosen = models.iter().position(|(name, ..)| name == wanted);
        (!models.is_empty()).then(|| Self {
            root: root.to_owned(),
            key: key.to_owned(),
            chosen: chosen.unwrap_or(0),
            models,
        })
    }

    /// The models to choose from, and whether each is the chosen one.
    pub(in crate::web) fn choices(&self) -> Vec<(String, bool)> {
        let models = self.models.iter().enumerate();
        models
            .map(|(at, (name, ..))| (name.clone(), at == self.chosen))
            .collect()
    }

    /// The chosen model.
    pub(in crate::web) fn model(&self) -> &str {
        self.models.get(self.chosen).map_or("", |(name, ..)| name)
    }

    /// What stands for the key: the key itself where it has just been issued.
    pub(in crate::web) fn key(&self) -> &str {
        &self.key
    }

    /// Whether a limit of the chosen model is not known here.
    pub(in crate::web) fn are_assumed(&self) -> bool {
        let (_, context, output) = self.limits();
        context.is_none() || output.is_none()
    }

    fn limits(&self) -> (&str, Option<i64>, Option<i64>) {
        let chosen = self.models.get(self.chosen);
        chosen.map_or(("", None, None), |(name, context, output)| {
            (name, *context, *output)
        })
    }

    fn value(&self, name: &str, shape: &str) -> Option<String> {
        let (model, context, output) = self.limits();
        Some(match name {
            "root" => self.root.clone(),
            "base_url" => format!("{}/v1", self.root),
            "key" => self.key.clone(),
            "model" => model.to_owned(),
            "context" => context.unwrap_or(ASSUMED.0).to_string(),
            "output" => output.unwrap_or(ASSUMED.1).to_string(),
            "models" if shape == "opencode" => self.opencode(),
            _ => return None,
        })
    }

    /// Every model with its limits, as `OpenCode` asks for them; limits that are not known are left out.
    fn opencode(&self) -> String {
        let mut all = Map::new();
        for (name, context, output) in &self.models {
            let mut model = json!({ "name": name });
            if let (Some(context), Some(output)) = (context, output) {
                model["limit"] = json!({ "context": context, "output": output });
            }
            all.insert(name.clone(), model);
        }
        let text = serde_json::to_string_pretty(&Value::Object(all)).unwrap_or_default();
        text.replace('\n', "\n      ")
    }

    #[cfg(test)]
    pub(in crate::web) fn sample() -> Self {
        Self {
            root: "https://gate.example/base".to_owned(),
            key: "YOUR_KEY".to_owned(),
            models: vec![
                ("org/{key}-$x:free".to_owned(), Some(128_000), Some(16_384)),
                ("plain".to_owned(), None, None),
            ],
            chosen: 0,
        }
    }
}

impl Tool {
    /// What the tool speaks.
    pub(in crate::web) fn dialect(&self) -> Caller {
        let named = Caller::ALL.into_iter().find(|c| c.name() == self.dialect);
        named.unwrap_or(Caller::Chat)
    }

    /// Whether the key itself stands in the settings.
    pub(in crate::web) fn holds_key(&self) -> bool {
        self.text.contains("{key}")
    }

    /// The settings. What is put in is not looked at again, so that a model may be called what it likes.
    pub(in crate::web) fn text(&self, values: &Values) -> String {
        let mut out = String::with_capacity(self.text.len());
        let mut rest = self.text.trim_start();
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let filled = after
                .split_once('}')
                .and_then(|(name, tail)| Some((values.value(name, &self.models)?, tail)));
            if let Some((value, tail)) = filled {
                out.push_str(&value);
                rest = tail;
            } else {
                out.push('{');
                rest = after;
            }
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_filled_in_and_still_what_it_should_be() {
        let values = Values::sample();
        assert!(tools().len() >= 16);
        for tool in tools() {
            let text = tool.text(&values);
            assert!(text.contains("gate.example"), "{}: {text}", tool.id);
            assert!(!text.contains("{base_url}") && !text.contains("{model}"));
            assert!(
                tool.dialect.is_empty() || tool.dialect().name() == tool.dialect,
                "{}",
                tool.id
            );
            if std::path::Path::new(&tool.download)
                .extension()
                .is_some_and(|e| e == "json")
            {
                let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| {
                    panic!("{}: {e}\n{text}", tool.id);
                });
                assert!(json.is_object());
            }
            assert!(
                tool.holds_key() == tool.variable.is_empty(),
                "{}: where the key goes",
                tool.id
            );
            assert_eq!(
                tool.note_en.is_empty(),
                tool.note_zh.is_empty(),
                "{}",
                tool.id
            );
        }
    }

    #[test]
    fn opencode_gets_every_model_with_its_limits() {
        let tool = tools().iter().find(|tool| tool.id == "opencode").unwrap();
        let json: Value = serde_json::from_str(&tool.text(&Values::sample())).unwrap();
        let provider = &json["provider"]["modelgate"];
        assert_eq!(
            provider["options"]["baseURL"],
            "https://gate.example/base/v1"
        );
        assert_eq!(provider["options"]["apiKey"], "{env:MODELGATE_API_KEY}");
        let models = &provider["models"];
        assert_eq!(models["org/{key}-$x:free"]["limit"]["output"], 16_384);
        assert!(models["plain"].get("limit").is_none());
    }
}
