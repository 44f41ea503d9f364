//! Where and when a key may be used: each rule with its refusal.

use chrono::{DateTime, Datelike as _, Utc};
use modelgate::clock::Clock;
use modelgate_domain::{FaultOwner, Status, TimeRule, When};
use modelgate_store::time_rules;
use serde_json::Value;

use crate::on_each_engine;
use crate::support::{Answer, TestApp};

/// What every refusal by a rule says.
fn refused(answer: &Answer, status: u16, code: &str, rule: &str) -> Value {
    let error = answer.json()["error"].clone();
    assert_eq!(answer.status, status, "{error}");
    assert_eq!(error["code"], code, "{error}");
    assert_eq!(error["rule"], rule, "{error}");
    assert_eq!(error["scope"], "api_key");
    assert_eq!(error["owner"], "policy");
    assert_eq!(error["type"], "permission_error");
    error
}

async fn a_key_works_only_from_where_it_may(app: &TestApp) {
    app.change_key(|key| key.allowed_cidrs = vec!["10.0.0.0/8".to_owned()])
        .await;
    for answer in [
        app.openai().chat("gpt-x", false).await,
        app.openai().chat("gpt-x", true).await,
        app.openai().get("/models").await,
    ] {
        let error = refused(&answer, 403, "address_not_allowed", "allowed_cidrs");
        assert!(error["message"].as_str().unwrap().contains("127.0.0.1"));
    }
    let rows = app.logs().await;
    assert_eq!(rows.iter().map(|row| row.record.repeats).sum::<i64>(), 2);
    for row in rows {
        assert_eq!(row.record.status, Status::Error);
        assert_eq!(row.record.fault_owner, FaultOwner::Policy);
        assert_eq!(row.record.error_code, "address_not_allowed");
        assert_eq!((row.record.attempts, row.record.http_status), (0, 403));
    }
    let both = ["10.0.0.0/8", "127.0.0.1/32"].map(str::to_owned).to_vec();
    app.change_key(|key| key.allowed_cidrs = both).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
}

on_each_engine!(a_key_works_only_from_where_it_may);

async fn set_times(app: &TestApp, rules: Vec<TimeRule>) {
    let id = app.key().await.id;
    app.change(move |c| Box::pin(async move { time_rules::set(c, id, &rules).await }))
        .await;
}

fn days(allowed: bool, days: &[u32]) -> TimeRule {
    let when = When::weekdays(days.iter().map(|day| i64::from(*day))).unwrap();
    TimeRule { allowed, when }
}

async fn a_key_works_only_when_it_may(app: &TestApp) {
    app.change_key(|key| "Asia/Shanghai".clone_into(&mut key.time_zone))
        .await;
    let shanghai = chrono_tz::Asia::Shanghai;
    let local = Clock::system().now().with_timezone(&shanghai);
    // a day that is neither today nor, should midnight be near, tomorrow
    let later = (local.weekday().number_from_monday() + 2) % 7 + 1;
    set_times(app, vec![days(true, &[later])]).await;
    let answer = app.openai().chat("gpt-x", false).await;
    let error = refused(&answer, 403, "outside_allowed_times", "time_rules");
    let text = error["next_allowed_at"].as_str().unwrap();
    assert!(text.ends_with("+08:00"), "{text}");
    assert!(error["message"].as_str().unwrap().contains(text));
    let next = DateTime::parse_from_rfc3339(text).unwrap();
    assert_eq!(next.weekday().number_from_monday(), later);
    assert_eq!(next.format("%H:%M:%S").to_string(), "00:00:00");
    let seconds: i64 = answer.header("retry-after").parse().unwrap();
    let told = Clock::system().now() + chrono::TimeDelta::seconds(seconds);
    let off = told - next.with_timezone(&Utc);
    assert!(off.num_seconds().abs() <= 10, "{told} for {next}");
    let every: Vec<u32> = (1..=7).collect();
    set_times(app, vec![days(true, &every)]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let whole_day = When::time_range("00:00", "24:00").unwrap();
    let deny = TimeRule {
        allowed: false,
        when: whole_day,
    };
    set_times(app, vec![days(true, &every), deny]).await;
    let answer = app.openai().chat("gpt-x", true).await;
    let error = refused(&answer, 403, "outside_allowed_times", "time_rules");
    assert_eq!(
        (&error["next_allowed_at"], answer.header("retry-after")),
        (&Value::Null, "")
    );
    assert_eq!(app.vendor.received().len(), 1);
}

on_each_engine!(a_key_works_only_when_it_may);
