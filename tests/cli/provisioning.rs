//! `apply` and `export`.

use crate::{Place, each_engine};

const FILE: &str = r#"
[[providers]]
name = "acme"
protocol = "openai"
base_url = "http://127.0.0.1:9/v1"
keys = [ { label = "main", secret = "sk-canary-1" }, { label = "spare", secret_env = "ACME_KEY_2", weight = 50, max_concurrency = 8 } ]

[[models]]
name = "gpt-x"
context_length = 128000
aliases = ["gpt-x-latest"]
targets = [ { provider = "acme", upstream_model = "gpt-x-2026", priority = 1, weight = 100 } ]
price = { currency = "USD", input = "0.15", cached_input = "0.075", output = "0.60" }

[[api_keys]]
name = "alice"
secret = "sk-mg-canary-canary"
models = ["gpt-x"]

[[api_keys]]
name = "bob"
models = ["acme/gpt-x"]
"#;

fn apply(place: &Place, arguments: &[&str]) -> crate::Ended {
    let env = place.with("ACME_KEY_2", "sk-canary-2");
    let arguments: Vec<&str> = ["apply"]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    place.run_with(&env, &arguments, FILE)
}

each_engine!(
    a_file_makes_everything_once,
    a_dry_run_changes_nothing,
    an_export_applies_to_nothing,
    an_error_names_the_place_and_changes_nothing,
    programs_get_json,
);

fn a_file_makes_everything_once(place: &Place) {
    place.write("mg.toml", FILE);
    let first = apply(place, &["mg.toml"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("+ provider acme: "), "{first:?}");
    assert!(first.out.contains("applied 7 changes"), "{first:?}");
    let made: Vec<&str> = first.out.lines().filter(|l| l.contains("sk-mg-")).collect();
    assert_eq!(made.len(), 1, "bob's key alone is shown: {first:?}");
    let second = apply(place, &["-"]);
    assert_eq!(
        second.out,
        "nothing to do: everything is as the file says\n"
    );
    let changed = FILE
        .replace("0.60", "0.70")
        .replace("weight = 50", "weight = 5");
    place.write("mg.toml", &changed);
    let third = apply(place, &["mg.toml"]);
    assert!(
        third
            .out
            .contains("~ key spare of provider acme: weight 50 → 5\n"),
        "{third:?}"
    );
    assert!(third.out.contains("applied 2 changes"), "{third:?}");
}

fn a_dry_run_changes_nothing(place: &Place) {
    let told = apply(place, &["--dry-run", "-"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.out.contains("+ API key alice"), "{told:?}");
    assert!(
        !place.has("data") && !place.has("test.db"),
        "nothing was made"
    );
    assert_eq!(apply(place, &["-"]).code, 0);
    let before = place.ok(&["export"]).out;
    place.write("mg.toml", &FILE.replace("128000", "64000"));
    let told = apply(place, &["--dry-run", "mg.toml"]);
    assert!(
        told.out
            .contains("~ model gpt-x: context_length 128000 → 64000\n"),
        "{told:?}"
    );
    assert_eq!(place.ok(&["export"]).out, before);
}

fn an_export_applies_to_nothing(place: &Place) {
    assert_eq!(apply(place, &["-"]).code, 0);
    let exported = place.ok(&["export"]).out;
    place.write("export.toml", &exported);
    let again = place.ok(&["apply", "export.toml"]);
    assert_eq!(again.out, "nothing to do: everything is as the file says\n");
    let json = place.ok(&["export", "--json"]).json();
    assert_eq!(json["models"][0]["price"]["output"], "0.6");
}

fn an_error_names_the_place_and_changes_nothing(place: &Place) {
    place.write(
        "bad.toml",
        "[[providers]]\nname = \"acme\"\nbase_ur = \"x\"\n",
    );
    let error = place.refused(2, &["apply", "bad.toml"]);
    assert_eq!(
        error,
        "modelgate: bad.toml:3: providers[0].base_ur: unknown field; did you mean base_url?\n"
    );
    assert!(
        !place.has("data") && !place.has("test.db"),
        "not even a database"
    );
    let error = place.refused(2, &["apply", "none.toml"]);
    assert!(error.contains("cannot read none.toml"), "{error}");
    place.write("mg.toml", FILE);
    let error = place.refused(2, &["apply", "mg.toml"]);
    assert!(
        error.contains(
            "mg.toml:6: providers[0].keys[1].secret_env: the environment has no ACME_KEY_2"
        ),
        "{error}"
    );
    assert_eq!(apply(place, &["-"]).code, 0);
    place.write(
        "clash.toml",
        "[[models]]\nname = \"new\"\n[[models]]\nname = \"acme/x\"\n",
    );
    let error = place.refused(2, &["apply", "clash.toml"]);
    assert!(
        error.contains("clash.toml:4: models[1].name: begins with the provider acme"),
        "{error}"
    );
    assert!(!place.ok(&["export"]).out.contains("\"new\""));
}

fn programs_get_json(place: &Place) {
    let told = apply(place, &["--json", "-"]).json();
    assert_eq!(told["dry_run"], false);
    assert_eq!(told["generation"], 1);
    assert_eq!(told["changes"].as_array().unwrap().len(), 7);
    assert_eq!(told["changes"][0]["mark"], "create");
    assert_eq!(told["made"][0]["name"], "bob");
    let again = apply(place, &["--json", "-"]).json();
    assert_eq!(
        (&again["changes"], &again["generation"]),
        (&serde_json::json!([]), &serde_json::Value::Null)
    );
}
