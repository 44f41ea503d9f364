//! A request to generate content, written from the hub. Its model and whether it streams stand in the address.

use std::borrow::Cow;
use std::collections::HashMap;

use super::write_answer::write_args;
use crate::convert::{Back, Target};
use crate::dialect::{Caller, Dialect};
use crate::hub::features::{self as known, Notes};
use crate::hub::fields::Refusal;
use crate::hub::json::Json;
use crate::hub::models::{self, GeminiThinking};
use crate::hub::seal::{self, Maker};
use crate::hub::{
    Choice, Effort, Kind, Outcome, Part, Request, Role, Source, Thinking, media_type,
};

/// The longest name of a function.
const NAME: usize = 64;
/// The most texts that end an answer (`https://ai.google.dev/api/generate-content#generationconfig`).
const MOST_STOPS: usize = 5;
/// What Google's reference gives for calls whose seal was lost or that another model made: checking is skipped.
const SKIP: &str = "skip_thought_signature_validator";
/// In front of the names of parameters that stand in an object of their own.
const CONFIG: &str = "generationConfig.";

/// Writes the body for a target.
pub fn write(
    request: &Request<'_>,
    target: &Target<'_>,
    back: &mut Back,
) -> Result<Vec<u8>, Refusal> {
    let model = models::gemini(target.model);
    let way = (target.from, Dialect::Gemini);
    let extras = known::known(&request.extras, way, &mut back.notes)?;
    let forms = model.forms_beside_tools || request.tools.is_empty();
    note(request, forms, target.from, &mut back.notes);
    let turns = merged(request, back);
    Ok(Json::object(|json| {
        system(json, request);
        json.array("contents", |json| {
            if turns
                .first()
                .is_none_or(|turn| turn.role == Role::Assistant)
            {
                json.item(|json| {
                    json.text("role", "user");
                    json.array("parts", |json| json.item(|json| json.text("text", "...")));
                });
            }
            // the names of the functions by the ids of their calls, which some clients use again
            let mut names = HashMap::new();
            for turn in &turns {
                names.extend(turn.calls());
                json.item(|json| contents(json, turn, &names, model.thinking, back));
            }
        });
        tools(json, request, back);
        json.member("generationConfig", |json| {
            generation(json, request);
            if forms {
                form(json, request);
            }
            if let Some(wanted) = request.thinking {
                thinking(json, wanted, model.thinking, target.from, &mut back.notes);
            }
            for (name, value) in &extras {
                if let Some(name) = name.strip_prefix(CONFIG) {
                    json.raw(name, value.get());
                }
            }
        });
        for (name, value) in &extras {
            if !name.starts_with(CONFIG) {
                json.raw(name, value.get());
            }
        }
    }))
}

/// What this dialect has nothing for.
fn note(request: &Request<'_>, forms: bool, caller: Caller, notes: &mut Notes) {
    if request.schema.is_some() && !forms {
        notes.drop(known::SCHEMA.of(caller));
    }
    if request.json && !forms {
        notes.drop(known::JSON_OBJECT.of(caller));
    }
    if request.stop.len() > MOST_STOPS {
        notes.drop(known::STOP.of(caller));
    }
    let said = request.turns.iter().flat_map(|turn| &turn.parts);
    if request.has_cache_marks() {
        notes.drop(known::CACHE.of(caller));
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        notes.drop(known::STRICT.of(caller));
    }
    if request.parallel == Some(false) {
        notes.drop(known::PARALLEL.of(caller));
    }
    if request.user.is_some() {
        notes.drop(known::USER.of(caller));
    }
    for part in said {
        if matches!(&part.kind, Kind::Image(_, Some(detail)) if detail != "auto") {
            notes.drop(known::DETAIL.of(caller));
        }
    }
}

/// One side's turn, with the seal that belongs to each part.
struct Merged<'r> {
    role: Role,
    parts: Vec<(&'r Part<'r>, Option<&'r str>)>,
    /// A seal after the last part.
    last: Option<&'r str>,
}

impl<'r> Merged<'r> {
    /// The ids and names of the calls in it.
    fn calls(&self) -> impl Iterator<Item = (&'r str, &'r str)> {
        self.parts.iter().filter_map(|(part, _)| match &part.kind {
            Kind::Call(call) => Some((&*call.id, &*call.name)),
            _ => None,
        })
    }
}

/// Turns of the same side in one, without what cannot be sent.
fn merged<'r>(request: &'r Request<'r>, back: &mut Back) -> Vec<Merged<'r>> {
    let mut out: Vec<Merged<'r>> = Vec::new();
    for turn in &request.turns {
        if out.last().is_none_or(|last| last.role != turn.role) {
            let (parts, last) = (Vec::new(), None);
            let role = turn.role;
            out.push(Merged { role, parts, last });
        }
        let Some(merged) = out.last_mut() else {
            continue;
        };
        for part in &turn.parts {
            match &part.kind {
                Kind::Thinking { text, signature } => {
                    match seal::unmarked(Maker::Gemini, signature) {
                        Some(seal) => merged.last = Some(seal),
                        None if signature.is_empty() && text.is_empty() => {}
                        None => back.notes.drop(known::thoughts(back.caller, signature)),
                    }
                }
                Kind::Sealed(_) => back.notes.drop(known::SIGNED.of(back.caller)),
                Kind::Text(text) if text.is_empty() => {}
                _ => merged.parts.push((part, merged.last.take())),
            }
        }
    }
    out.retain(|turn| !turn.parts.is_empty() || turn.last.is_some());
    out
}

fn system(json: &mut Json, request: &Request<'_>) {
    let texts = request.system.iter().filter_map(|part| match &part.kind {
        Kind::Text(text) if !text.is_empty() => Some(text),
        _ => None,
    });
    let texts: Vec<_> = texts.collect();
    if texts.is_empty() {
        return;
    }
    json.member("systemInstruction", |json| {
        json.array("parts", |json| {
            for text in texts {
                json.item(|json| json.text("text", text));
            }
        });
    });
}

fn contents(
    json: &mut Json,
    turn: &Merged<'_>,
    names: &HashMap<&str, &str>,
    thinks: GeminiThinking,
    back: &mut Back,
) {
    json.text(
        "role",
        match turn.role {
            Role::User | Role::System => "user",
            Role::Assistant => "model",
        },
    );
    let is_call = |part: &Part<'_>| matches!(part.kind, Kind::Call(_));
    let first = turn.parts.iter().position(|(part, _)| is_call(part));
    json.array("parts", |json| {
        for (at, (part, seal)) in turn.parts.iter().enumerate() {
            // models that check the first call of a turn refuse one that another model has made
            let checked = thinks == GeminiThinking::Level && first == Some(at);
            let seal = seal.or(checked.then_some(SKIP));
            json.item(|json| {
                write_part(json, part, names, back);
                json.maybe_text("thoughtSignature", seal);
            });
            if let Kind::Result(outcome) = &part.kind {
                let shown = outcome.parts.iter();
                let shown = shown.filter(|part| !matches!(part.kind, Kind::Text(_)));
                shown.for_each(|part| json.item(|json| write_part(json, part, names, back)));
            }
        }
        if let Some(seal) = turn.last {
            json.item(|json| {
                json.text("text", "");
                json.text("thoughtSignature", seal);
            });
        }
    });
}

fn write_part(json: &mut Json, part: &Part<'_>, names: &HashMap<&str, &str>, back: &mut Back) {
    match &part.kind {
        Kind::Text(text) => json.text("text", text),
        Kind::Image(source, _) => file(json, source, "image/jpeg"),
        Kind::Document(source, _) => file(json, source, "application/pdf"),
        Kind::Call(call) => json.member("functionCall", |json| {
            json.text("id", &call.id);
            json.text("name", &back.names.out_lettered(&call.name, NAME));
            write_args(json, &call.arguments);
        }),
        Kind::Result(outcome) => json.member("functionResponse", |json| {
            json.text("id", &outcome.id);
            let name = names.get(&*outcome.id).copied().unwrap_or("unknown");
            json.text("name", &back.names.out_lettered(name, NAME));
            json.member("response", |json| result(json, outcome));
        }),
        // sorted out before
        Kind::Thinking { .. } | Kind::Sealed(_) => json.text("text", ""),
    }
}

/// What a function gave back, under the names that the reference has for it.
fn result(json: &mut Json, outcome: &Outcome<'_>) {
    let texts = outcome.parts.iter().filter_map(|part| match &part.kind {
        Kind::Text(text) => Some(&**text),
        _ => None,
    });
    let said = texts.collect::<Vec<_>>().join("\n");
    json.text(if outcome.failed { "error" } else { "output" }, &said);
}

fn file(json: &mut Json, source: &Source<'_>, usual: &str) {
    match source {
        Source::Data { media, data } => json.member("inlineData", |json| {
            json.text("mimeType", media_type(media));
            json.text("data", data);
        }),
        Source::Url(url) => json.member("fileData", |json| {
            json.text("mimeType", media_of(url).unwrap_or(usual));
            json.text("fileUri", url);
        }),
    }
}

/// The media type that the ending of an address stands for.
fn media_of(url: &str) -> Option<&'static str> {
    const ENDINGS: [(&str, &str); 7] = [
        (".png", "image/png"),
        (".webp", "image/webp"),
        (".gif", "image/gif"),
        (".heic", "image/heic"),
        (".jpg", "image/jpeg"),
        (".jpeg", "image/jpeg"),
        (".pdf", "application/pdf"),
    ];
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path.to_ascii_lowercase();
    let found = ENDINGS.iter().find(|(ending, _)| path.ends_with(ending));
    found.map(|(_, media)| *media)
}

fn tools(json: &mut Json, request: &Request<'_>, back: &mut Back) {
    if request.tools.is_empty() {
        return;
    }
    json.array("tools", |json| {
        json.item(|json| {
            json.array("functionDeclarations", |json| {
                for tool in &request.tools {
                    json.item(|json| {
                        json.text("name", &back.names.out_lettered(&tool.name, NAME));
                        json.maybe_text("description", tool.description.as_deref());
                        json.maybe_raw("parametersJsonSchema", tool.schema.as_deref());
                    });
                }
            });
        });
    });
    let (mode, only) = match &request.choice {
        None => return,
        Some(Choice::Auto) => ("AUTO", None),
        Some(Choice::None) => ("NONE", None),
        Some(Choice::Any) => ("ANY", None),
        Some(Choice::Named(name)) => ("ANY", Some(back.names.out_lettered(name, NAME))),
    };
    json.member("toolConfig", |json| {
        json.member("functionCallingConfig", |json| {
            json.text("mode", mode);
            if let Some(name) = only {
                json.array("allowedFunctionNames", |json| json.item_text(&name));
            }
        });
    });
}

fn generation(json: &mut Json, request: &Request<'_>) {
    if let Some(most) = request.max_output {
        json.number("maxOutputTokens", most);
    }
    json.maybe_raw("temperature", request.temperature);
    json.maybe_raw("topP", request.top_p);
    if !request.stop.is_empty() {
        json.array("stopSequences", |json| {
            let stops = request.stop.iter().take(MOST_STOPS);
            stops.for_each(|stop| json.item_text(stop));
        });
    }
}

/// The form of the answer's text.
fn form(json: &mut Json, request: &Request<'_>) {
    if request.json || request.schema.is_some() {
        json.text("responseMimeType", "application/json");
    }
    if let Some(schema) = &request.schema {
        json.raw("responseJsonSchema", schema.schema.get());
    }
}

fn thinking(
    json: &mut Json,
    wanted: Thinking,
    thinks: GeminiThinking,
    caller: Caller,
    notes: &mut Notes,
) {
    let told: Option<(&str, Cow<'_, str>)> = match (thinks, wanted) {
        (GeminiThinking::None, Thinking::Off) => return,
        (GeminiThinking::None, _) => return notes.drop(known::EFFORT.of(caller)),
        (GeminiThinking::Level, Thinking::Off) => Some(("thinkingLevel", "\"low\"".into())),
        (GeminiThinking::Level, Thinking::Effort(effort)) => Some(("thinkingLevel", level(effort))),
        (GeminiThinking::Level, Thinking::Budget(tokens)) => {
            Some(("thinkingLevel", level(Effort::of_budget(tokens))))
        }
        (GeminiThinking::Level, Thinking::Free) => None,
        (GeminiThinking::Budget { off, .. }, Thinking::Off) => {
            Some(("thinkingBudget", off.to_string().into()))
        }
        (GeminiThinking::Budget { most, .. }, Thinking::Effort(effort)) => Some((
            "thinkingBudget",
            effort.budget().min(most).to_string().into(),
        )),
        (GeminiThinking::Budget { least, most, .. }, Thinking::Budget(tokens)) => Some((
            "thinkingBudget",
            tokens.clamp(least, most).to_string().into(),
        )),
        (GeminiThinking::Budget { .. }, Thinking::Free) => Some(("thinkingBudget", "-1".into())),
    };
    json.member("thinkingConfig", |json| {
        if let Some((name, value)) = told {
            json.raw(name, &value);
        }
        if wanted != Thinking::Off {
            json.flag("includeThoughts", true);
        }
    });
}

/// The levels that all models of the family know.
fn level(effort: Effort) -> Cow<'static, str> {
    Cow::Borrowed(match effort {
        Effort::Minimal | Effort::Low => "\"low\"",
        Effort::Medium | Effort::High | Effort::Extra | Effort::Max => "\"high\"",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_is_that_of_the_ending() {
        assert_eq!(media_of("https://a/b.PNG?x=.pdf"), Some("image/png"));
        assert_eq!(media_of("https://a/b"), None);
    }
}
