//! Peeks and splices.

use proptest::prelude::*;

use super::*;

fn spliced(body: &str, ask: bool) -> String {
    let peek = Peek::read(body.as_bytes()).unwrap();
    String::from_utf8(peek.body_for(body.as_bytes(), "v-1", ask)).unwrap()
}

#[test]
fn only_the_model_changes() {
    let body = r#" { "zeta" : 1.10, "model" : "gpt-x" , "n":1e2,"unknown":{"model":"inner"},"messages":[ ] } "#;
    assert_eq!(spliced(body, true), body.replace("\"gpt-x\"", "\"v-1\""));
    let peek = Peek::read(body.as_bytes()).unwrap();
    assert_eq!((peek.model.as_str(), peek.stream), ("gpt-x", false));
    assert!(!peek.must_ask_for_usage());
}

#[test]
fn the_vendors_name_is_escaped() {
    let body = br#"{"model":"a"}"#;
    let peek = Peek::read(body).unwrap();
    assert_eq!(
        peek.body_for(body, "we\"ird/模", false),
        "{\"model\":\"we\\\"ird/模\"}".as_bytes()
    );
}

#[test]
fn an_escaped_name_is_understood() {
    let peek = Peek::read(br#"{"mod\u0065l":"gpt\u002dx"}"#).unwrap();
    assert_eq!(peek.model, "gpt-x");
}

#[test]
fn usage_is_asked_for_wherever_the_options_stand() {
    let cases = [
        (
            r#"{"model":"a","stream":true}"#,
            r#"{"model":"v-1","stream_options":{"include_usage":true},"stream":true}"#,
        ),
        (
            r#"{"stream_options":{ },"stream":true,"model":"a"}"#,
            r#"{"stream_options":{"include_usage":true },"stream":true,"model":"v-1"}"#,
        ),
        (
            r#"{"stream_options":{"x":1},"stream":true,"model":"a"}"#,
            r#"{"stream_options":{"include_usage":true,"x":1},"stream":true,"model":"v-1"}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":null}"#,
            r#"{"model":"v-1","stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"model":"a","stream":true,"stream_options":{"include_usage": false}}"#,
            r#"{"model":"v-1","stream":true,"stream_options":{"include_usage": true}}"#,
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(spliced(body, true), expected);
        assert!(Peek::read(body.as_bytes()).unwrap().must_ask_for_usage());
        let unasked = body.replace("\"model\":\"a\"", "\"model\":\"v-1\"");
        assert_eq!(spliced(body, false), unasked);
    }
}

#[test]
fn a_caller_who_asked_is_left_alone() {
    let body = r#"{"model":"a","stream":true,"stream_options":{"include_usage":true}}"#;
    assert!(!Peek::read(body.as_bytes()).unwrap().must_ask_for_usage());
    assert_eq!(spliced(body, true), body.replace("\"a\"", "\"v-1\""));
}

#[test]
fn errors_say_what_and_where() {
    let error = |body: &str| Peek::read(body.as_bytes()).unwrap_err();
    assert_eq!(error("  "), BadRequest::Empty);
    assert_eq!(error("[1]"), BadRequest::NotAnObject);
    assert_eq!(error("7"), BadRequest::NotAnObject);
    assert_eq!(error("{}"), BadRequest::NoModel);
    for bad in ["null", "7", "\"\"", "\" \"", "[\"a\"]"] {
        assert_eq!(error(&format!("{{\"model\":{bad}}}")), BadRequest::BadModel);
    }
    assert_eq!(
        error(r#"{"model":"a","model":"b"}"#),
        BadRequest::Duplicate("model")
    );
    let stream = r#"{"model":"a","stream":true,"stream_options":"#;
    assert_eq!(
        error(&format!(
            "{stream}{{\"include_usage\":true,\"include_usage\":false}}}}"
        )),
        BadRequest::Duplicate("include_usage")
    );
    assert_eq!(error(&format!("{stream}7}}")), BadRequest::BadStreamOptions);
    assert_eq!(
        error(r#"{"model":"a","stream":"yes"}"#),
        BadRequest::BadStream
    );
    let broken = error("{\"model\":\"a\",\n \"messages\": [}").to_string();
    assert!(broken.contains("line 2 column 15"), "{broken}");
    assert!(
        error("{\"model\":\"a\"} x")
            .to_string()
            .contains("trailing")
    );
}

#[test]
fn the_prompt_is_weighed() {
    let body = r#"{"model":"a","messages":[{"role":"user","content":"abcdefgh"}]}"#;
    let peek = Peek::read(body.as_bytes()).unwrap();
    // 8 characters of content, 15 of "role", "user", "content"
    assert_eq!(peek.prompt.tokens(), 6);
}

#[test]
fn the_size_of_the_answer_is_read_where_it_makes_sense() {
    let of = |fields: &str| {
        let body = format!(r#"{{"model":"a"{fields}}}"#);
        let peek = Peek::read(body.as_bytes()).unwrap();
        (peek.max_output, peek.choices)
    };
    assert_eq!(of(""), (None, 1));
    assert_eq!(of(r#","max_tokens":7,"n":3"#), (Some(7), 3));
    assert_eq!(
        of(r#","max_tokens":7,"max_completion_tokens":9"#),
        (Some(9), 1)
    );
    assert_eq!(of(r#","max_tokens":"7","n":0"#), (None, 1));
    assert_eq!(of(r#","max_tokens":null,"n":-2"#), (None, 1));
    assert_eq!(of(r#","max_tokens":0"#), (None, 1), "nothing is no limit");
    let twice = Peek::read(br#"{"model":"a","n":1,"n":2}"#);
    assert_eq!(twice, Err(BadRequest::Duplicate("n")));
}

#[test]
fn each_endpoint_is_bounded_by_its_own_fields() {
    type Read = fn(&[u8]) -> Result<Peek, BadRequest>;
    let chat: Read = Peek::read;
    let completions: Read = Peek::read_completions;
    let messages: Read = |body| Peek::read_as(Caller::Messages, body);
    let responses: Read = |body| Peek::read_as(Caller::Responses, body);
    for (read, most) in [
        (chat, Some(8)),
        (completions, Some(7)),
        (messages, Some(7)),
        (responses, Some(9)),
    ] {
        let all = r#"{"model":"a","max_tokens":7,"max_completion_tokens":8,"max_output_tokens":9}"#;
        assert_eq!(read(all.as_bytes()).unwrap().max_output, most);
    }
    for read in [chat, completions, messages] {
        let foreign = br#"{"model":"a","max_output_tokens":1}"#;
        assert_eq!(read(foreign).unwrap().max_output, None);
    }
    let gemini = |most: i64| {
        let body = format!(r#"{{"generationConfig":{{"maxOutputTokens":{most}}}}}"#);
        let peek = Peek::read_beside("m", false, body.as_bytes());
        peek.unwrap().max_output
    };
    assert_eq!((gemini(0), gemini(3)), (None, Some(3)));
}

#[test]
fn completions_are_as_many_as_their_prompts_ask_for() {
    let of = |fields: &str| {
        let body = format!(r#"{{"model":"a",{fields}}}"#);
        Peek::read_completions(body.as_bytes()).unwrap().choices
    };
    for (fields, choices) in [
        (r#""prompt":"one""#, 1),
        (r#""prompt":["one","two","three"]"#, 3),
        (r#""prompt":[ [1,2],[3] ],"n":2"#, 4),
        (r#""prompt":[1,2,3],"n":2,"best_of":5"#, 5),
        (r#""prompt":["a","b"],"n":3,"best_of":2"#, 6),
        (r#""prompt":[],"n":0"#, 1),
        (r#""prompt":null"#, 1),
    ] {
        assert_eq!(of(fields), choices, "{fields}");
    }
    let chat = Peek::read(br#"{"model":"a","prompt":["x","y"],"best_of":9}"#);
    assert_eq!(chat.unwrap().choices, 1);
}

proptest! {
    #[test]
    fn any_object_survives_but_for_its_model(
        before in "[ \t]{0,3}", key in "[a-z]{1,8}", value in "[ -!#-\\[\\]-~]{0,40}", n in any::<f64>(),
    ) {
        prop_assume!(!FIELDS.contains(&key.as_str()) && key != "model");
        let number = serde_json::Value::from(n);
        let body = format!("{before}{{\"{key}\":\"{value}\",\"model\":\"a\",\"f\":{number}}}");
        let expected = format!("{before}{{\"{key}\":\"{value}\",\"model\":\"v-1\",\"f\":{number}}}");
        prop_assert_eq!(spliced(&body, true), expected);
    }

    #[test]
    fn no_body_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Peek::read(&body);
    }
}
