//! Writes news down, off the data path: what cannot be written waits for the next beat, up to the channel's bound.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use modelgate_domain::ApiKeyId;
use modelgate_store::StoreError;
use modelgate_store::notices::{self, Args, Reader};
use tokio::sync::watch;

use super::parts::Parts;
use crate::notices::{Kind, News, Teller};

/// How often what waits is tried again.
const EVERY: Duration = Duration::from_secs(2);
/// The same about the same within this is one notice.
const WINDOW_MS: i64 = 6 * 3_600_000;
/// How much waits here while the database is away.
const ROOM: usize = 512;

/// Runs until `shutdown` holds true.
pub(super) async fn run(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    let Some(mut inbox) = parts.news() else {
        return;
    };
    let mut waiting: VecDeque<News> = VecDeque::new();
    let mut beat = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            _ended = shutdown.changed() => return,
            Some(news) = inbox.recv(), if waiting.len() < ROOM => {
                waiting.push_back(news);
                write(&parts, &mut waiting).await;
            }
            _ = beat.tick() => write(&parts, &mut waiting).await,
        }
    }
}

async fn write(parts: &Parts, waiting: &mut VecDeque<News>) {
    while let Some(first) = waiting.front() {
        let news = stored(parts, first);
        let window_ms = (!first.kind.is_told_once()).then_some(WINDOW_MS);
        let done: Result<(), StoreError> = parts
            .db
            .write(move |c| Box::pin(async move { notices::insert(c, &news, window_ms).await }))
            .await;
        match done {
            Ok(()) => drop(waiting.pop_front()),
            Err(StoreError::Unavailable(_)) => return,
            Err(error) => {
                // What the database will never take must not stand in the way of the rest.
                tracing::warn!(%error, kind = first.kind.code(), "a notice could not be written");
                waiting.pop_front();
            }
        }
    }
}

fn stored(parts: &Parts, news: &News) -> notices::News {
    notices::News {
        subject: format!("{} {}", news.kind.code(), news.about),
        kind: news.kind.code().to_owned(),
        severity: news.kind.severity(),
        args: news
            .args
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.chars().take(300).collect()))
            .collect::<Args>(),
        to: news
            .holder
            .map_or(Reader::Operators, |key| holder(parts, key)),
        at_ms: news.at_ms,
    }
}

/// The account that a key belongs to, or the key itself.
fn holder(parts: &Parts, key: ApiKeyId) -> Reader {
    let catalog = parts.catalog();
    let found = catalog.keys.values().find(|one| one.id == key);
    match found.map(|key| key.user_id) {
        Some(user) if !user.is_none() => Reader::User(user),
        _ => Reader::Key(key),
    }
}

/// Says that the database is of a newer version than before.
pub(super) fn updated(teller: &Teller, migrations: usize, now_ms: i64) {
    if migrations > 0 {
        let version = env!("CARGO_PKG_VERSION");
        let news = News::new(Kind::SchemaUpdated, format!("{version} {now_ms}"), now_ms)
            .with("version", version)
            .with("count", migrations.to_string());
        teller.tell(news);
    }
}
