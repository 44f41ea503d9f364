//! `admin` and `key`.

use crate::{Place, each_engine};

each_engine!(administrators_are_made_and_reset, keys_live_and_die);

fn administrators_are_made_and_reset(place: &Place) {
    let create = |password: &str| {
        place.run_with(
            &place.with("TZ", "UTC"),
            &["admin", "create", "ann"],
            password,
        )
    };
    let short = create("canary\n");
    assert_eq!((short.code, short.out.as_str()), (2, ""));
    assert!(short.err.contains("at least 8 characters"), "{short:?}");
    let none = create("");
    assert_eq!(none.code, 2);
    assert!(none.err.contains("no password was given"), "{none:?}");
    let made = create("canary-password\n");
    assert_eq!(
        (made.code, made.out.as_str()),
        (
            0,
            "made the administrator ann, who chooses another password at the first log-in\n"
        )
    );
    let twice = create("canary-password\n");
    assert_eq!(twice.code, 1);
    assert!(twice.err.contains("admin reset-password ann"), "{twice:?}");
    let reset = |name: &str| {
        place.run_with(
            &place.with("TZ", "UTC"),
            &["admin", "reset-password", name, "--json"],
            "canary-other\n",
        )
    };
    assert_eq!(reset("ann").json()["sessions_ended"], 0);
    assert_eq!(reset("nobody").code, 1);
}

fn keys_live_and_die(place: &Place) {
    let made = place
        .ok(&["key", "create", "alice", "--note", "for tests"])
        .out;
    let key = made.lines().last().unwrap();
    assert!(key.starts_with("sk-mg-") && key.len() == 54, "{made}");
    let error = place.refused(1, &["key", "create", "alice"]);
    assert!(
        error.contains("there is an API key alice already"),
        "{error}"
    );
    let error = place.refused(2, &["key", "create", "bob", "--models", "nope"]);
    assert!(
        error.starts_with("modelgate: --models: there is no such model"),
        "{error}"
    );
    let list = place.ok(&["key", "list"]).out;
    assert!(list.contains("alice") && !list.contains(key), "{list}");
    let json = place.ok(&["key", "list", "--json"]).json();
    assert_eq!(json["keys"][0]["state"], "active");
    assert_eq!(json["keys"][0]["note"], "for tests");
    place.ok(&["key", "revoke", "alice"]);
    assert_eq!(
        place.ok(&["key", "list", "--json"]).json()["keys"],
        serde_json::json!([])
    );
    place.refused(1, &["key", "revoke", "alice"]);
    place.write(
        "back.toml",
        &format!("[[api_keys]]\nname = \"alice\"\nsecret = \"{key}\"\n"),
    );
    let error = place.refused(2, &["apply", "back.toml"]);
    assert!(
        error.contains("belonged to an API key that was revoked"),
        "{error}"
    );
}
