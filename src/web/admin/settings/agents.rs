//! What the programs that call say they are. Whoever holds a key chooses the text: it is shown, never trusted.

use modelgate_store::{Conn, StoreError, request_logs};

use crate::i18n::format;
use crate::web::shell::Shell;
use crate::web::svg;

/// How far back.
const DAY_MS: i64 = 86_400_000;
/// How many are told apart.
const MOST: i64 = 15;
/// How much of a name is shown.
const LONGEST: usize = 160;

/// The most frequent names of the last day.
#[derive(Debug, Default)]
pub(in crate::web) struct Agents(Vec<(String, i64)>);

impl Agents {
    /// Reads them off the end of the request log.
    pub(in crate::web) async fn read(c: &mut Conn, now_ms: i64) -> Result<Self, StoreError> {
        let since_ms = now_ms.saturating_sub(DAY_MS);
        request_logs::user_agents(c, since_ms, MOST).await.map(Self)
    }

    /// As the page shows them.
    pub(super) fn rows(&self, page: &Shell) -> Vec<AgentRow> {
        let top = self.0.first().map_or(0, |(_, calls)| *calls);
        self.0
            .iter()
            .map(|(name, calls)| AgentRow {
                name: match name.trim() {
                    "" => page.t("admin-settings-agent-none"),
                    name => name.chars().take(LONGEST).collect(),
                },
                calls: format::integer(*calls),
                width: svg::share(*calls, top),
            })
            .collect()
    }
}

/// One name with its share.
pub(super) struct AgentRow {
    pub(super) name: String,
    pub(super) calls: String,
    pub(super) width: String,
}
