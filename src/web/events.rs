//! A live part of a page as a stream of server-sent events.

use std::future::Future;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, http::header::ACCEPT};
use futures_util::stream;
use modelgate_domain::Permission;
use modelgate_store::{StoreError, sessions, users};

use super::page::{Look, Page};
use super::shell::Shell;
use super::state::WebState;

/// How often there is something new.
const EVERY: Duration = Duration::from_secs(2);
/// How often the person is asked for again, in beats.
const ASK_AGAIN: u32 = 2;
/// Silence is broken after so many beats, for proxies that close quiet connections.
const HEARTBEAT: u32 = 7;
/// A stream ends after so many beats, and the browser opens the next: ten minutes.
const LIFE: u32 = 300;

/// What a stream shows.
pub(super) trait Part: 'static {
    /// The markup as it is now; none where nothing is new, or where it cannot be read: then the next beat reads it.
    fn now(&mut self, page: &Shell) -> impl Future<Output = Option<String>>;
}

/// One watcher.
struct Watch<P> {
    state: web::Data<WebState>,
    page: Shell,
    part: P,
    beat: u32,
    silent: u32,
    hasher: RandomState,
    last: u64,
    ended: bool,
}

/// Whether events are asked for, not a page.
pub(super) fn is_wanted(request: &HttpRequest) -> bool {
    let accepts = request.headers().get(ACCEPT);
    accepts.is_some_and(|types| types == "text/event-stream")
}

/// Sends the part whenever it has changed, until the session ends, the gateway stops, or the page goes away.
pub(super) fn stream<P: Part>(
    page: &Page<Look>,
    state: web::Data<WebState>,
    part: P,
) -> HttpResponse {
    let watch = Watch {
        state,
        page: page.shell().clone(),
        part,
        beat: 0,
        silent: 0,
        hasher: RandomState::new(),
        last: 0,
        ended: false,
    };
    let events = stream::unfold(watch, |mut watch| async {
        let next = watch.next().await?;
        Some((Ok::<_, actix_web::Error>(next), watch))
    });
    HttpResponse::Ok()
        .content_type("text/event-stream")
        // nginx would hold events back otherwise.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

impl<P: Part> Watch<P> {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.ended || self.beat >= LIFE {
                return None;
            }
            if self.beat > 0 && !self.state.sleeps(EVERY).await {
                return None;
            }
            if self.beat.is_multiple_of(ASK_AGAIN) && !self.may_look().await {
                self.ended = true;
                return Some(Bytes::from_static(b"event: end\ndata:\n\n"));
            }
            self.beat += 1;
            self.silent += 1;
            if let Some(html) = self.changed().await {
                self.silent = 0;
                return Some(event(&html));
            }
            if self.silent >= HEARTBEAT {
                self.silent = 0;
                return Some(Bytes::from_static(b":\n\n"));
            }
        }
    }

    /// The part, where it is another than was sent last.
    async fn changed(&mut self) -> Option<String> {
        self.page.now_ms = self.state.clock.now_ms();
        let html = self.part.now(&self.page).await?;
        let hash = self.hasher.hash_one(&html);
        (std::mem::replace(&mut self.last, hash) != hash).then_some(html)
    }

    /// Whether the session is there still, and its account may look.
    async fn may_look(&self) -> bool {
        let Some(user) = &self.page.user else {
            return false;
        };
        let (hash, now) = (user.session, self.state.clock.now());
        let found = self
            .state
            .db
            .read(move |c| {
                Box::pin(async move {
                    let Some(session) = sessions::find(c, &hash, now).await? else {
                        return Ok::<_, StoreError>(None);
                    };
                    users::find(c, session.user_id).await
                })
            })
            .await;
        match found {
            Ok(user) => user.is_some_and(|user| {
                user.enabled && user.deleted_at.is_none() && user.role.may(Permission::Look)
            }),
            // Nobody is shown the door because the database is away.
            Err(_) => true,
        }
    }
}

/// One event: each line of the text behind `data:`.
fn event(html: &str) -> Bytes {
    let mut text = String::with_capacity(html.len() + html.len() / 16);
    for line in html.lines() {
        text.push_str("data: ");
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_holds_every_line() {
        assert_eq!(event("<p>\n</p>"), "data: <p>\ndata: </p>\n\n");
    }
}
