//! Which module of `src/` may import which, and which libraries stay out of where.

use std::collections::BTreeSet;

use super::tree::{File, files, report};

/// Modules beside the layers: everything above the domain may use them.
const BESIDE: &[&str] = &[
    "clock",
    "config",
    "csv",
    "disk",
    "forwarded",
    "i18n",
    "secrets",
    "telemetry",
];

/// A module, the modules it may import beside itself and [`BESIDE`], and the crates it must not name.
type Rule = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const RULES: &[Rule] = &[
    ("backup", &[], &["actix_web", "askama", "hyper", "reqwest"]),
    (
        "admission",
        &["catalog"],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "analysis",
        &["assistant"],
        &["actix_web", "askama", "hyper", "reqwest"],
    ),
    ("assistant", &[], &["actix_web", "askama", "hyper"]),
    (
        "calls",
        &["catalog"],
        &["modelgate_store", "askama", "hyper", "reqwest"],
    ),
    ("catalog", &[], &["actix_web", "askama", "hyper", "reqwest"]),
    (
        "clock",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    ("config", &[], &["actix_web", "askama", "reqwest"]),
    (
        "csv",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "disk",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "i18n",
        &[],
        &["modelgate_store", "actix_web", "hyper", "reqwest"],
    ),
    (
        "forwarded",
        &[],
        &["modelgate_store", "askama", "hyper", "reqwest"],
    ),
    (
        "explain",
        &["admission", "routing", "catalog"],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    ("journal", &[], &["actix_web", "askama", "hyper", "reqwest"]),
    (
        "notices",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    ("probe", &["upstream", "catalog"], &["actix_web", "askama"]),
    (
        "proxy",
        &[
            "admission",
            "calls",
            "explain",
            "routing",
            "catalog",
            "journal",
            "tokens",
            "upstream",
        ],
        &["modelgate_store", "askama", "reqwest"],
    ),
    ("reports", &[], &["actix_web", "askama", "hyper", "reqwest"]),
    (
        "routing",
        &["catalog"],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "scheduler",
        &["analysis", "assistant", "backup", "notices", "reports"],
        &["actix_web", "askama", "hyper", "reqwest"],
    ),
    ("secrets", &[], &["actix_web", "askama", "hyper", "reqwest"]),
    (
        "selftest",
        &["assistant", "upstream"],
        &["actix_web", "askama", "hyper"],
    ),
    (
        "shared",
        &["admission", "routing"],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    ("simulator", &[], &["modelgate_store", "askama", "reqwest"]),
    (
        "telemetry",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper"],
    ),
    (
        "tokens",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "upstream",
        &["catalog"],
        &["modelgate_store", "actix_web", "askama"],
    ),
    (
        "vendors",
        &[],
        &["modelgate_store", "actix_web", "askama", "hyper", "reqwest"],
    ),
    (
        "web",
        &[
            "analysis",
            "assistant",
            "backup",
            "vendors",
            "calls",
            "catalog",
            "journal",
            "admission",
            "explain",
            "routing",
            "notices",
            "probe",
            "reports",
            "selftest",
            "upstream",
        ],
        &["diesel", "reqwest", "hyper", "modelgate_dialect"],
    ),
];

/// Where everything comes together; nothing else imports these.
const TOP: &[&str] = &["app", "cli", "lib", "main"];

/// The first name of every `crate::` path in the code, with braces opened: `use crate::{a::B, c};` gives `a` and `c`.
fn crate_paths(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let (mut depth, mut start) = (0_i32, true);
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => start = true,
                    c if depth == 0 && start && (c.is_alphanumeric() || c == '_') => name.push(c),
                    c if depth == 0 && start && c.is_whitespace() && name.is_empty() => {}
                    _ => start = start && depth == 0 && c == ' ',
                }
                if (!start || (depth == 0 && c == ',')) && !name.is_empty() {
                    names.insert(std::mem::take(&mut name));
                }
            }
            if !name.is_empty() {
                names.insert(name);
            }
        } else {
            names.insert(
                rest.chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    names
}

fn module_of(file: &File) -> &str {
    let inside = file.path.strip_prefix("src/").unwrap();
    inside.split('/').next().unwrap().trim_end_matches(".rs")
}

fn names_crate(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = &code[at + name.len()..];
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            && after.starts_with("::")
    })
}

#[test]
fn braces_and_plain_paths_are_both_seen() {
    let code = "use crate::catalog::{A, b::C};\nuse crate::{\n    journal::Writer,\n    proxy::{x, y}, web,\n};\nlet a = crate::app::run();";
    let found: Vec<_> = crate_paths(code).into_iter().collect();
    assert_eq!(found, ["app", "catalog", "journal", "proxy", "web"]);
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut complaints = Vec::new();
    for file in files("src", &[".rs"]).iter().filter(|f| !f.is_test()) {
        let module = module_of(file);
        if TOP.contains(&module) {
            continue;
        }
        let Some((_, allowed, banned)) = RULES.iter().find(|(name, ..)| *name == module) else {
            complaints.push(format!(
                "{}: module {module} has no row in the table of imports.rs",
                file.path
            ));
            continue;
        };
        let code = file.code();
        for target in crate_paths(&code) {
            let known =
                TOP.contains(&target.as_str()) || RULES.iter().any(|(name, ..)| *name == target);
            let free = target == module
                || BESIDE.contains(&target.as_str())
                || allowed.contains(&target.as_str());
            if known && !free {
                complaints.push(format!(
                    "{}: {module} must not import crate::{target}",
                    file.path
                ));
            }
        }
        for name in banned.iter().filter(|name| names_crate(&code, name)) {
            complaints.push(format!("{}: {module} must not name {name}", file.path));
        }
    }
    report(&complaints);
}

#[test]
fn every_module_of_the_library_has_a_rule() {
    let lib = std::fs::read_to_string(super::tree::root().join("src/lib.rs")).unwrap();
    let missing: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .filter(|name| !TOP.contains(name) && !RULES.iter().any(|(rule, ..)| rule == name))
        .map(|name| format!("src/lib.rs: module {name} has no row in the table of imports.rs"))
        .collect();
    report(&missing);
}

/// The members' manifests keep I/O out of the pure crates and HTTP out of the store.
#[test]
fn members_depend_only_on_what_their_layer_may() {
    let io = [
        "tokio",
        "actix-web",
        "reqwest",
        "hyper",
        "diesel",
        "diesel-async",
        "askama",
    ];
    let rules: [(&str, Vec<&str>); 4] = [
        (
            "crates/domain/Cargo.toml",
            [&io[..], &["modelgate-store", "modelgate-dialect"]].concat(),
        ),
        (
            "crates/dialect/Cargo.toml",
            [&io[..], &["modelgate-store"]].concat(),
        ),
        (
            "crates/store/Cargo.toml",
            vec![
                "actix-web",
                "askama",
                "reqwest",
                "hyper",
                "modelgate-dialect",
            ],
        ),
        (
            "Cargo.toml",
            vec!["diesel", "diesel-async", "diesel_migrations"],
        ),
    ];
    let mut complaints = Vec::new();
    for (manifest, banned) in rules {
        let text = std::fs::read_to_string(super::tree::root().join(manifest)).unwrap();
        let table: toml::Table = text.parse().unwrap();
        let dependencies = table["dependencies"].as_table().unwrap();
        for name in banned
            .iter()
            .filter(|name| dependencies.contains_key(**name))
        {
            complaints.push(format!("{manifest}: must not depend on {name}"));
        }
    }
    report(&complaints);
}
