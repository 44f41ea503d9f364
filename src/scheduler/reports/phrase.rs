//! Lets a model phrase parts of a report, each once: what it said, or why it said nothing, is kept with the step, so that
//! a report that is taken up again does not ask again.

use modelgate_domain::UsageReportState;
use serde::{Deserialize, Serialize};

use super::{EVERY, End, TRIES, Work};
use crate::assistant::{Assistant, Question, Said, Silent};
use crate::reports::Told;
use crate::reports::phrasing::{Asked, Part, Phrased};

/// How long an answer may be.
const MAX_TOKENS: u32 = 4_000;
/// How often a part is asked for that comes with figures which were not told.
const ROUNDS: usize = 2;

/// What a step came to.
#[derive(Serialize, Deserialize)]
struct Kept {
    model: String,
    said: Phrased,
}

/// Lets a model phrase what it is to phrase of a report; how the work ends here where it is to stop.
pub(super) async fn phrase(work: &mut Work<'_>, told: &mut Told) -> anyhow::Result<Option<End>> {
    let context = work.context;
    let assistant = context.assistant.as_deref();
    let Some(assistant) = assistant.filter(|assistant| assistant.may_ask()) else {
        return Ok(None);
    };
    for part in Part::ALL {
        let Some(asked) = told.asks(part) else {
            continue;
        };
        let step = work.steps.iter().find(|step| step.name == part.as_str());
        if step.is_none_or(|step| step.percent < 100)
            && let Some(end) = ask(work, assistant, &asked).await?
        {
            return Ok(Some(end));
        }
    }
    // Only now: what a model is asked about is what rules say.
    for part in Part::ALL {
        let step = work.steps.iter().find(|step| step.name == part.as_str());
        let kept = step.and_then(|step| serde_json::from_str::<Kept>(&step.artefact).ok());
        if let Some(Kept { model, said }) = kept {
            told.take_over(said, &model);
        }
    }
    Ok(None)
}

/// Asks for a part and keeps what comes of it.
async fn ask(
    work: &mut Work<'_>,
    assistant: &Assistant,
    asked: &Asked,
) -> anyhow::Result<Option<End>> {
    let name = asked.part.as_str();
    let begun = work.steps.iter().find(|step| step.name == name);
    if begun.is_some_and(|step| step.attempts >= TRIES) {
        let why = format!("it was asked {TRIES} times, and each time the gateway was stopped");
        work.came_to(name, Err(why)).await?;
        return Ok(None);
    }
    if !work.begin(name).await? {
        return Ok(Some(End::With(UsageReportState::Cancelled)));
    }
    let mut asking = std::pin::pin!(said(assistant, asked));
    let said = loop {
        tokio::select! {
            said = &mut asking => break said,
            () = tokio::time::sleep(EVERY) => {
                if work.context.stopped() {
                    work.leave(name).await?;
                    return Ok(Some(End::Left));
                }
                if !work.tell().await? {
                    return Ok(Some(End::With(UsageReportState::Cancelled)));
                }
            }
        }
    };
    let came_to = match said {
        Ok(Said { value, model }) => Ok(serde_json::to_string(&Kept { model, said: value })?),
        Err(silent) => Err(silent.to_string()),
    };
    work.came_to(name, came_to).await?;
    Ok(None)
}

/// What the model says, once it says only what it was told.
async fn said(assistant: &Assistant, asked: &Asked) -> Result<Said<Phrased>, Silent> {
    let mut about = asked.about.clone();
    let mut round = 1;
    loop {
        let question = Question {
            role: asked.part.role(),
            about: about.clone(),
            max_tokens: MAX_TOKENS,
        };
        let Said { value, model } = assistant.ask(&question).await?;
        match asked.accept(value) {
            Ok(value) => return Ok(Said { value, model }),
            Err(why) if round == ROUNDS => return Err(Silent::Failed { model, why }),
            Err(why) => about = format!("{}\nAn answer was refused: {why}.", asked.about),
        }
        round += 1;
    }
}
