//! The newest rows as a stream: what runs and what ended, and how much has since somebody watches.

use actix_web::web;
use askama::Template as _;
use chrono_tz::Tz;
use modelgate_store::StoreError;
use modelgate_store::request_logs::{self, Values};

use super::filter::Query;
use super::{Read, view};
use crate::i18n::format;
use crate::web::admin::components::names::Names;
use crate::web::events;
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// What one watcher has seen.
pub(super) struct Tail {
    state: web::Data<WebState>,
    query: Query,
    zone: Tz,
    /// Where the log ended at the last look; none before the first.
    seen: Option<i64>,
    /// Calls that ended since.
    ended: i64,
    began_ms: i64,
}

impl Tail {
    pub(super) fn new(state: web::Data<WebState>, mut query: Query, zone: Tz) -> Self {
        query.is_live = true;
        Self {
            state,
            query,
            zone,
            seen: None,
            ended: 0,
            began_ms: 0,
        }
    }

    /// The newest rows, where any were written since the last look.
    async fn read(&mut self, now_ms: i64) -> Result<Option<Read>, StoreError> {
        let (filter, seen) = (self.query.filter(self.zone, now_ms), self.seen);
        let read = self.state.db.read_snapshot(move |c| {
            Box::pin(async move {
                let last = request_logs::last_seq(c).await?;
                if seen == Some(last) {
                    return Ok::<_, StoreError>(None);
                }
                let ended = match seen {
                    Some(seen) => request_logs::count_ended(c, &filter, (seen, last)).await?,
                    None => 0,
                };
                let read = Read {
                    found: request_logs::look(c, &filter).await?,
                    values: Values::default(),
                    names: Names::read(c).await?,
                    views: Vec::new(),
                    opening: None,
                };
                Ok(Some((last, ended, read)))
            })
        });
        let Some((last, ended, read)) = read.await? else {
            return Ok(None);
        };
        self.seen = Some(last);
        self.ended = self.ended.saturating_add(ended);
        Ok(Some(read))
    }
}

impl events::Part for Tail {
    async fn now(&mut self, page: &Shell) -> Option<String> {
        if self.seen.is_none() {
            self.began_ms = page.now_ms;
        }
        let read = self.read(page.now_ms).await.ok()??;
        let since = format::clock_time(self.began_ms, page.zone);
        let news = page.t_with(
            "admin-logs-news",
            &[
                ("count", &self.ended),
                ("value", &format::integer(self.ended)),
                ("since", &since),
            ],
        );
        view(page, &self.query, &read, news)
            .as_results()
            .render()
            .ok()
    }
}
