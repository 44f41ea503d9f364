//! The playground: a call like any other, made from a page.

use std::time::Duration;

use futures_util::StreamExt;
use modelgate::simulator::Step;
use modelgate_domain::{LimitKind, Status};
use reqwest::{Method, header};

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{Answer, Browser, KEY, Setup, TestApp, limit, provisioning};

const AT: &str = "/user/playground";
const STREAM: &str = "/user/playground/stream";
const NARROW: &str = "sk-mg-test-narrow-0123456789";
const HOSTILE: &str = "<script>alert(1)</script> & \"you\"";

fn a_narrow_key(base_url: &str) -> String {
    format!(
        "{}\n[[api_keys]]\nname = \"narrow\"\nsecret = \"{NARROW}\"\nmodels = [\"embed-x\"]\n",
        provisioning(base_url)
    )
}

fn two_keys(engine: modelgate_store::Engine) -> Setup {
    Setup {
        apply: Some(a_narrow_key),
        ..Setup::on(engine)
    }
}

async fn say(browser: &Browser, action: &str, fields: &[(&str, &str)]) -> Answer {
    let mut all = vec![("model", "gpt-x"), ("message", "hello")];
    all.extend_from_slice(fields);
    browser.submit(AT, action, &all).await
}

async fn a_form_brings_the_whole_answer_by_the_path_of_every_call(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let empty = alice.get(AT).await.text();
    assert!(
        empty.contains("gpt-x") && !empty.contains("embed-x"),
        "chat only"
    );
    app.vendor.push(Step::answer().text(HOSTILE));
    let fields = [
        ("system", "be brief"),
        ("role", "user"),
        ("text", "earlier"),
        ("role", "assistant"),
        ("text", "indeed"),
        ("temperature", "0.7"),
        ("max_tokens", "50"),
    ];
    let page = say(&alice, AT, &fields).await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("&#60;script&#62;alert(1)") && !text.contains("<script>alert"));
    assert!(text.contains("tokens in") && text.contains("/user/requests/req_"));
    assert!(text.contains("value=\"earlier\"") && text.contains("value=\"hello\""));

    let sent = app.vendor.received().pop().expect("a call").json();
    let messages = sent["messages"].as_array().unwrap();
    let said: Vec<_> = messages
        .iter()
        .map(|m| (m["role"].as_str().unwrap(), m["content"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("system", "be brief"),
            ("user", "earlier"),
            ("assistant", "indeed"),
            ("user", "hello")
        ]
    );
    assert_eq!(
        (&sent["temperature"], &sent["max_tokens"]),
        (&0.7.into(), &50.into())
    );
    assert!(sent.get("top_p").is_none() && sent.get("stream").is_none());

    let row = app.only_log().await.record;
    assert_eq!(row.user_agent, "ModelGate playground");
    assert_eq!((row.status, row.stream), (Status::Success, false));
    assert!(row.cost_nanos.is_some() && row.usage.total() > 0);
}

on_each_engine!(a_form_brings_the_whole_answer_by_the_path_of_every_call);

async fn what_a_model_says_in_markdown_is_shown_as_such_and_harmless(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let said = "Take **two**:\n\n- [a](javascript:alert(1))\n- ![x](https://e.example/x.png)\n\n<script>alert(1)</script>";
    app.vendor.push(Step::answer().text(said));
    let page = say(&alice, AT, &[]).await.text();
    let part = alice
        .submit(AT, "/user/playground/prose", &[("text", said)])
        .await;
    assert_eq!(part.status, 200);
    assert!(!part.text().contains("<html"));
    for shown in [page, part.text()] {
        assert!(
            shown.contains("<strong>two</strong>") && shown.contains("<li>"),
            "{shown}"
        );
        for bad in [
            "<script>alert",
            "href=\"javascript",
            "src=\"https://e.example",
        ] {
            assert!(!shown.contains(bad), "{bad}: {shown}");
        }
    }
    let fields = [("role", "user"), ("text", "my **own** words")];
    let mine = say(&alice, AT, &fields).await.text();
    assert!(mine.contains("my **own** words") && !mine.contains("<strong>own"));
}

on_each_engine!(what_a_model_says_in_markdown_is_shown_as_such_and_harmless);

async fn what_is_wrong_is_said_in_words_and_nothing_is_called(app: &TestApp) {
    let (alice, narrow) = (holder(app, KEY).await, holder(app, NARROW).await);
    for (fields, shown) in [
        (&[("temperature", "9")][..], "A number from 0 to 2"),
        (&[("max_tokens", "many")], "A number from 1 to 1,000,000"),
    ] {
        let page = say(&alice, AT, fields).await;
        assert_eq!(page.status, 422);
        assert!(page.text().contains(shown), "{}", page.text());
        let told = say(&alice, STREAM, fields).await;
        assert_eq!(told.status, 422);
        assert!(told.json()["message"].as_str().unwrap().contains(shown));
    }
    let empty = alice.submit(AT, AT, &[("model", "gpt-x")]).await;
    assert!(empty.status == 422 && empty.text().contains("Write a message first"));
    for (browser, model) in [(&narrow, "gpt-x"), (&alice, "embed-x"), (&alice, HOSTILE)] {
        let page = browser
            .submit(
                "/user/models",
                STREAM,
                &[("model", model), ("message", "x")],
            )
            .await;
        assert_eq!(page.status, 422, "{model}");
        assert!(page.text().contains("may not use that model"));
    }
    let none = narrow.get(AT).await.text();
    assert!(none.contains("No model is open to this key"));
    assert_eq!(
        alice
            .post(AT, &[("model", "gpt-x")], None, false)
            .await
            .status,
        403
    );
    assert_eq!(
        alice
            .post(STREAM, &[("model", "gpt-x")], None, false)
            .await
            .status,
        403
    );
    assert!(app.vendor.received().is_empty());

    app.vendor.push(Step::status(503));
    let failed = say(&alice.clone().speaking("zh"), AT, &[]).await.text();
    assert!(failed.contains("模型的供应商没有正常回答"), "{failed}");
    assert!(failed.contains("value=\"gpt-x\" selected") && failed.contains("hello</textarea>"));
    app.limit_key(&[limit(LimitKind::Rpm, 1)]).await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let limited = say(&alice, AT, &[]).await.text();
    assert!(limited.contains("A limit is reached"), "{limited}");
    let told = say(&alice, STREAM, &[]).await;
    assert!(
        told.json()["message"]
            .as_str()
            .unwrap()
            .contains("A limit is reached")
    );
    assert!(told.header("x-modelgate-call").starts_with("req_"));
}

on_each_engine!(
    what_is_wrong_is_said_in_words_and_nothing_is_called,
    two_keys
);

async fn a_stream_comes_as_it_is_and_its_receipt_is_the_holders_alone(app: &TestApp) {
    let (alice, narrow) = (holder(app, KEY).await, holder(app, NARROW).await);
    let answer = say(&alice, STREAM, &[]).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.content().is_empty());
    assert_eq!(answer.data().last().unwrap(), "[DONE]");
    let id = answer.header("x-modelgate-call").to_owned();
    let path = format!("{AT}/receipt/{id}");
    let receipt = alice.get(&path).await;
    assert_eq!(receipt.status, 200);
    let text = receipt.text();
    assert!(
        text.contains("tokens in") && text.contains("success"),
        "{text}"
    );
    assert!(!text.contains("<html") && text.contains(&format!("/user/requests/{id}")));
    let row = app.only_log().await.record;
    assert_eq!((row.id.to_string(), row.stream), (id, true));
    assert_eq!(narrow.get(&path).await.status, 404, "somebody else's");
    assert_eq!(alice.get(&format!("{AT}/receipt/x")).await.status, 404);
}

on_each_engine!(
    a_stream_comes_as_it_is_and_its_receipt_is_the_holders_alone,
    two_keys
);

async fn leaving_cancels_the_call(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let token = alice.token(AT).await;
    let long = Step::answer().tokens(500).pace(Duration::from_millis(20));
    app.vendor.push(long);
    let fields = [("model", "gpt-x"), ("message", "hello"), ("csrf", &token)];
    let request = alice
        .request(Method::POST, STREAM)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::ORIGIN, app.url())
        .body(serde_urlencoded::to_string(fields).unwrap());
    let mut stream = request.send().await.unwrap().bytes_stream();
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    let seen = app
        .vendor
        .wait_until(Duration::from_secs(5), |s| s.abandoned == 1)
        .await;
    assert!(seen, "the vendor's call runs on");
    assert_eq!(app.only_log().await.record.status, Status::Cancelled);
}

on_each_engine!(leaving_cancels_the_call);

async fn the_same_call_is_shown_as_code(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let page = say(&alice, AT, &[("action", "code"), ("seed", "7")])
        .await
        .text();
    assert!(page.contains("https://gate.example/v1/chat/completions"));
    for shown in [
        "curl",
        "from openai import OpenAI",
        "import OpenAI from",
        "seed",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains(KEY) && page.contains("hello</textarea>"));
    assert!(app.vendor.received().is_empty());
}

on_each_engine!(the_same_call_is_shown_as_code, |engine| {
    Setup::on(engine).env("PUBLIC_URL", "https://gate.example")
});
