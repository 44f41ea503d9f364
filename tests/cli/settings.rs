//! `config`, the refusals of a bad configuration, and what is printed without any.

use crate::{Place, each_engine};

each_engine!(
    settings_are_shown_with_their_origin,
    a_bad_setting_is_one_sentence_and_starts_nothing,
    a_wrong_key_is_refused,
);

fn settings_are_shown_with_their_origin(place: &Place) {
    place.write(
        ".env",
        "DRAIN_DELAY=7\nMODELGATE_METRICS_TOKEN=canary-canary-canary\n",
    );
    let env = place.with("PORT", "9999");
    let told = place.run_with(&env, &["config", "--json"], "").json();
    let setting = |name: &str| {
        let all = told["settings"].as_array().unwrap();
        let found = all.iter().find(|s| s["name"] == name).unwrap();
        (found["value"].clone(), found["from"].clone())
    };
    assert_eq!(setting("PORT"), ("9999".into(), "environment".into()));
    assert_eq!(setting("DRAIN_DELAY"), ("7".into(), ".env".into()));
    assert_eq!(setting("HOST"), ("127.0.0.1".into(), "default".into()));
    assert_eq!(
        setting("MODELGATE_METRICS_TOKEN"),
        ("[hidden]".into(), ".env".into())
    );
    let people = place.run_with(&env, &["config"], "").out;
    assert!(
        people.contains("DRAIN_DELAY") && people.contains("[hidden]"),
        "{people}"
    );
}

fn a_bad_setting_is_one_sentence_and_starts_nothing(place: &Place) {
    for (name, value, expected) in [
        (
            "PORT",
            "80a",
            "modelgate: PORT is \"80a\": it must be a whole number from 0 to 65535\n",
        ),
        (
            "MODELGATE_CORS_ORIGIN",
            "*",
            "modelgate: MODELGATE_CORS_ORIGIN is not a setting of ModelGate: did you mean MODELGATE_CORS_ORIGINS? (`modelgate config` lists them all)\n",
        ),
        (
            "SECRET_KEY",
            "canary",
            "modelgate: SECRET_KEY is not usable: it must be at least 32 characters long; `openssl rand -base64 32` makes a good one\n",
        ),
    ] {
        for command in [&["serve"][..], &["migrate"], &[]] {
            let ended = place.run_with(&place.with(name, value), command, "");
            assert_eq!((ended.code, ended.err.as_str()), (2, expected));
        }
    }
    let away = "postgres://someone:canary@127.0.0.1:1/none";
    let mut env = place.with("DATABASE_URL", away);
    env.push(("SECRET_KEY".to_owned(), crate::SECRET_KEY.to_owned()));
    for command in ["serve", "migrate", "export"] {
        let ended = place.run_with(&env, &[command], "");
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(
            ended.err.contains("the database cannot be reached"),
            "{ended:?}"
        );
    }
    assert!(!place.has("data"), "nothing half-started");
}

fn a_wrong_key_is_refused(place: &Place) {
    place.ok(&["key", "create", "first"]);
    let other = place.with("SECRET_KEY", "another-canary-another-canary-another");
    for command in [&["serve"][..], &["key", "create", "second"]] {
        let ended = place.run_with(&other, command, "");
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(
            ended
                .err
                .contains("is not the one this database was sealed with"),
            "{ended:?}"
        );
    }
}

#[tokio::test]
async fn completions_and_the_man_page_need_no_configuration() {
    let place = Place::new(modelgate_store::Engine::Sqlite).await.unwrap();
    for (arguments, expected) in [
        (&["completions", "bash"][..], "_modelgate"),
        (&["completions", "zsh"], "#compdef modelgate"),
        (&["completions", "fish"], "complete -c modelgate"),
        (&["man"], ".TH modelgate"),
        (&["--version"], "modelgate "),
        (&["--help"], "Exit codes:"),
        (&["config", "--markdown"], "| `PORT` | `8765` |"),
    ] {
        let told = place.ok(arguments).out;
        assert!(told.contains(expected), "{arguments:?}: {told}");
    }
    assert_eq!(place.run(&["nonsense"]).code, 2);
    assert_eq!(place.run(&["admin", "create", "ann", "password"]).code, 2);
}
