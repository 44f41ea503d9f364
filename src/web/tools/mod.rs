//! How programs are pointed at this gateway: one template for each, filled in for whoever looks, wherever it is shown.

mod merge;
mod render;

pub(in crate::web) use merge::{Bad, merge};
pub(in crate::web) use render::{Tool, Values, find, tools};

use super::page::Page;
use super::public::landing::root_url;
use super::shell::Shell;
use super::state::WebState;
use crate::catalog::AllowedModels;
use crate::i18n::Lang;

/// One tool, as the template `_ui/tools.html` shows it.
pub(in crate::web) struct ToolView {
    pub(in crate::web) id: &'static str,
    pub(in crate::web) name: &'static str,
    pub(in crate::web) place: &'static str,
    pub(in crate::web) note: &'static str,
    pub(in crate::web) checked: bool,
    pub(in crate::web) text: String,
    /// What sets the key where the tool looks for it, on Linux and macOS and on Windows; nothing where the settings hold it.
    pub(in crate::web) shell: Option<(String, String)>,
    /// Whether the key itself stands in the settings.
    pub(in crate::web) holds_key: bool,
    /// Where the file is; empty where there is none.
    pub(in crate::web) download: String,
}

impl ToolView {
    /// A tool with its settings, without a file to download.
    pub(in crate::web) fn new(page: &Shell, tool: &'static Tool, values: &Values) -> Self {
        Self {
            id: &tool.id,
            name: &tool.name,
            place: &tool.place,
            note: match page.lang {
                Lang::Zh => &tool.note_zh,
                Lang::En => &tool.note_en,
            },
            checked: tool.checked,
            text: tool.text(values),
            shell: (!tool.variable.is_empty()).then(|| {
                let (name, key) = (&tool.variable, values.key());
                (
                    format!("export {name}='{key}'"),
                    format!("$env:{name} = '{key}'"),
                )
            }),
            holds_key: tool.holds_key(),
            download: String::new(),
        }
    }
}

/// What goes into the templates for somebody who may use `allowed`, with `key` or, where that is empty, a placeholder;
/// nothing where there is no chat model.
pub(in crate::web) fn values<G>(
    page: &Page<G>,
    state: &WebState,
    allowed: &AllowedModels,
    (key, model): (&str, &str),
) -> Option<Values> {
    let models = state.catalog.load().visible(allowed);
    let placeholder = page.t("user-tools-placeholder");
    let key = if key.is_empty() { &placeholder } else { key };
    Values::new(&root_url(page, state), key, &models, model)
}
