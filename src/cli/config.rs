//! `modelgate config`: every setting, what holds, and why.

use modelgate_store::{Db, StoreError, settings};
use serde_json::json;

use super::args::ConfigArgs;
use super::output::Output;
use super::{CliError, Session};
use crate::config::{Effective, Setting, registry};

/// Runs the command.
pub(super) async fn run(
    session: &Session,
    args: &ConfigArgs,
    out: &mut Output,
) -> Result<(), CliError> {
    if args.markdown {
        return markdown(out);
    }
    let (saved, note) = match saved(session).await {
        Ok(saved) => (saved, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let saved = saved.iter().map(|(k, v)| (k.as_str(), v.as_str()));
    let effective = Effective::merge(&session.config, saved);
    let rows: Vec<Vec<String>> = effective.settings.iter().map(row).collect();
    out.table(&["NAME", "VALUE", "FROM", "CHANGES"], &rows)?;
    for setting in &effective.settings {
        if let Some(problem) = &setting.problem {
            out.say(format_args!("\nnot in force: {problem}"))?;
        }
    }
    if let Some(note) = &note {
        out.say(format_args!(
            "\nwithout what is saved in the database: {note}"
        ))?;
    }
    let list: Vec<_> = effective
        .settings
        .iter()
        .map(|s| {
            json!({
                "name": s.variable.name,
                "value": s.value,
                "from": s.origin.as_str(),
                "default": s.variable.default_text(),
                "at_run_time": s.variable.setting.is_some(),
                "secret": s.variable.secret,
                "help": s.variable.help,
                "problem": s.problem.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    out.json(&json!({ "settings": list, "database": note }))
}

fn row(setting: &Setting) -> Vec<String> {
    let when = match setting.variable.setting {
        Some(_) => "at run time",
        None => "at start",
    };
    vec![
        setting.variable.name.to_owned(),
        setting.value.clone().unwrap_or_else(|| "-".to_owned()),
        setting.origin.as_str().to_owned(),
        when.to_owned(),
    ]
}

/// What administrators saved; the error says why that is not known.
async fn saved(session: &Session) -> Result<Vec<(String, String)>, String> {
    if !session.has_database() {
        return Ok(Vec::new());
    }
    let db = session.open_existing().await.map_err(|e| e.to_string())?;
    saved_in(&db).await.map_err(|e| e.to_string())
}

/// The settings that are saved in a database: key and text.
pub(super) async fn saved_in(db: &Db) -> Result<Vec<(String, String)>, StoreError> {
    let rows = db
        .read(|c| Box::pin(async move { settings::list(c).await }))
        .await?;
    Ok(rows
        .into_iter()
        .map(|s| (s.key, text_of(&s.value)))
        .collect())
}

fn markdown(out: &mut Output) -> Result<(), CliError> {
    let mut text = "| name | default | at run time | meaning |\n|---|---|---|---|\n".to_owned();
    for variable in registry() {
        let default = match variable.default_text() {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        let live = if variable.setting.is_some() {
            "yes"
        } else {
            ""
        };
        let (name, help) = (variable.name, variable.help.replace('|', "\\|"));
        for part in [
            "| `", name, "` | ", &default, " | ", live, " | ", &help, " |\n",
        ] {
            text.push_str(part);
        }
    }
    out.raw(&text)
}

/// A stored value as the text that the environment would hold.
fn text_of(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    }
}
