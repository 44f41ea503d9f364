//! `migrate`, `logs`, `doctor`, `secrets`, `job`.

use crate::{Place, SECRET_KEY, each_engine};

each_engine!(
    migrating_twice_does_nothing,
    an_empty_log_is_shown,
    doctor_tells_what_is_wrong_and_what_to_do,
    secrets_move_to_another_key,
    a_lost_master_key_is_not_the_end,
    jobs_are_listed_run_and_paused,
);

const FILE: &str = "[[providers]]\nname = \"acme\"\nbase_url = \"http://127.0.0.1:1/v1\"\nkeys = [ { label = \"main\", secret = \"sk-canary-1\" } ]\n";

fn migrating_twice_does_nothing(place: &Place) {
    place.run(&["migrate", "--status"]);
    assert!(!place.has("test.db"), "looking makes nothing");
    let ran = place.ok(&["migrate", "--json"]).json();
    assert!(!ran["applied"].as_array().unwrap().is_empty());
    assert!(place.ok(&["migrate"]).out.starts_with("nothing to do"));
    let status = place.ok(&["migrate", "--status"]).out;
    assert!(
        status.lines().all(|l| l.starts_with("applied ")),
        "{status}"
    );
}

fn an_empty_log_is_shown(place: &Place) {
    place.refused(1, &["logs"]);
    place.ok(&["migrate"]);
    assert_eq!(
        place.ok(&["logs", "--since", "1h"]).out,
        "no request fits\n"
    );
    assert_eq!(place.ok(&["logs", "--json"]).out, "");
    let error = place.refused(2, &["logs", "--status", "odd"]);
    assert!(error.contains("--status must be one of"), "{error}");
    place.refused(2, &["logs", "--since", "yesterday"]);
    place.refused(2, &["logs", "--key", "nobody"]);
}

fn doctor_tells_what_is_wrong_and_what_to_do(place: &Place) {
    place.write("mg.toml", FILE);
    place.ok(&["apply", "mg.toml"]);
    let told = place.run(&["doctor", "--json"]);
    assert_eq!(told.code, 1, "the vendor is not there");
    let told = told.json();
    assert_eq!(told["ok"], false);
    let check = |name: &str| {
        let all = told["checks"].as_array().unwrap();
        all.iter().find(|c| c["name"] == name).unwrap().clone()
    };
    let collector = place.with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let unheard = place.run_with(&collector, &["doctor", "--json"], "").json();
    let all = unheard["checks"].as_array().unwrap();
    let traces = all.iter().find(|c| c["name"] == "OpenTelemetry traces");
    assert_eq!(traces.unwrap()["verdict"], "warning", "{unheard:#}");
    for fine in [
        "configuration",
        "disk",
        "database",
        "schema",
        "secret key",
        "clock",
        "journal",
    ] {
        assert_eq!(check(fine)["verdict"], "ok", "{told}");
    }
    let files = check("open files");
    assert!(files["found"].as_str().unwrap().contains("at most"));
    let crowded = place.with("MODELGATE_MAX_OPEN_REQUESTS", "1000000");
    let crowded = place.run_with(&crowded, &["doctor", "--offline"], "");
    assert!(crowded.out.contains("need 2000256"), "{crowded:?}");
    let vendor = check("provider acme, key main");
    assert_eq!(vendor["verdict"], "wrong");
    assert!(
        vendor["advice"].as_str().unwrap().contains("base_url"),
        "{vendor}"
    );
    assert_eq!(place.run(&["doctor", "--offline"]).code, 0);
    let other = place.with("SECRET_KEY", "another-canary-another-canary-another");
    let wrong = place.run_with(&other, &["doctor", "--offline"], "");
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("WRONG    secret key"), "{wrong:?}");
    let away = place.with("DATABASE_URL", "postgres://u:canary@127.0.0.1:1/d");
    let wrong = place.run_with(&away, &["doctor", "--offline"], "");
    assert_eq!(wrong.code, 1);
    assert!(wrong.out.contains("WRONG    database"), "{wrong:?}");
}

fn secrets_move_to_another_key(place: &Place) {
    let mut old = place.with("SECRET_KEY", SECRET_KEY);
    place.write("mg.toml", FILE);
    assert_eq!(place.run_with(&old, &["apply", "mg.toml"], "").code, 0);
    let new = place.with("SECRET_KEY", "another-canary-another-canary-another");
    assert_eq!(place.run_with(&new, &["secrets", "rotate"], "").code, 2);
    let mut both = new.clone();
    both.push(("SECRET_KEY_PREVIOUS".to_owned(), SECRET_KEY.to_owned()));
    let told = place
        .run_with(&both, &["secrets", "rotate", "--json"], "")
        .json();
    assert_eq!(told["sealed"], 1);
    let again = place.run_with(&new, &["apply", "mg.toml"], "");
    assert_eq!(again.out, "nothing to do: everything is as the file says\n");
    old.push(("X".to_owned(), String::new()));
    assert_eq!(place.run_with(&old, &["apply", "mg.toml"], "").code, 2);
}

fn a_lost_master_key_is_not_the_end(place: &Place) {
    let old = place.with("SECRET_KEY", SECRET_KEY);
    let headers = "extra_headers = [ { name = \"x-team\", value = \"canary-2\" } ]\nkeys";
    place.write("mg.toml", &FILE.replace("keys", headers));
    assert_eq!(place.run_with(&old, &["apply", "mg.toml"], "").code, 0);
    let new = place.with("SECRET_KEY", "another-canary-another-canary-another");
    assert_eq!(place.run_with(&new, &["apply", "mg.toml"], "").code, 2);

    let would = place.run_with(&new, &["secrets", "reset"], "");
    assert!(
        would.out.contains("credential main of acme") && would.out.contains("`--yes` does it"),
        "{would:?}"
    );
    assert_eq!(
        place.run_with(&new, &["apply", "mg.toml"], "").code,
        2,
        "nothing was done"
    );

    let done = place.run_with(&new, &["secrets", "reset", "--yes", "--json"], "");
    let told = done.json();
    assert_eq!(told["lost"]["credentials"][0], "acme/main", "{told}");
    assert_eq!(told["lost"]["headers_and_proxies"][0], "acme", "{told}");
    let left = place.run_with(&new, &["export"], "").out;
    assert_eq!(left.matches("enabled = false").count(), 2, "{left}");
    assert_eq!(place.run_with(&new, &["apply", "mg.toml"], "").code, 0);
    let again = place.run_with(&new, &["secrets", "reset", "--yes"], "").out;
    assert_eq!(again, "the present key opens everything\n");
}

fn jobs_are_listed_run_and_paused(place: &Place) {
    place.ok(&["migrate"]);
    let error = place.refused(2, &["job", "run", "odd"]);
    assert!(error.contains("the jobs are timeout_cleanup,"), "{error}");
    let error = place.refused(1, &["job", "pause", "archiving"]);
    assert!(error.contains("no server"), "{error}");

    // No server lives: the work is done here.
    let ran = place.ok(&["job", "run", "archiving", "--json"]).json();
    assert_eq!(
        (ran["outcome"].as_str(), ran["trigger"].as_str()),
        (Some("success"), Some("operator"))
    );
    let told = place.ok(&["job", "run", "archiving"]).out;
    assert_eq!(told, "archiving: nothing was to be done\n");

    assert!(
        place
            .ok(&["job", "pause", "archiving"])
            .out
            .contains("only when it is asked for")
    );
    let list = place.ok(&["job", "list"]).out;
    let row = list
        .lines()
        .find(|line| line.starts_with("archiving"))
        .unwrap();
    assert!(
        row.contains("20 0 * * *") && row.contains("paused") && row.ends_with("success"),
        "{row}"
    );
    place.ok(&["job", "resume", "archiving"]);
    let list = place.ok(&["job", "list", "--json"]).json();
    let row = list
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["job"] == "archiving")
        .unwrap();
    assert!(row["next"].is_string() && row["paused"] == false, "{row}");
}
