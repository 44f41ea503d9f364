//! Tool settings with the real address and the chosen model.

use modelgate_domain::{LimitKind, Status};

use super::user_login::holder;

use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp, limit};

async fn settings_are_filled_in_and_hold_no_key(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let page = alice.get("/user/tools?model=gpt-x").await.text();
    assert!(page.contains("https://gate.example/v1") && page.contains("OpenCode"));
    assert!(!page.contains(KEY) && page.contains("Claude Code"));
    let file = alice.get("/user/tools/opencode/file?model=gpt-x").await;
    assert!(file.header("content-disposition").contains("opencode.json"));
    let provider = file.json()["provider"]["modelgate"].clone();
    assert_eq!(provider["options"]["baseURL"], "https://gate.example/v1");
    assert_eq!(provider["models"]["gpt-x"]["limit"]["context"], 128_000);
    assert!(provider["models"].get("embed-x").is_none(), "chat only");
    let same = alice.get("/opencode/opencode.json").await;
    assert_eq!(same.json()["provider"]["modelgate"], provider);
    let setup = alice.get("/opencode/setup.md").await;
    assert!(setup.header("content-type").starts_with("text/markdown"));
    assert!(setup.text().contains("- `gpt-x`") && setup.text().contains("```json"));
    for missing in ["cline", "nonsense", "..%2f"] {
        let path = format!("/user/tools/{missing}/file");
        assert_eq!(alice.get(&path).await.status, 404, "{missing}");
    }
    let stranger = app.visitor().get("/opencode/setup.md").await;
    assert_eq!(stranger.status, 401);
    assert!(stranger.text().contains("https://gate.example/user/tools"));
}

on_each_engine!(settings_are_filled_in_and_hold_no_key, |engine| {
    Setup::on(engine).env("PUBLIC_URL", "https://gate.example")
});

/// What stands in the element with this id.
fn shown_in(page: &str, id: &str) -> String {
    let html = scraper::Html::parse_document(page);
    let code = scraper::Selector::parse(&format!("#{id} code")).unwrap();
    let found = html.select(&code).next();
    found
        .unwrap_or_else(|| panic!("no {id}: {page}"))
        .text()
        .collect()
}

/// What the form of a question takes along, its token among it.
fn fields_of(page: &str) -> Vec<(String, String)> {
    let html = scraper::Html::parse_document(page);
    let field = scraper::Selector::parse("main form input[type=hidden]").unwrap();
    let value = |e: scraper::ElementRef<'_>, name| e.value().attr(name).unwrap().to_owned();
    html.select(&field)
        .map(|e| (value(e, "name"), value(e, "value")))
        .collect()
}

fn pairs(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(n, v)| (&**n, &**v)).collect()
}

/// Another secret for a key, as its owner has it issued.
pub async fn renewed(owner: &crate::support::Browser, key: &str) -> String {
    let asked = owner.get(&format!("/user/tools/renew?key={key}")).await;
    let fields = fields_of(&asked.text());
    let fields = pairs(&fields);
    let made = owner.post("/user/tools/renew", &fields, None, false);
    shown_in(&made.await.text(), "new-key")
}

const SETUP: &str = "/opencode/setup.md";

async fn an_agent_reads_the_set_up_by_a_link_once(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let made = alice.submit("/user/tools", "/user/tools/link", &[]).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let link = shown_in(&made.text(), "new-link");
    let path = link
        .strip_prefix("https://gate.example")
        .expect("a link")
        .to_owned();
    assert!(path.starts_with("/opencode/setup.md?token=") && !path.contains("sk-mg"));
    let agent = app.visitor();
    let head = agent
        .send(agent.request(reqwest::Method::HEAD, &path))
        .await;
    assert_eq!((head.status, head.body.len()), (200, 0), "only looked at");
    let read = agent.get(&path).await;
    assert_eq!(read.status, 200);
    assert!(read.text().contains("- `gpt-x`") && !read.text().contains(KEY));
    assert!(read.text().contains("\"model\": \"modelgate/gpt-x\""));
    let again = agent.get(&path).await;
    assert_eq!(again.status, 410);
    assert!(again.header("content-type").starts_with("text/markdown"));
    assert!(again.text().contains("https://gate.example/user/tools"));
    // another link ends the one before
    let first = shown_in(
        &alice
            .submit("/user/tools", "/user/tools/link", &[])
            .await
            .text(),
        "new-link",
    );
    alice.submit("/user/tools", "/user/tools/link", &[]).await;
    let first = first.trim_start_matches("https://gate.example");
    assert_eq!(agent.get(first).await.status, 410);
    // and so does the end of the key
    let last = alice.submit("/user/tools", "/user/tools/link", &[]).await;
    let last = shown_in(&last.text(), "new-link");
    app.change_key(|key| key.enabled = false).await;
    let last = last.trim_start_matches("https://gate.example");
    assert_eq!(agent.get(last).await.status, 410);
    let forged = alice.post("/user/tools/link", &[], None, false).await;
    assert_ne!(forged.status, 200, "no token");
}

on_each_engine!(an_agent_reads_the_set_up_by_a_link_once, |engine| {
    Setup::on(engine).env("PUBLIC_URL", "https://gate.example")
});

async fn a_key_in_an_address_is_answered_with_the_way_to_a_link(app: &TestApp) {
    for query in [
        format!("key={KEY}"),
        format!("api_key={KEY}"),
        "api_key=".to_owned(),
    ] {
        let answer = app.visitor().get(&format!("{SETUP}?{query}")).await;
        assert_eq!(answer.status, 400, "{query}");
        assert!(answer.header("content-type").starts_with("text/markdown"));
        let text = answer.text();
        assert!(text.contains("Make a link") && !text.contains(KEY) && !text.contains("gpt-x"));
    }
    let alice = holder(app, KEY).await;
    let old = alice.get(&format!("{SETUP}?api_key={KEY}")).await;
    assert_eq!(old.status, 400, "whoever asks");
    for wrong in ["token=", "token=x", "token=%3Cscript%3E"] {
        let answer = app.visitor().get(&format!("{SETUP}?{wrong}")).await;
        assert_eq!(answer.status, 410, "{wrong}");
        assert!(!answer.text().contains("<script>"));
    }
}

on_each_engine!(a_key_in_an_address_is_answered_with_the_way_to_a_link);

async fn a_link_is_used_once_by_those_who_come_at_once(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let made = alice.submit("/user/tools", "/user/tools/link", &[]).await;
    let link = shown_in(&made.text(), "new-link");
    let path = &link[link.find("/opencode").unwrap()..];
    let visitors: Vec<_> = (0..6).map(|_| app.visitor()).collect();
    let all = visitors.iter().map(|visitor| visitor.get(path));
    let answers = futures_util::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
}

on_each_engine!(a_link_is_used_once_by_those_who_come_at_once);

/// Sends a file as the page's form does.
async fn merge(browser: &crate::support::Browser, file: &[u8]) -> crate::support::Answer {
    let token = browser.token("/user/tools").await;
    let head = format!(
        "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n\
         --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"opencode.json\"\r\n\
         Content-Type: application/json\r\n\r\n"
    );
    let body = [head.as_bytes(), file, b"\r\n--B--\r\n"].concat();
    let request = browser
        .request(reqwest::Method::POST, "/user/tools/merge?model=gpt-x")
        .header("content-type", "multipart/form-data; boundary=B")
        .header("sec-fetch-site", "same-origin")
        .body(body);
    browser.send(request).await
}

async fn an_uploaded_file_keeps_all_else(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let mine = "{\n  // mine\n  \"theme\": \"nord\",\n  \"provider\": { \"other\": { \"name\": \"模型\" } }\n}\n";
    let merged = merge(&alice, mine.as_bytes()).await;
    assert_eq!(merged.status, 200, "{}", merged.text());
    assert!(
        merged
            .header("content-disposition")
            .contains("opencode.json")
    );
    let text = merged.text();
    assert!(text.contains("// mine") && text.contains("\"name\": \"模型\""));
    let json: serde_json::Value = serde_json::from_str(&text.replace("// mine", "")).unwrap();
    assert_eq!(json["theme"], "nord");
    assert_eq!(
        json["provider"]["modelgate"]["models"]["gpt-x"]["limit"]["context"],
        128_000
    );
    assert_eq!(json["model"], "modelgate/gpt-x");
    let once_more = merge(&alice, text.as_bytes()).await;
    assert_eq!(once_more.text(), text, "once more changes nothing");
    for (file, told) in [
        ("{\n  \"a\": 1\n  \"b\": 2\n}", "line 3, column 3"),
        ("[]", "has to be one JSON object"),
        (
            "{\"provider\": 1}",
            "“provider” in this file is not an object",
        ),
        ("", "line 1, column 1"),
        (
            "{\"provider\": {\"modelgate\": {/* x */}}}",
            "have comments in them",
        ),
    ] {
        let refused = merge(&alice, file.as_bytes()).await;
        assert_eq!(refused.status, 422, "{file}");
        assert!(refused.text().contains(told), "{file}: {}", refused.text());
    }
    let huge = merge(&alice, " ".repeat(300 * 1024).as_bytes()).await;
    assert!(huge.status == 422 && huge.text().contains("longer than 256 KB"));
    let binary = merge(&alice, b"\xff\xfe{}").await;
    assert!(binary.status == 422 && binary.text().contains("not UTF-8"));
}

on_each_engine!(an_uploaded_file_keeps_all_else);

async fn an_owner_may_issue_another_secret_and_a_finder_may_not(app: &TestApp) {
    let alice = holder(app, KEY).await;
    assert!(
        !alice
            .get("/user/tools")
            .await
            .text()
            .contains("/user/tools/renew")
    );
    assert_eq!(
        alice
            .submit("/user/tools", "/user/tools/renew", &[])
            .await
            .status,
        404
    );

    let id = app.add_account("ann", modelgate_domain::Role::User).await;
    app.change_key(|key| key.user_id = id).await;
    let ann = app.account("ann").await;
    let id = app.key().await.id.to_string();
    let asked = format!("/user/tools/renew?key={id}&model=gpt-x");
    let first = ann.get(&asked).await.text();
    assert!(first.contains("goes on working until") && !first.contains("ends at once"));
    let fields = fields_of(&first);
    let fields = pairs(&fields);
    let made = ann.post("/user/tools/renew", &fields, None, false);
    let made = made.await;
    assert_eq!(made.status, 200, "{}", made.text());
    let new = shown_in(&made.text(), "new-key");
    for line in [
        format!("export MODELGATE_API_KEY='{new}'"),
        format!("$env:OPENAI_API_KEY = '{new}'"),
    ] {
        let line = line.replace('\'', "&#39;");
        assert!(made.text().contains(&line), "{line}: {}", made.text());
    }
    // a second press of the same button ends nothing
    let twice = ann.post("/user/tools/renew", &fields, None, false);
    assert_eq!(twice.await.status, 303);
    assert_eq!(
        holder(app, &new).await.get("/user/dashboard").await.status,
        200
    );
    let again = ann.get(&asked).await.text();
    assert!(again.contains("ends at once"), "{again}");
    assert!(
        made.text().matches(&new).count() > 3,
        "it stands in the settings"
    );
    app.wait_for_newest_generation().await;
    for key in [KEY, &new] {
        assert_eq!(app.openai_as(key).chat("gpt-x", false).await.status, 200);
    }
    assert!(!ann.get("/user/tools").await.text().contains(&new));
    app.add_account("eve", modelgate_domain::Role::User).await;
    let eve = app.account("eve").await;
    let token = eve.token("/account").await;
    let key = app.key().await.id.to_string();
    let fields = [("key", key.as_str())];
    for path in ["renew", "link"] {
        let other = eve
            .post(&format!("/user/tools/{path}"), &fields, Some(&token), false)
            .await;
        assert_eq!(other.status, 404, "{path}: another's key is not there");
    }
    assert_eq!(eve.get(&asked).await.status, 404);
    // the file that is taken away holds the key, for whoever has just been shown it
    let token = ann.token("/account").await;
    for (secret, status) in [(&*new, 200), (KEY, 400), ("", 400)] {
        let fields = [("key", &*key), ("model", "gpt-x"), ("secret", secret)];
        let file = ann.post("/user/tools/claude-code/file", &fields, Some(&token), false);
        let file = file.await;
        assert_eq!(file.status, status);
        assert_eq!(file.text().contains(&new), status == 200);
    }
    let without = ann.get("/user/tools/claude-code/file").await;
    assert!(without.text().contains("YOUR_API_KEY"));
}

on_each_engine!(an_owner_may_issue_another_secret_and_a_finder_may_not);

async fn a_tool_is_tested_by_a_real_call(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let fields = [("tool", "cline"), ("model", "gpt-x")];
    let test = "/user/tools/test";
    let works = alice.submit("/user/tools", test, &fields).await.text();
    assert!(
        works.contains("gpt-x answered a call as Cline makes it"),
        "{works}"
    );
    let row = app.only_log().await.record;
    assert_eq!(row.user_agent, "ModelGate test");
    assert!(works.contains(&format!("/user/requests/{}", row.id)));
    assert_eq!(
        alice
            .get(&format!("/user/requests/{}", row.id))
            .await
            .status,
        200
    );
    app.vendor.push(modelgate::simulator::Step::status(400));
    let failed = alice.submit("/user/tools", test, &fields).await.text();
    assert!(
        failed.contains("failed") && failed.contains("/user/requests/"),
        "{failed}"
    );
    // the limits of the key hold as for any call
    app.limit_key(&[limit(LimitKind::Rpm, 1)]).await;
    alice.submit("/user/tools", test, &fields).await;
    let refused = alice.submit("/user/tools", test, &fields).await.text();
    assert!(refused.contains("failed"), "{refused}");
    app.settle().await;
    let newest = app.logs().await.remove(0).record;
    assert_eq!(newest.status, Status::RateLimited);
    let unknown = alice
        .submit("/user/tools", test, &[("tool", "nonsense")])
        .await;
    assert_eq!(unknown.status, 404);
    assert_eq!(alice.post(test, &fields, None, false).await.status, 403);
}

on_each_engine!(a_tool_is_tested_by_a_real_call);

/// Each tool is tried in the dialect it speaks, whatever the vendor's.
async fn a_tool_is_tested_in_its_own_dialect(app: &TestApp) {
    let alice = holder(app, KEY).await;
    for (tool, endpoint) in [
        ("claude-code", "messages"),
        ("codex", "responses"),
        ("gemini-cli", "generate_content"),
        ("opencode", "chat_completions"),
    ] {
        let fields = [("tool", tool), ("model", "gpt-x")];
        let page = alice
            .submit("/user/tools", "/user/tools/test", &fields)
            .await;
        assert!(
            page.text().contains("gpt-x answered a call as"),
            "{tool}: {}",
            page.text()
        );
        app.settle().await;
        let newest = app.logs().await.remove(0).record;
        assert_eq!(
            (newest.endpoint.as_str(), newest.status),
            (endpoint, Status::Success)
        );
        app.vendor.push(modelgate::simulator::Step::status(400));
        let failed = alice
            .submit("/user/tools", "/user/tools/test", &fields)
            .await;
        assert!(failed.text().contains("/user/requests/") && failed.text().contains("failed"));
    }
}

on_each_engine!(a_tool_is_tested_in_its_own_dialect);

/// A page whose key somebody has lost meanwhile does nothing to another of theirs.
async fn what_is_asked_for_another_key_happens_to_none(app: &TestApp) {
    let ann_id = app.add_account("ann", modelgate_domain::Role::User).await;
    app.change_key(move |key| key.user_id = ann_id).await;
    let other = "[[api_keys]]\nname = \"mallory\"\nsecret = \"sk-mg-test-mallory-0123456789\"\nmodels = [\"*\"]\n";
    app.apply(other).await;
    let mallory = app
        .db()
        .read(|c| Box::pin(modelgate_store::api_keys::find_by_name(c, "mallory")))
        .await
        .unwrap()
        .expect("the other key");
    let ann = app.account("ann").await;
    let token = ann.token("/account").await;
    let before = app.key().await;
    let other = mallory.id.to_string();
    for key in [&*other, "999999", "nonsense", "-1"] {
        let fields = [
            ("key", key),
            ("model", "gpt-x"),
            ("tool", "cline"),
            ("of", &*before.shown()),
            ("role", "user"),
            ("text", "hello"),
            ("message", "hello"),
        ];
        for path in [
            "/user/tools/renew",
            "/user/tools/link",
            "/user/tools/test",
            "/user/tools/cline/file",
            "/user/playground",
            "/user/playground/stream",
        ] {
            let refused = ann.post(path, &fields, Some(&token), false).await;
            assert_eq!(refused.status, 404, "{path} {key}");
        }
        if key.parse::<i64>().is_ok() {
            for path in [
                "/user/export/calls?key=",
                "/user/export/days?key=",
                "/user/export/report?format=docx&key=",
                "/user/tools/opencode/file?key=",
                "/user/tools/renew?key=",
                "/opencode/setup.md?key=",
                "/opencode/opencode.json?key=",
                "/user/dashboard?key=",
                "/user/tools?key=",
                "/user/models?key=",
                "/user/playground?key=",
            ] {
                let answer = ann.get(&format!("{path}{key}")).await;
                assert_eq!(answer.status, 404, "{path}{key}");
            }
        }
    }
    assert_eq!(app.key().await.key_hash, before.key_hash);
    assert!(app.logs().await.is_empty(), "no call was made");
}

on_each_engine!(what_is_asked_for_another_key_happens_to_none);

/// The language is switched on a page that an action has answered with.
async fn a_page_that_an_action_shows_is_come_back_to(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let id = app.key().await.id.to_string();
    let fields = [("tool", "cline"), ("model", "gpt-x"), ("key", id.as_str())];
    for action in ["test", "link"] {
        let action = format!("/user/tools/{action}");
        let shown = alice.submit("/user/tools", &action, &fields).await.text();
        let back = format!("name=\"to\" value=\"/user/tools?key={id}&amp;model=gpt-x\"");
        assert!(shown.replace("&#38;", "&amp;").contains(&back), "{shown}");
    }
}

on_each_engine!(a_page_that_an_action_shows_is_come_back_to);
