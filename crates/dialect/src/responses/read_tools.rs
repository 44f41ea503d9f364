//! The tools of a request for a response, read into the hub.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::hub::features::{self as known, Notes};
use crate::hub::fields::{Fields, Path, Refusal, is_text, text};
use crate::hub::{Choice, Request, Tool};

/// What stands in for the schema of a tool that takes one text.
const ONE_TEXT: &str = r#"{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}"#;

/// Tools that the client runs and that only OpenAI's models know how to call.
const CLIENT_TOOLS: [&str; 5] = [
    "local_shell",
    "shell",
    "apply_patch",
    "computer",
    "computer_use_preview",
];

/// The tools, those in namespaces after the others.
pub(super) fn tools<'a>(
    fields: &mut Fields<'a>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let root = Path::ROOT;
    let here = root.to("tools");
    let mut spaces = Vec::new();
    for (index, raw) in fields.list("tools", &root)?.into_iter().enumerate() {
        let at = here.nth(index);
        let mut tool = Fields::read(raw.get(), &at)?;
        let kind = tool.need_text("type", &at)?;
        if kind == "namespace" {
            spaces.push((index, tool));
        } else {
            read_tool(&kind, tool, (None, &at), request, notes)?;
        }
    }
    for (index, space) in spaces {
        read_space(space, &here.nth(index), request, notes)?;
    }
    Ok(())
}

/// The functions of a namespace. What is said of all of them is told with the first.
fn read_space<'a>(
    mut space: Fields<'a>,
    at: &Path<'_>,
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    let namespace = space.need_text("name", at)?;
    let described = space.text("description", at)?;
    let before = request.tools.len();
    let here = at.to("tools");
    for (index, raw) in space.list("tools", at)?.into_iter().enumerate() {
        let at = here.nth(index);
        let mut tool = Fields::read(raw.get(), &at)?;
        let kind = tool.need_text("type", &at)?;
        read_tool(&kind, tool, (Some(&namespace), &at), request, notes)?;
    }
    if let Some(first) = request.tools.get_mut(before)
        && let Some(said) = described.filter(|said| !said.trim().is_empty())
    {
        let own = first.description.as_deref().unwrap_or_default();
        first.description = Some(Cow::Owned(format!("{namespace}: {said}\n\n{own}")));
    }
    notes.left("tools", &space);
    Ok(())
}

/// The name of a tool that an item or a choice names, with its namespace.
pub(super) fn name_of<'a>(
    fields: &mut Fields<'a>,
    at: &Path<'_>,
    request: &mut Request<'a>,
) -> Result<Cow<'a, str>, Refusal> {
    let name = fields.need_text("name", at)?;
    let namespace = fields.text("namespace", at)?;
    Ok(match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => Cow::Owned(joined(&namespace, &name, request)),
        None => name,
    })
}

fn joined(namespace: &str, name: &str, request: &mut Request<'_>) -> String {
    let (spaces, tools) = (&mut request.spaces, &request.tools);
    spaces.join(namespace, name, |name| {
        tools.iter().any(|tool| tool.name == name)
    })
}

/// Tools that run at OpenAI are left out, since clients offer them unasked; without them the model does what it can.
/// Without those of [`CLIENT_TOOLS`] an agent could do nothing: they are refused.
fn read_tool<'a>(
    kind: &str,
    mut tool: Fields<'a>,
    (namespace, at): (Option<&str>, &Path<'_>),
    request: &mut Request<'a>,
    notes: &mut Notes,
) -> Result<(), Refusal> {
    if CLIENT_TOOLS.contains(&kind) {
        let what = "a tool that only OpenAI's models can call; offer it as a function";
        return Err(Refusal::unsupported(&at.to("type"), what));
    }
    if kind != "function" && kind != "custom" {
        notes.drop(known::HOSTED_TOOL.responses);
        return Ok(());
    }
    let name = tool.need_text("name", at)?;
    let name = match namespace {
        Some(namespace) => Cow::Owned(joined(namespace, &name, request)),
        None => name,
    };
    // nothing is looked for later: all tools are told at once
    tool.take("defer_loading");
    let mut read = Tool {
        name,
        description: tool.text("description", at)?,
        schema: tool.take("parameters").map(Cow::Borrowed),
        strict: tool.flag("strict", at)?,
        cache: None,
    };
    if kind == "custom" {
        read.schema = serde_json::from_str(ONE_TEXT).ok().map(Cow::Borrowed);
        request.customs.push(read.name.clone().into_owned());
        if tool
            .take("format")
            .is_some_and(|format| !format.get().contains("\"text\""))
        {
            notes.drop(known::GRAMMAR.responses);
        }
    }
    notes.left("tools", &tool);
    request.tools.push(read);
    Ok(())
}

pub(super) fn choice<'a>(
    raw: &'a RawValue,
    at: &Path<'_>,
    request: &mut Request<'a>,
) -> Result<Choice<'a>, Refusal> {
    if is_text(raw) {
        return match &*text(raw, at)? {
            "auto" => Ok(Choice::Auto),
            "none" => Ok(Choice::None),
            "required" => Ok(Choice::Any),
            _ => Err(Refusal::kind(at, "none, auto, required or a tool")),
        };
    }
    let mut choice = Fields::read(raw.get(), at)?;
    match &*choice.need_text("type", at)? {
        "function" | "custom" => Ok(Choice::Named(name_of(&mut choice, at, request)?)),
        _ => {
            let what = "a choice among some of the tools";
            Err(Refusal::unsupported(&at.to("type"), what))
        }
    }
}
