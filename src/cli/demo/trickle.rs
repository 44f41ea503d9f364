//! The people go on calling while the demo runs, through the real gateway, so that its pages move.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use modelgate_domain::{ProviderId, ProviderKeyId, Secret, StateBy};
use serde_json::json;

use super::cast::{PEOPLE, Person};
use super::dice::Dice;
use crate::catalog::{Credential, CredentialState, Provider};
use crate::simulator::{Simulator, Step};
use crate::upstream::{Call, Clients, SentAt};

/// At most so many calls at once: a demo may run on a laptop for a day.
const AT_ONCE: usize = 6;

const QUESTIONS: &[&str] = &[
    "Summarise yesterday's incident in three sentences.",
    "Which of these two contracts is the riskier one, and why?",
    "把这段话改写得更简洁一些。",
    "Write a test for the function below.",
    "客户问发票什么时候开,怎么回答比较合适?",
    "What should the team measure first?",
];

/// Calls until the process ends; `base_url` is the gateway's `/v1`, `keys` are those of [`PEOPLE`], in their order.
pub(super) async fn run(base_url: &str, keys: &[Secret], vendors: &[Simulator], seed: u64) {
    let mut dice = Dice::new(seed);
    let clients = Rc::new(Clients::new());
    let mut running = futures_util::stream::FuturesUnordered::new();
    loop {
        let pause = Duration::from_millis(dice.between(700, 4_500).unsigned_abs());
        let wait = tokio::time::sleep(pause);
        tokio::pin!(wait);
        loop {
            tokio::select! {
                () = &mut wait => break,
                Some(()) = running.next(), if !running.is_empty() => {}
            }
        }
        let place = usize::try_from(dice.between(0, 9)).unwrap_or(0);
        let (Some(person), Some(key)) = (PEOPLE.get(place), keys.get(place)) else {
            continue;
        };
        if running.len() >= AT_ONCE {
            continue;
        }
        if dice.chance(0.03) {
            misfortune(vendors, &mut dice);
        }
        if dice.chance(0.04) {
            thinking(vendors, &mut dice);
        }
        let body = body(person, &mut dice);
        let provider = as_provider(base_url, person);
        let credential = as_credential(key);
        let clients = Rc::clone(&clients);
        // some people close the window before the answer is there
        let patience = if dice.chance(0.02) { 600 } else { 60_000 };
        running.push(async move {
            let call = call(&clients, &provider, &credential, body);
            let _gave_up = tokio::time::timeout(Duration::from_millis(patience), call).await;
        });
    }
}

/// One of the vendors will fail once.
fn misfortune(vendors: &[Simulator], dice: &mut Dice) {
    let place = usize::try_from(dice.between(0, 2)).unwrap_or(0);
    let step = if dice.chance(0.5) {
        Step::status(429).header("retry-after", "2")
    } else {
        Step::status(503)
    };
    if let Some(vendor) = vendors.get(place) {
        vendor.push(step);
    }
}

/// One of the vendors will take its time once.
fn thinking(vendors: &[Simulator], dice: &mut Dice) {
    let place = usize::try_from(dice.between(0, 2)).unwrap_or(0);
    let time = Duration::from_millis(dice.between(12_000, 35_000).unsigned_abs());
    if let Some(vendor) = vendors.get(place) {
        vendor.push(Step::answer().delay(time));
    }
}

/// Path and body of a call that this person would make.
fn body(person: &Person, dice: &mut Dice) -> (&'static str, String) {
    let model = dice.pick(person.models).copied().unwrap_or("atlas-mini");
    let place = usize::try_from(dice.between(0, 5)).unwrap_or(0);
    let question = QUESTIONS.get(place).copied().unwrap_or("Hello");
    if model.ends_with("embed") {
        return (
            "/embeddings",
            json!({"model": model, "input": question}).to_string(),
        );
    }
    let messages = json!([{"role": "user", "content": question}]);
    let stream = dice.chance(person.streams);
    let body = json!({"model": model, "stream": stream, "messages": messages});
    ("/chat/completions", body.to_string())
}

async fn call(
    clients: &Clients,
    provider: &Provider,
    credential: &Credential,
    (path, body): (&'static str, String),
) {
    let call = Call {
        path: path.into(),
        body: body.into(),
        content_type: "application/json",
        accept: "*/*",
        forward: &[],
        sent: SentAt::default(),
    };
    if let Ok(mut answer) = clients.send(provider, credential, call).await {
        while let Some(Ok(_)) = answer.body.next().await {}
    }
}

/// The gateway, seen as a vendor.
fn as_provider(base_url: &str, person: &Person) -> Provider {
    Provider {
        id: ProviderId::NONE,
        name: "gateway".into(),
        protocol: "openai".into(),
        base_url: base_url.into(),
        extra_headers: Vec::new(),
        user_agent: Some(person.agent.to_owned()),
        proxy_url: None,
        connect_timeout: Duration::from_secs(5),
        first_byte_timeout: Duration::from_mins(1),
        idle_timeout: Duration::from_mins(1),
        enabled: true,
        credentials: Vec::new(),
    }
}

fn as_credential(key: &Secret) -> Credential {
    Credential {
        id: ProviderKeyId::NONE,
        label: "person".into(),
        secret: key.clone(),
        weight: 1,
        max_concurrency: None,
        limits: Vec::new(),
        state: CredentialState::Active,
        state_by: StateBy::Admin,
        state_until_ms: None,
    }
}
