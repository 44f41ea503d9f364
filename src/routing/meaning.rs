//! What a vendor means by an error: read from its status and its codes by the operators' table, never from words
//! that a prompt could hold.

use std::cell::OnceCell;

use modelgate_domain::{Meaning, ProviderId};
use serde_json::Value;

use super::wait;
use crate::catalog::ErrorRule;

/// A vendor's answer that is no success.
#[derive(Clone, Copy, Debug)]
pub struct VendorError<'a> {
    /// The provider's protocol.
    pub protocol: &'a str,
    /// The provider.
    pub provider: ProviderId,
    /// The HTTP status.
    pub status: u16,
    /// The body as it came.
    pub body: &'a [u8],
}

/// What an error means, and until when, epoch milliseconds, where the rule says where that stands. The first rule
/// that fits decides.
pub fn meaning(
    rules: &[ErrorRule],
    error: &VendorError<'_>,
    now_ms: i64,
) -> Option<(Meaning, Option<i64>)> {
    let parsed: OnceCell<Option<Value>> = OnceCell::new();
    let json = || {
        let read = || serde_json::from_slice(error.body).ok();
        parsed.get_or_init(read).as_ref()
    };
    let mut fitting = rules.iter().filter(|rule| {
        (rule.status == 0 || rule.status == error.status)
            && (rule.protocol.is_empty() || *rule.protocol == *error.protocol)
            && rule.provider.is_none_or(|id| id == error.provider)
    });
    let fits =
        |rule: &ErrorRule, found: &Value| text(found).is_some_and(|text| like(&rule.value, &text));
    let rule = fitting.find(|rule| {
        rule.path.is_empty()
            || json().is_some_and(|json| {
                let found = any(json, &rule.path, &mut |at| fits(rule, at).then_some(()));
                found.is_some()
            })
    })?;
    let reset = if rule.reset_path.is_empty() {
        None
    } else {
        json()
    };
    let until_ms = reset.and_then(|json| {
        any(json, &rule.reset_path, &mut |found| {
            wait::until(&text(found)?, now_ms, rule.reset_zone)
        })
    });
    Some((rule.meaning, until_ms))
}

/// The first thing at `path` of which `wanted` makes something. A list at the top is each of its items.
fn any<T>(json: &Value, path: &str, wanted: &mut dyn FnMut(&Value) -> Option<T>) -> Option<T> {
    match json {
        Value::Array(items) => items.iter().find_map(|item| below(item, path, wanted)),
        _ => below(json, path, wanted),
    }
}

fn below<T>(json: &Value, path: &str, wanted: &mut dyn FnMut(&Value) -> Option<T>) -> Option<T> {
    if path.is_empty() {
        return wanted(json);
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match json {
        Value::Array(items) if name == "*" => {
            items.iter().find_map(|item| below(item, rest, wanted))
        }
        Value::Array(items) => below(items.get(name.parse::<usize>().ok()?)?, rest, wanted),
        _ => below(json.get(name)?, rest, wanted),
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a text is as a pattern says, in which each `*` stands for any text.
fn like(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut left) = text.strip_prefix(begin) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, after)) = left.split_once(piece) else {
            return false;
        };
        left = after;
    }
    left.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Tz;

    /// 2026-11-21 00:00:00 UTC.
    const NOW: i64 = 1_795_219_200_000;

    fn rule(status: u16, path: &str, value: &str, meaning: Meaning) -> ErrorRule {
        ErrorRule {
            protocol: "".into(),
            provider: None,
            status,
            path: path.into(),
            value: value.into(),
            meaning,
            reset_path: "".into(),
            reset_zone: Tz::UTC,
        }
    }

    fn read(rules: &[ErrorRule], status: u16, body: &str) -> Option<(Meaning, Option<i64>)> {
        let error = VendorError {
            protocol: "openai",
            provider: ProviderId(1),
            status,
            body: body.as_bytes(),
        };
        meaning(rules, &error, NOW)
    }

    #[test]
    fn a_code_decides_and_words_in_a_message_do_not() {
        let rules = [rule(
            429,
            "error.code",
            "insufficient_quota",
            Meaning::Exhausted,
        )];
        let read = |status, body| read(&rules, status, body).map(|(meaning, _)| meaning);
        let out_of_quota = r#"{"error":{"message":"x","code":"insufficient_quota"}}"#;
        assert_eq!(read(429, out_of_quota), Some(Meaning::Exhausted));
        assert_eq!(read(403, out_of_quota), None);
        for other in [
            r#"{"error":{"message":"insufficient_quota","code":"rate_limit_exceeded"}}"#,
            r#"{"error":{"code":"insufficient_quota_not"}}"#,
            r#"{"error":"insufficient_quota"}"#,
            r#"{"code":"insufficient_quota"}"#,
            "insufficient_quota",
            "",
        ] {
            assert_eq!(read(429, other), None, "{other}");
        }
    }

    #[test]
    fn numbers_lists_patterns_and_a_status_alone_are_understood() {
        let rules = [
            rule(0, "error.code", "1113", Meaning::Exhausted),
            rule(
                429,
                "error.details.*.violations.*.quotaId",
                "*PerDay*",
                Meaning::Exhausted,
            ),
            rule(
                429,
                "error.code",
                "RateLimitExceeded.*",
                Meaning::AccountLimited,
            ),
            rule(402, "", "", Meaning::Exhausted),
        ];
        let read = |status, body| read(&rules, status, body).map(|(meaning, _)| meaning);
        assert_eq!(
            read(429, r#"{"error":{"code":"1113"}}"#),
            Some(Meaning::Exhausted)
        );
        assert_eq!(
            read(200, r#"{"error":{"code":1113}}"#),
            Some(Meaning::Exhausted)
        );
        let of_day = r#"[{"error":{"details":[{"a":1},{"violations":[{"quotaId":"GenerateRequestsPerDayPerProject"}]}]}}]"#;
        assert_eq!(read(429, of_day), Some(Meaning::Exhausted));
        let of_minute = of_day.replace("PerDay", "PerMinute");
        assert_eq!(read(429, &of_minute), None);
        let endpoint = r#"{"error":{"code":"RateLimitExceeded.EndpointRPMExceeded"}}"#;
        assert_eq!(read(429, endpoint), Some(Meaning::AccountLimited));
        assert_eq!(read(402, "<html>"), Some(Meaning::Exhausted));
    }

    #[test]
    fn the_time_is_read_where_the_rule_says_on_the_vendors_clock() {
        let mut in_words = rule(429, "error.code", "1308", Meaning::RateLimited);
        in_words.reset_path = "error.message".into();
        in_words.reset_zone = Tz::Asia__Shanghai;
        let mut delay = rule(
            429,
            "error.status",
            "RESOURCE_EXHAUSTED",
            Meaning::RateLimited,
        );
        delay.reset_path = "error.details.*.retryDelay".into();
        let rules = [in_words, delay];
        let until = |body| read(&rules, 429, body).unwrap().1;
        let said = r#"{"error":{"code":"1308","message":"limit, back at 2026-11-21 08:00:09."}}"#;
        assert_eq!(until(said), Some(NOW + 9_000));
        let told =
            r#"{"error":{"status":"RESOURCE_EXHAUSTED","details":[{"x":1},{"retryDelay":"34s"}]}}"#;
        assert_eq!(until(told), Some(NOW + 34_000));
        assert_eq!(until(r#"{"error":{"code":"1308"}}"#), None);
    }

    #[test]
    fn protocol_provider_and_the_order_of_the_rows_decide() {
        let mut other_protocol = rule(0, "", "", Meaning::Refused);
        other_protocol.protocol = "anthropic".into();
        let mut other_provider = rule(0, "", "", Meaning::Refused);
        other_provider.provider = Some(ProviderId(2));
        let mut this_one = rule(500, "", "", Meaning::Overloaded);
        this_one.provider = Some(ProviderId(1));
        let rules = [
            other_protocol,
            other_provider,
            this_one,
            rule(0, "", "", Meaning::Rejected),
        ];
        assert_eq!(read(&rules, 500, ""), Some((Meaning::Overloaded, None)));
        assert_eq!(read(&rules, 400, ""), Some((Meaning::Rejected, None)));
        assert_eq!(read(&[], 400, ""), None);
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*", "", true),
            ("a*c*e", "abcde", true),
            ("a*c*e", "abde", false),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(like(pattern, text), fits, "{pattern} {text}");
        }
    }
}
