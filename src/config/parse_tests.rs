use super::*;
use crate::config::{Config, MapEnv, Origin, registry};

fn load(pairs: &[(&str, &str)]) -> Result<Config, String> {
    Config::from_env(&MapEnv::new(pairs.iter().copied())).map_err(|e| e.to_string())
}

#[test]
fn defaults_stand_alone() {
    let config = load(&[]).unwrap();
    assert_eq!(config.database_url.expose(), "sqlite:data/modelgate.db");
    assert_eq!(
        (config.host.to_string().as_str(), config.port),
        ("127.0.0.1", 8765)
    );
    assert_eq!(config.body_limit, 32 << 20);
    assert_eq!(config.journal_max_bytes, 1 << 30);
    assert!(config.workers >= 1);
    assert_eq!(config.metrics_allow.len(), 2);
    let moved = load(&[("DATA_DIR", "/srv/mg/")]).unwrap();
    assert_eq!(moved.database_url.expose(), "sqlite:/srv/mg/modelgate.db");
    let empty = load(&[("PORT", ""), ("ICP_NUMBER", "  ")]).unwrap();
    assert_eq!((empty.port, empty.icp_number), (8765, None));
}

#[test]
fn a_bad_value_names_variable_value_and_what_is_right() {
    for (name, value, hint) in [
        ("PORT", "80a", "0 to 65535"),
        ("PORT", "65536", "0 to 65535"),
        ("HOST", "example.com", "IP address"),
        ("LOG_LEVEL", "verbose", "debug"),
        ("LOG_LEVEL", "info,modelgate=loud", "debug"),
        ("LOG_FORMAT", "xml", "text or json"),
        ("BASE_PATH", "gateway", "/gateway"),
        ("BASE_PATH", "/a//b", "/gateway"),
        ("BASE_PATH", "/../x", "/gateway"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,me", "CIDRs"),
        ("TZ", "Mars/Base", "Asia/Shanghai"),
        ("BODY_LIMIT", "32 parsecs", "32MiB"),
        ("BODY_LIMIT", "1", "1KiB to 1GiB"),
        ("WORKERS", "0", "1 to 512"),
        ("PUBLIC_URL", "ai.example.com", "https://"),
        ("DRAIN_DELAY", "3s", "seconds"),
        (
            "MODELGATE_CORS_ORIGINS",
            "https://a.example/path",
            "origins",
        ),
        (
            "MODELGATE_JOURNAL_FULL",
            "drop",
            "stop or serve-without-record",
        ),
        ("ICP_NUMBER", "a\nb", "one line"),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert!(error.starts_with(name), "{error}");
        assert!(error.contains(&format!("{value:?}")), "{error}");
        assert!(error.contains(hint), "{error}");
    }
}

#[test]
fn secrets_are_never_echoed() {
    let error = load(&[("PUBLIC_URL", "https://u:canary@ai.example.com")]).unwrap_err();
    assert!(error.contains("[hidden]@ai.example.com") && !error.contains("canary"));
    for (name, value) in [
        ("DATABASE_URL", "mysql://root:canary@h/d"),
        ("SECRET_KEY", "canary"),
        ("SECRET_KEY_PREVIOUS", "canary"),
        ("MODELGATE_METRICS_TOKEN", "canary"),
        ("ADMIN_USERS", "canary"),
        ("ADMIN_USERS", "a:1,a:canary"),
    ] {
        let error = load(&[(name, value)]).unwrap_err();
        assert!(
            error.starts_with(name) && !error.contains("canary"),
            "{error}"
        );
    }
    let config = load(&[
        ("DATABASE_URL", "postgres://u:canary@h/d?sslmode=require"),
        ("ADMIN_USERS", "ann:canary"),
        ("SECRET_KEY", "canary-canary-canary-canary-canary"),
    ])
    .unwrap();
    assert!(!format!("{config:?}").contains("canary"));
}

#[test]
fn every_secret_is_hidden_when_shown() {
    for variable in registry() {
        let text = match variable.kind {
            Kind::Database => "postgres://u:canary@h/d?sslpassword=canary",
            Kind::Redis => "redis://u:canary@h",
            Kind::Accounts => "ann:canary,bob:canary:2",
            _ => "canary",
        };
        assert_eq!(
            variable.show(text).contains("canary"),
            !variable.secret,
            "{}",
            variable.name
        );
    }
    assert_eq!(
        redact_database_url("postgres://u:p@ss/w@h:1/d?sslmode=require"),
        "postgres://u:[hidden]@h:1/d?sslmode=require"
    );
}

#[test]
fn every_default_fits_its_own_bounds() {
    let config = load(&[]).unwrap();
    for variable in registry() {
        if let Some((text, origin)) = config.given.find(variable) {
            assert_eq!(origin, Origin::Default);
            assert_eq!(variable.kind.check(text), Ok(()), "{}", variable.name);
        }
        assert!(variable.help.ends_with('.'), "{}", variable.name);
    }
}

#[test]
fn unknown_names_with_our_prefix_are_refused() {
    let error = load(&[("MODELGATE_CORS_ORIGIN", "x")]).unwrap_err();
    assert!(
        error.contains("did you mean MODELGATE_CORS_ORIGINS?"),
        "{error}"
    );
    let error = load(&[("MODELGATE_PORT", "1")]).unwrap_err();
    assert!(error.contains("did you mean PORT?"), "{error}");
    let error = load(&[("MODELGATE_XYZZY_PLUGH", "1")]).unwrap_err();
    assert!(!error.contains("did you mean"), "{error}");
    assert!(load(&[("OTHER_MODELGATE_X", "1")]).is_ok());
}

#[test]
fn accounts_split_at_commas_and_the_first_colon() {
    let names = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        let accounts = load(pairs).unwrap().admin_users;
        accounts
            .into_iter()
            .map(|(name, password)| (name, password.expose().to_owned()))
            .collect()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(
        names(&[("ADMIN_USERS", "ann:a:b, bob:x,")]),
        [pair("ann", "a:b"), pair("bob", "x")]
    );
    assert_eq!(names(&[("ADMIN_PASSWORD", "pw")]), [pair("admin", "pw")]);
    assert_eq!(
        names(&[
            ("ADMIN_USERS", "ann:1"),
            ("ADMIN_USERNAME", "bob"),
            ("ADMIN_PASSWORD", "2")
        ]),
        [pair("ann", "1"), pair("bob", "2")]
    );
    assert!(load(&[("ADMIN_USERNAME", "bob")]).is_err());
    let both = load(&[
        ("ADMIN_USERS", "ann:canary1"),
        ("ADMIN_USERNAME", "ann"),
        ("ADMIN_PASSWORD", "canary2"),
    ]);
    let error = both.unwrap_err();
    assert!(
        error.contains("ADMIN_PASSWORD") && !error.contains("canary"),
        "{error}"
    );
}

#[test]
fn kindly_forms_are_understood() {
    let config = load(&[
        ("HOST", "localhost"),
        ("LOG_LEVEL", "WARNING,modelgate::proxy=DEBUG"),
        ("TZ", ":Asia/Shanghai"),
        ("BASE_PATH", "/gw/"),
        ("PUBLIC_URL", "https://ai.example.com/"),
        ("BODY_LIMIT", "2 mb"),
        ("TRUSTED_PROXIES", "10.0.0.1, fd00::/8"),
        ("DATABASE_URL", "sqlite:///abs/x.db"),
    ])
    .unwrap();
    assert_eq!(config.host.to_string(), "127.0.0.1");
    assert_eq!(config.log_level, "warn,modelgate::proxy=debug");
    assert_eq!(config.time_zone, chrono_tz::Asia::Shanghai);
    assert_eq!(config.base_path, "/gw");
    assert_eq!(config.public_url.as_deref(), Some("https://ai.example.com"));
    assert_eq!(config.body_limit, 2 << 20);
    assert_eq!(config.trusted_proxies.len(), 2);
    assert_eq!(config.database_url.expose(), "sqlite:/abs/x.db");
}

#[test]
fn distance_counts_edits() {
    assert_eq!(distance("", "abc"), 3);
    assert_eq!(distance("kitten", "sitting"), 3);
    assert_eq!(distance("same", "same"), 0);
    assert_eq!(
        nearest("wieght", ["weight", "label"].into_iter()),
        Some("weight")
    );
    assert_eq!(nearest("zzz", ["weight", "label"].into_iter()), None);
}

#[test]
fn nothing_says_more_than_debug() {
    let config = load(&[("LOG_LEVEL", "trace,hyper=TRACE")]).unwrap();
    assert_eq!(config.log_level, "debug,hyper=debug");
    // what libraries trace holds whole headers
    let most = tracing::level_filters::STATIC_MAX_LEVEL;
    assert_eq!(most, tracing::level_filters::LevelFilter::DEBUG);
}
