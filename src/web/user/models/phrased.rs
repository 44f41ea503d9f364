//! What the recommendations and the hours come to, in the words of a model, where the settings name one: asked once for
//! a key and a language, kept for some hours, and shown to nobody else.
//!
//! The page is whole without it. No name of a key and nothing that was said in a call goes out, only what the page shows.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web;
use askama::Template;
use modelgate_domain::ApiKeyId;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{Looked, look};
use crate::assistant::{Question, Said};
use crate::catalog::ApiKey;
use crate::i18n::Lang;
use crate::web::error::PageError;
use crate::web::markdown::{Places, SafeHtml, to_html};
use crate::web::page::{Holder, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;
use crate::web::user::dashboard::Query;
use crate::web::user::own::Own;

/// How long an answer is shown.
const GOOD_MS: i64 = 6 * 3_600_000;
/// How long nobody is asked again after a model did not answer.
const REST_MS: i64 = 600_000;
/// So many are kept; the oldest goes first.
const ROOM: usize = 2_000;
/// So many are asked for at once; the others wait.
const AT_ONCE: usize = 2;
const MAX_TOKENS: u32 = 1_500;

const ROLE: &str = "You advise somebody who calls language models through a gateway which of them to take and at what \
    hours to call. You get the gateway's own ranking with its reasons, and the hours at which calls went best and worst. \
    Answer with one JSON object and nothing else: {\"advice\": string}. The advice is Markdown of at most 120 words \
    without headings, in the language you are told. Keep to the ranking, name models exactly as they are written, and \
    invent no figures.";

#[derive(Deserialize)]
struct Answer {
    advice: String,
}

type Slot = (ApiKeyId, Lang);

/// What was phrased, for each key and language.
#[derive(Debug)]
pub(in crate::web) struct Phrases {
    kept: Mutex<HashMap<Slot, Kept>>,
    turns: Semaphore,
}

#[derive(Clone, Debug)]
struct Kept {
    /// Of the models that the advice is about: a key that may use others is advised anew.
    models: u64,
    at_ms: i64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Asking,
    Said(Arc<Said<SafeHtml>>),
    Silent,
}

impl Default for Phrases {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            turns: Semaphore::new(AT_ONCE),
        }
    }
}

impl Phrases {
    fn find(&self, slot: Slot, models: u64, now_ms: i64) -> Option<State> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(&slot).filter(|kept| kept.models == models)?;
        let good_ms = match found.state {
            State::Silent => REST_MS,
            State::Asking | State::Said(_) => GOOD_MS,
        };
        let age = now_ms.saturating_sub(found.at_ms);
        (0..good_ms).contains(&age).then(|| found.state.clone())
    }

    /// Whether a model is being asked, whatever about.
    fn is_asking(&self, slot: Slot, now_ms: i64) -> bool {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&slot).is_some_and(|kept| {
            let age = now_ms.saturating_sub(kept.at_ms);
            matches!(kept.state, State::Asking) && (0..GOOD_MS).contains(&age)
        })
    }

    fn keep(&self, slot: Slot, kept: Kept) {
        let mut all = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ROOM && !all.contains_key(&slot) {
            let oldest = all.iter().min_by_key(|(_, kept)| kept.at_ms);
            if let Some(oldest) = oldest.map(|(slot, _)| *slot) {
                all.remove(&oldest);
            }
        }
        all.insert(slot, kept);
    }
}

/// What the page shows of it.
pub(super) enum Phrased {
    /// No model is to be asked, or none answered.
    Absent,
    /// To be fetched at once, or after a moment where a model is writing.
    Waiting { begun: bool },
    /// There it is.
    Said { html: SafeHtml, model: String },
}

impl Phrased {
    fn of(state: Option<State>) -> Self {
        match state {
            None => Self::Waiting { begun: false },
            Some(State::Asking) => Self::Waiting { begun: true },
            Some(State::Silent) => Self::Absent,
            Some(State::Said(said)) => Self::Said {
                html: said.value.clone(),
                model: said.model.clone(),
            },
        }
    }

    /// What is there already; nobody is asked.
    pub(super) fn kept(state: &WebState, page: &Shell, key: ApiKeyId, looked: &Looked) -> Self {
        if looked.advice.is_empty() || !state.assistant.may_ask() {
            return Self::Absent;
        }
        let models = fingerprint(looked);
        Self::of(state.phrases().find((key, page.lang), models, page.now_ms))
    }
}

#[derive(Template)]
#[template(path = "user/_phrased.html")]
struct PhrasedView<'a> {
    page: &'a Shell,
    at: String,
    key: i64,
    phrased: Phrased,
}

/// `GET /user/models/phrased`: the answer, or a place to wait for it. Who asks first has it asked for.
pub(in crate::web) async fn get(
    page: Page<Holder>,
    state: web::Data<WebState>,
    query: web::Query<Query>,
) -> PageResult {
    let catalog = state.catalog.load_full();
    let own = Own::of(&page.who, &catalog, query.key)?;
    let phrased = match &own {
        Some(own) => wanted(&page, &state, &own.key).await?,
        None => Phrased::Absent,
    };
    page.show(&PhrasedView {
        at: page.url("/user/models"),
        key: own.map_or(0, |own| own.key.id.0),
        phrased,
        page: page.shell(),
    })
}

/// What is there for a key; where that is nothing yet, it is asked for.
async fn wanted(
    page: &Shell,
    state: &web::Data<WebState>,
    key: &ApiKey,
) -> Result<Phrased, PageError> {
    let slot = (key.id, page.lang);
    // who waits asks every other second: nothing is read for that
    if state.phrases().is_asking(slot, page.now_ms) {
        return Ok(Phrased::Waiting { begun: true });
    }
    let models = state.catalog.load().visible_models(key);
    let looked = look(page, state, key.id, &models).await?;
    let kept = Phrased::kept(state, page, key.id, &looked);
    if matches!(kept, Phrased::Waiting { begun: false }) {
        ask(state, slot, &looked);
        return Ok(Phrased::Waiting { begun: true });
    }
    Ok(kept)
}

/// Asks behind the page: whoever leaves it finds the answer later.
fn ask(state: &web::Data<WebState>, slot: Slot, looked: &Looked) {
    let (about, models) = (account(looked, slot.1), fingerprint(looked));
    let keep = move |state: &WebState, said| {
        let kept = Kept {
            models,
            at_ms: state.clock.now_ms(),
            state: said,
        };
        state.phrases().keep(slot, kept);
    };
    keep(state, State::Asking);
    let asker = web::Data::clone(state);
    state.db.runtime().spawn(async move {
        let Ok(_turn) = asker.phrases().turns.acquire().await else {
            return;
        };
        let question = Question {
            role: ROLE,
            about,
            max_tokens: MAX_TOKENS,
        };
        let said = match asker.assistant.ask::<Answer>(&question).await {
            Ok(said) => State::Said(Arc::new(Said {
                value: to_html(&said.value.advice, &Places::default()),
                model: said.model,
            })),
            Err(silent) => {
                tracing::warn!(%silent, "advice is shown without a model's words");
                State::Silent
            }
        };
        keep(&asker, said);
    });
}

fn fingerprint(looked: &Looked) -> u64 {
    let mut names: Vec<&str> = looked.advice.iter().map(|one| one.name.as_str()).collect();
    names.sort_unstable();
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    hasher.finish()
}

/// What the page says, as the model gets it.
fn account(looked: &Looked, lang: Lang) -> String {
    let mut lines = vec![
        format!("Write in {}.", lang.own_name()),
        "Ranking, best first:".to_owned(),
    ];
    for one in &looked.advice {
        let line = format!(
            "- {}: {} of 100. {} ({})",
            one.name, one.score, one.reason, one.whose
        );
        lines.push(line);
    }
    let timing = &looked.timing;
    if timing.sentence.is_empty() {
        lines.push(format!("Best hours: {}", timing.best.join(", ")));
        lines.push(format!("Worst hours: {}", timing.worst.join(", ")));
    } else {
        lines.push(format!("Hours: {}", timing.sentence));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(models: u64, at_ms: i64, state: State) -> Kept {
        Kept {
            models,
            at_ms,
            state,
        }
    }

    #[test]
    fn an_answer_is_shown_for_hours_to_its_key_in_its_language_and_while_the_models_are_the_same() {
        let phrases = Phrases::default();
        let slot = (ApiKeyId(1), Lang::En);
        let said = State::Said(Arc::new(Said {
            value: to_html("*Take* this.", &Places::default()),
            model: "m".to_owned(),
        }));
        phrases.keep(slot, kept(7, 1_000, said));
        assert!(phrases.find(slot, 7, 1_000 + GOOD_MS - 1).is_some());
        assert!(phrases.find(slot, 7, 1_000 + GOOD_MS).is_none(), "too old");
        assert!(phrases.find(slot, 8, 1_001).is_none(), "other models");
        assert!(phrases.find((ApiKeyId(2), Lang::En), 7, 1_001).is_none());
        assert!(phrases.find((ApiKeyId(1), Lang::Zh), 7, 1_001).is_none());
        phrases.keep(slot, kept(7, 2_000, State::Silent));
        assert!(phrases.find(slot, 7, 2_000 + REST_MS - 1).is_some());
        assert!(
            phrases.find(slot, 7, 2_000 + REST_MS).is_none(),
            "tried again"
        );
    }

    #[test]
    fn the_oldest_makes_room() {
        let phrases = Phrases::default();
        for n in 0..=i64::try_from(ROOM).unwrap() {
            phrases.keep((ApiKeyId(n), Lang::En), kept(0, n, State::Silent));
        }
        assert!(phrases.find((ApiKeyId(0), Lang::En), 0, 1).is_none());
        assert!(phrases.find((ApiKeyId(1), Lang::En), 0, 2).is_some());
        assert_eq!(phrases.kept.lock().unwrap().len(), ROOM);
    }
}
