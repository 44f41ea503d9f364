//! API keys: what the form refuses, and the end of a key.

use crate::on_each_engine;
use crate::support::TestApp;

const KEYS: &str = "/admin/api-keys";

async fn a_key_that_may_call_nothing_is_a_mistake(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{KEYS}/new");
    let nothing = admin.submit(&new, KEYS, &[("name", "idle")]).await;
    assert_eq!(
        nothing.status, 422,
        "a key that may call nothing is a mistake"
    );
    let no_token = admin
        .post(KEYS, &[("name", "x"), ("all_models", "on")], None, false)
        .await;
    assert_eq!(no_token.status, 403);
}

on_each_engine!(a_key_that_may_call_nothing_is_a_mistake);

async fn a_revoked_key_is_refused(app: &TestApp) {
    let admin = app.admin().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let keys = admin.get(KEYS).await.text();
    let start = keys
        .find("/admin/api-keys/")
        .map(|_| keys.rfind("href=\"/admin/api-keys/").unwrap() + 6)
        .unwrap();
    let key: String = keys[start..].chars().take_while(|c| *c != '"').collect();
    let dialog = admin.get_htmx(&format!("{key}/revoke")).await.text();
    assert!(dialog.contains("alice") && !dialog.contains("<html"));
    assert_eq!(
        admin
            .submit(&key, &format!("{key}/revoke"), &[])
            .await
            .status,
        303
    );
    assert_eq!(admin.get(&key).await.status, 404);
    let mut status = 200;
    for _ in 0..30 {
        status = app.openai().chat("gpt-x", false).await.status.into();
        if status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, 401);
}

on_each_engine!(a_revoked_key_is_refused);

async fn a_key_switched_off_or_past_its_end_is_refused_and_says_so(app: &TestApp) {
    let admin = app.admin().await;
    let keys = admin.get(KEYS).await.text();
    let start = keys.rfind("href=\"/admin/api-keys/").expect("a key") + 6;
    let key: String = keys[start..].chars().take_while(|c| *c != '"').collect();
    for (fields, code) in [
        (
            vec![("name", "alice"), ("all_models", "on")],
            "api_key_disabled",
        ),
        (
            vec![
                ("name", "alice"),
                ("all_models", "on"),
                ("enabled", "on"),
                ("expires_at", "2020-01-01T00:00"),
            ],
            "api_key_expired",
        ),
    ] {
        let saved = admin.submit(&key, &key, &fields).await;
        assert_eq!(saved.status, 303);
        let told = admin.get(&key).await.text();
        assert_eq!(
            told.contains("The end of this key is past"),
            code == "api_key_expired"
        );
        let mut answer = app.openai().chat("gpt-x", false).await;
        for _ in 0..30 {
            if answer.text().contains(code) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            answer = app.openai().chat("gpt-x", false).await;
        }
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(answer.json()["error"]["code"], code);
    }
    app.settle().await;
    let codes: Vec<String> = app
        .logs()
        .await
        .into_iter()
        .map(|row| row.record.error_code)
        .collect();
    for code in ["api_key_disabled", "api_key_expired"] {
        assert!(
            codes.iter().any(|c| c == code),
            "a refusal by rule leaves a row: {codes:?}"
        );
    }
}

on_each_engine!(a_key_switched_off_or_past_its_end_is_refused_and_says_so);

/// The address of the first key on the list.
async fn first_key(admin: &crate::support::Browser) -> String {
    let keys = admin.get(KEYS).await.text();
    let start = keys.rfind("href=\"/admin/api-keys/").expect("a key") + 6;
    keys[start..].chars().take_while(|c| *c != '"').collect()
}

const RULES: &[(&str, &str)] = &[
    ("name", "alice"),
    ("all_models", "on"),
    ("enabled", "on"),
    ("time_zone", "Asia/Shanghai"),
    ("allowed_cidrs", "127.0.0.1\n10.1.2.3/8"),
    ("rpm", "60"),
    ("rpm_mode", "enforce"),
    ("tpm", "100000"),
    ("tpm_mode", "observe"),
    ("limit-0-amount", "5"),
    ("limit-0-model", "1"),
    ("limit-0-kind", "rpm"),
    ("limit-0-mode", "enforce"),
    ("limit-1-amount", ""),
    ("budget-0-amount", "5.00"),
    ("budget-0-currency", "USD"),
    ("budget-0-period", "day"),
    ("budget-0-mode", "enforce"),
    ("time-0-kind", "date_range"),
    ("time-0-allowed", "deny"),
    ("time-0-first", "2099-12-24"),
    ("time-0-last", "2100-01-01"),
    ("time-1-kind", "weekday"),
    ("time-1-allowed", "allow"),
    ("time-1-day", "1"),
    ("time-1-day", "2"),
    ("time-1-day", "3"),
    ("time-1-day", "4"),
    ("time-1-day", "5"),
    ("time-1-day", "6"),
    ("time-1-day", "7"),
    ("time-2-kind", ""),
];

async fn a_key_gets_its_rules_in_one_form(app: &TestApp) {
    let admin = app.admin().await;
    let key = first_key(&admin).await;
    let saved = admin.submit(&key, &key, RULES).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let sentence = "Every day Asia/Shanghai, not 2099-12-24 to 2100-01-01, only from 127.0.0.1/32, 10.0.0.0/8, \
                    at most 60 requests a minute, at most 100,000 tokens a minute (only observed), \
                    at most 5 requests a minute for gpt-x, 5 USD a day";
    let list = admin.get(KEYS).await.text();
    assert!(list.contains(sentence), "{list}");
    let page = admin.get(&key).await.text();
    assert!(page.contains(sentence), "{page}");
    // what is stored comes back in the form, so that saving it once more changes nothing
    for field in [
        "name=\"rpm\" value=\"60\"",
        "name=\"limit-0-amount\" value=\"5\"",
        "name=\"budget-0-amount\" value=\"5\"",
        "name=\"time-0-first\" value=\"2099-12-24\"",
        "name=\"time-2-kind\"",
    ] {
        assert!(page.contains(field), "{field}");
    }
    let zh = admin.clone().speaking("zh").get(&key).await.text();
    assert!(zh.contains("每分钟最多 60 次请求"), "{zh}");

    let audit = app
        .db()
        .read(|c| Box::pin(modelgate_store::audit::list(c, None, 5)))
        .await
        .unwrap();
    let line = audit.rows.iter().find(|l| l.action == "api_key.update");
    let line = line.expect("an audit line");
    let json = |text: &Option<String>| -> serde_json::Value {
        serde_json::from_str(text.as_ref().unwrap()).unwrap()
    };
    let (before, after) = (json(&line.before), json(&line.after));
    assert_eq!(before["limits"], serde_json::json!([]));
    assert_eq!(after["limits"][0]["amount"], 60);
    assert_eq!(after["time_rules"][1]["kind"], "weekday");

    // and it holds: one request a minute, then a refusal, which the page counts
    let mut one = RULES.to_vec();
    one.retain(|(name, _)| *name != "rpm");
    one.push(("rpm", "1"));
    assert_eq!(admin.submit(&key, &key, &one).await.status, 303);
    let mut answer = app.openai().chat("gpt-x", false).await;
    for _ in 0..50 {
        if answer.status == 429 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        answer = app.openai().chat("gpt-x", false).await;
    }
    assert_eq!(answer.status, 429, "{}", answer.text());
    let usage = admin.get_htmx(&key).await.text();
    assert!(
        usage.contains("at most one request a minute") && !usage.contains("<html"),
        "{usage}"
    );
    assert!(usage.contains("mg-fill-red"), "{usage}");
}

on_each_engine!(a_key_gets_its_rules_in_one_form);

async fn rules_that_cannot_be_meant_come_back_with_a_reason(app: &TestApp) {
    let admin = app.admin().await;
    let key = first_key(&admin).await;
    for (name, value, why) in [
        (
            "time_zone",
            "Mars/Base",
            "A time zone such as Asia/Shanghai.",
        ),
        (
            "allowed_cidrs",
            "10.0.0.0/33",
            "10.0.0.0/33 is neither a network",
        ),
        ("rpm", "0", "A whole number from 1 to"),
        ("limit-0-model", "", "Choose a model."),
        ("limit-0-kind", "speed", "Choose one of the list."),
        ("budget-0-amount", "-1", "An amount above nothing"),
        ("budget-0-currency", "usd", "Three capital letters"),
        ("time-0-first", "", "Give the first and the last day."),
        (
            "time-0-last",
            "2099-12-23",
            "The last day must not lie before the first.",
        ),
        ("time-1-kind", "time_range", "A time is HH:MM"),
    ] {
        let mut fields: Vec<_> = RULES.iter().copied().filter(|(n, _)| *n != name).collect();
        fields.push((name, value));
        let refused = admin.submit(&key, &key, &fields).await;
        let text = refused.text();
        assert_eq!(refused.status, 422, "{name} = {value}");
        assert!(text.contains(why), "{name} = {value}: {why}");
        let focused = ["aria-invalid=\"true\"", "data-invalid"];
        assert!(
            focused.iter().any(|sign| text.contains(sign)),
            "{name}: focus goes to what is wrong"
        );
    }
    let mut twice = RULES.to_vec();
    twice.extend([
        ("budget-1-amount", "7"),
        ("budget-1-currency", "USD"),
        ("budget-1-period", "day"),
    ]);
    let refused = admin.submit(&key, &key, &twice).await;
    assert!(refused.status == 422 && refused.text().contains("limited twice here"));
    let page = admin.get(&key).await.text();
    assert!(page.contains("without limits"), "nothing was kept: {page}");
}

on_each_engine!(rules_that_cannot_be_meant_come_back_with_a_reason);

async fn one_more_row_is_given_and_nothing_saved(app: &TestApp) {
    let admin = app.admin().await;
    for page in [format!("{KEYS}/new"), first_key(&admin).await] {
        let action = page.trim_end_matches("/new");
        let mut fields = RULES.to_vec();
        fields.push(("more", "time"));
        let more = admin.submit(&page, action, &fields).await;
        assert_eq!(more.status, 200);
        let text = more.text();
        assert!(text.contains("name=\"time-3-kind\""), "{text}");
        assert!(
            text.contains("value=\"2099-12-24\""),
            "what was typed stays"
        );
        let no_token = admin.post(action, &fields, None, false).await;
        assert_eq!(no_token.status, 403);
    }
    assert!(!admin.get(KEYS).await.text().contains("Asia/Shanghai"));
}

on_each_engine!(one_more_row_is_given_and_nothing_saved);

async fn a_key_has_its_figures_and_its_tags(app: &TestApp) {
    let admin = app.admin().await;
    let key = first_key(&admin).await;
    let before = admin.get(&key).await.text();
    assert!(before.contains("It was not used in this time."));
    let fields = [
        ("name", "alice"),
        ("all_models", "on"),
        ("enabled", "on"),
        ("tags", "b, a,b"),
    ];
    assert_eq!(admin.submit(&key, &key, &fields).await.status, 303);
    let many = "x,".repeat(400);
    let mut bad = fields.to_vec();
    bad.push(("tags", &many));
    bad.remove(3);
    assert_eq!(
        admin.submit(&key, &key, &bad).await.status,
        303,
        "twice the same is once"
    );
    bad[3] = (
        "tags",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    );
    let refused = admin.submit(&key, &key, &bad).await;
    assert!(refused.status == 422 && refused.text().contains("Up to 20 tags"));
    assert_eq!(admin.submit(&key, &key, &fields).await.status, 303);
    assert!(
        admin
            .get(&key)
            .await
            .text()
            .contains("name=\"tags\" value=\"a, b\"")
    );
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    app.settle().await;
    let page = admin.get(&format!("{key}?range=7d")).await.text();
    assert!(
        page.contains("data-chart=\"trend\"") && page.contains("Requests: 1 ·"),
        "{page}"
    );
    let id = key.rsplit('/').next().unwrap();
    assert!(
        page.contains(&format!("/admin/logs?status=ended&#38;key={id}&#38;from=")),
        "{page}"
    );
    let part = admin.get_htmx(&key).await.text();
    assert!(
        !part.contains("data-chart"),
        "the live part is the usage alone"
    );
}

on_each_engine!(a_key_has_its_figures_and_its_tags);

async fn a_key_is_not_made_that_has_ended(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{KEYS}/new");
    let mut fields = vec![
        ("name", "late"),
        ("all_models", "on"),
        ("expires_at", "2020-01-01T00:00"),
    ];
    let refused = admin.submit(&new, KEYS, &fields).await;
    assert!(refused.status == 422 && refused.text().contains("This moment is past"));
    assert!(
        refused.text().contains("value=\"late\""),
        "what was typed stays"
    );
    fields[2] = ("expires_at", "2999-01-01T00:00");
    assert_eq!(admin.submit(&new, KEYS, &fields).await.status, 200);
}

on_each_engine!(a_key_is_not_made_that_has_ended);
