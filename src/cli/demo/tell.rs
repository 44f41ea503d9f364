//! The record that a call leaves, given how it went.

use modelgate_domain::{AttemptRecord, Currency, FaultOwner, RequestRecord, Status, Usage};

use super::dice::Dice;
use super::history::{Entry, Fate, Scene};

/// The record and, where the first attempt failed, the attempts. Its id is the caller's to give.
pub(super) fn tell(scene: &Scene<'_>, fate: Fate, dice: &mut Dice) -> Entry {
    let mut record = opening(scene, dice);
    let connect = dice.around(14);
    let ttft = connect + dice.around(scene.pace.ttft_ms);
    let whole = usage(scene, dice);
    let writing = (whole.output() * 1000) / scene.pace.tokens_per_second.max(1);
    let mut attempts = Vec::new();
    record.connect_ms = Some(connect);
    match fate {
        Fate::Success => succeed(&mut record, whole, ttft, writing),
        Fate::Failover(status) => {
            let lost = dice.around(if status == 429 { 60 } else { 240 });
            attempts = failover(scene, &mut record, status, lost);
            succeed(&mut record, whole, lost + ttft, writing);
        }
        Fate::Cut | Fate::Cancelled => {
            let percent = dice.between(5, 90);
            record.usage = Usage {
                completion: whole.completion * percent / 100,
                estimated: true,
                ..whole
            };
            record.ttft_ms = Some(ttft);
            record.http_status = 200;
            record.upstream_status = 200;
            end(&mut record, ttft + writing * percent / 100);
        }
        Fate::RateLimited => refuse(&mut record, 429, connect + dice.around(45)),
        Fate::ServerError(status) => refuse(&mut record, status, connect + dice.around(350)),
        Fate::TooLong => refuse(&mut record, 400, connect + dice.around(80)),
        Fate::Timeout => {
            record.http_status = 504;
            end(&mut record, 60_000 + dice.between(1, 40));
        }
    }
    if let Some((status, owner, code, message)) = failure(fate) {
        record.status = status;
        record.fault_owner = owner;
        code.clone_into(&mut record.error_code);
        message.clone_into(&mut record.error_message);
    }
    price(scene, &mut record);
    (record, attempts)
}

/// State, fault owner, code and message of a call that went wrong.
fn failure(fate: Fate) -> Option<(Status, FaultOwner, &'static str, &'static str)> {
    use FaultOwner::{Caller, Upstream};
    Some(match fate {
        Fate::Success | Fate::Failover(_) => return None,
        Fate::RateLimited => (
            Status::RateLimited,
            Upstream,
            "upstream_rate_limited",
            "Rate limit reached. Please try again later.",
        ),
        Fate::ServerError(_) => (
            Status::Error,
            Upstream,
            "upstream_error",
            "The server had an error while processing your request.",
        ),
        Fate::Cut => (
            Status::Error,
            Upstream,
            "upstream_closed",
            "The vendor closed the connection before the answer was whole.",
        ),
        Fate::Timeout => (
            Status::Timeout,
            Upstream,
            "upstream_first_byte_timeout",
            "The vendor sent no byte of an answer within 60 s.",
        ),
        Fate::TooLong => (
            Status::Error,
            Caller,
            "context_length_exceeded",
            "The prompt is longer than the model's context window.",
        ),
        Fate::Cancelled => (
            Status::Cancelled,
            Caller,
            "client_gone",
            "The caller closed the connection before the answer was whole.",
        ),
    })
}

/// What is known before the vendor is called.
fn opening(scene: &Scene<'_>, dice: &mut Dice) -> RequestRecord {
    let person = scene.moment.person;
    let embedding = *scene.model.kind == *"embedding";
    let host = person
        .name
        .bytes()
        .fold(7_u32, |sum, b| (sum * 31 + u32::from(b)) % 200)
        + 20;
    let reason = match scene.model.targets.len() {
        1 => "only",
        _ if scene
            .model
            .targets
            .iter()
            .all(|t| t.priority == scene.target.priority) =>
        {
            "weight"
        }
        _ => "priority",
    };
    RequestRecord {
        api_key_id: scene.key.id,
        user_id: scene.key.user_id,
        session_id: if scene.stream {
            format!(
                "conv-{}-{}",
                person.name,
                scene.moment.started_ms / 1_800_000
            )
        } else {
            String::new()
        },
        repeats: 1,
        endpoint: if embedding {
            "embeddings"
        } else {
            "chat_completions"
        }
        .to_owned(),
        dialect: "openai".to_owned(),
        requested_model: scene.model.name.to_string(),
        stream: scene.stream,
        client_ip: format!("192.0.2.{host}"),
        user_agent: person.agent.to_owned(),
        request_bytes: 180 + dice.around(person.prompt) * 4,
        model_id: scene.model.id,
        provider_id: scene.target.provider.id,
        provider_key_id: scene.credential.id,
        upstream_model: scene.target.upstream_model.to_string(),
        attempts: 1,
        route_reason: reason.to_owned(),
        started_ms: scene.moment.started_ms,
        ..RequestRecord::default()
    }
}

fn usage(scene: &Scene<'_>, dice: &mut Dice) -> Usage {
    let person = scene.moment.person;
    let prompt = dice.around(person.prompt);
    let cached = if prompt > 1_024 && dice.chance(person.cached) {
        prompt * dice.between(40, 92) / 100 / 128 * 128
    } else {
        0
    };
    let part = |median: i64, dice: &mut Dice| if median > 0 { dice.around(median) } else { 0 };
    Usage {
        prompt: prompt - cached,
        cached,
        completion: part(scene.pace.answer, dice),
        reasoning: part(scene.pace.reasoning, dice),
        ..Usage::default()
    }
}

fn succeed(record: &mut RequestRecord, usage: Usage, ttft: i64, writing: i64) {
    record.status = Status::Success;
    record.http_status = 200;
    record.upstream_status = 200;
    record.usage = usage;
    if record.endpoint == "chat_completions" {
        "stop".clone_into(&mut record.finish_reason);
    }
    if record.stream {
        record.ttft_ms = Some(ttft);
        record.max_gap_ms = Some(20 + writing / 25);
    } else {
        // without a stream the first byte comes when everything is written
        record.ttft_ms = Some(ttft + writing);
    }
    end(record, ttft + writing + 3);
}

/// The first attempt that failed and the second that did not, at the next target or with the next credential.
fn failover(
    scene: &Scene<'_>,
    record: &mut RequestRecord,
    status: i64,
    lost: i64,
) -> Vec<AttemptRecord> {
    let other_target = scene.model.targets.iter().find(|t| t.id != scene.target.id);
    let target = other_target.map_or(scene.target, |t| &**t);
    let others = target.provider.credentials.iter();
    let credential = others.map(|c| &**c).find(|c| c.id != scene.credential.id);
    let credential = credential.unwrap_or(scene.credential);
    record.attempts = 2;
    record.provider_id = target.provider.id;
    record.provider_key_id = credential.id;
    record.upstream_model = target.upstream_model.to_string();
    let reason = if other_target.is_some() {
        "next_target"
    } else {
        "next_credential"
    };
    reason.clone_into(&mut record.route_reason);
    let first = AttemptRecord {
        number: 1,
        provider_id: scene.target.provider.id,
        provider_key_id: scene.credential.id,
        upstream_status: status,
        error_code: if status == 429 {
            "upstream_rate_limited"
        } else {
            "upstream_error"
        }
        .to_owned(),
        started_ms: record.started_ms,
        duration_ms: lost,
    };
    let second = AttemptRecord {
        number: 2,
        provider_id: target.provider.id,
        provider_key_id: credential.id,
        upstream_status: 200,
        error_code: String::new(),
        started_ms: record.started_ms + lost,
        duration_ms: lost,
    };
    vec![first, second]
}

fn refuse(record: &mut RequestRecord, status: i64, after_ms: i64) {
    record.http_status = status;
    record.upstream_status = status;
    end(record, after_ms);
}

fn end(record: &mut RequestRecord, latency_ms: i64) {
    record.latency_ms = Some(latency_ms);
    record.finished_ms = record.started_ms + latency_ms;
}

fn price(scene: &Scene<'_>, record: &mut RequestRecord) {
    let prices = scene.target.prices.first().or(scene.model.prices.first());
    let used = record.usage.total() > 0;
    match prices.filter(|_| used) {
        Some(price) => {
            record.price_id = price.id;
            record.cost_nanos = Some(price.cost(&record.usage));
            record.currency = price.currency.clone();
        }
        None => record.currency = Currency::unpriced(),
    }
}
