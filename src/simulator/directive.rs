//! Behaviour written into a model's name, for tests and people who cannot reach the script:
//! `sim-pace-20+cut-3` streams an event every 20 ms and closes the connection after the third.

use std::time::Duration;

use super::script::{End, Reply};

/// The reply that a model's name asks for, on top of the usual one. An error is the word not understood.
///
/// Only names that begin with `sim-` and whose first word is known or that contain a `+` are read so;
/// `sim-chat` is just a name.
pub(super) fn parse(model: &str, usual: &Reply) -> Result<Reply, String> {
    let mut reply = usual.clone();
    let Some(words) = model.strip_prefix("sim-") else {
        return Ok(reply);
    };
    let combined = words.contains('+');
    for word in words.split('+') {
        if !apply(word, &mut reply) {
            if combined {
                return Err(word.to_owned());
            }
            return Ok(usual.clone());
        }
    }
    Ok(reply)
}

fn apply(word: &str, reply: &mut Reply) -> bool {
    let (name, number) = match word.rsplit_once('-') {
        Some((name, digits)) => match digits.parse::<usize>() {
            Ok(number) => (name, number),
            Err(_) => (word, 0),
        },
        None => (word, 0),
    };
    let ms = Duration::from_millis(u64::try_from(number).unwrap_or(u64::MAX));
    match name {
        "status" => reply.status = u16::try_from(number).unwrap_or(500),
        "retry-after" => reply
            .headers
            .push(("retry-after".to_owned(), number.to_string())),
        "delay" => reply.delay = ms,
        "first" => reply.first = ms,
        "pace" => reply.pace = ms,
        "tokens" => reply.tokens = Some(number),
        "cached" => reply.cached = number,
        "reasoning" => reply.reasoning = number,
        "nousage" => reply.no_usage = true,
        "split" => reply.split = Some(number),
        "malformed" => reply.body = Some("{\"id\": \"chatcmpl-1\", \"choices\": [".into()),
        "close" => reply.end = End::CloseAtOnce,
        "hang" => reply.end = End::StallAtOnce,
        "cut" => reply.end = End::Close(number),
        "reset" => reply.end = End::Reset(number),
        "stall" => reply.end = End::Stall(number),
        "error" => reply.end = End::Error(number),
        "nodone" => reply.end = End::NoDone,
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_combine_and_plain_names_stay_names() {
        let usual = Reply::default();
        let reply = parse("sim-status-429+retry-after-2", &usual).unwrap();
        assert_eq!(reply.status, 429);
        assert_eq!(reply.headers[0].1, "2");
        assert_eq!(parse("sim-cut-3", &usual).unwrap().end, End::Close(3));
        assert_eq!(parse("sim-chat", &usual).unwrap().end, End::Clean);
        assert_eq!(parse("gpt-x+cut-3", &usual).unwrap().end, End::Clean);
        assert_eq!(
            parse("sim-pace-1+nonsense", &usual).unwrap_err(),
            "nonsense"
        );
    }
}
