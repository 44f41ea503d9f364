//! Settings: none that nobody reads.

use super::tree::{File, files, report};

/// The names of the fields of a struct in `src/config`.
fn fields(path: &str, name: &str) -> Vec<String> {
    let all = files("src/config", &[".rs"]);
    let file = all.iter().find(|file| file.path == path).unwrap();
    let start = file.text.find(&format!("pub struct {name} {{")).unwrap();
    let body = &file.text[start..];
    let body = &body[..body.find("\n}").unwrap()];
    let lines = body
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub "));
    let names = lines.filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// Code outside of `config`, where settings are read.
fn readers() -> String {
    let all = files("src", &[".rs"]);
    let outside = all
        .iter()
        .filter(|file| !file.path.starts_with("src/config/") && !file.is_test());
    outside.map(File::code).collect::<Vec<_>>().join("\n")
}

fn is_read(code: &str, field: &str) -> bool {
    let sought = format!(".{field}");
    code.match_indices(&sought).any(|(at, _)| {
        let next = code[at + sought.len()..].chars().next();
        !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn every_setting_is_read() {
    let code = readers();
    let mut complaints = Vec::new();
    for (path, name) in [
        ("src/config/mod.rs", "Config"),
        ("src/config/effective.rs", "Runtime"),
        ("src/config/policy.rs", "Policy"),
        ("src/config/policy.rs", "Thresholds"),
        ("src/config/site.rs", "Site"),
        ("src/config/otlp.rs", "Otlp"),
    ] {
        let all = fields(path, name);
        assert!(all.len() > 1, "{path}: no fields of {name}");
        for field in all.iter().filter(|field| !is_read(&code, field)) {
            let is_ours = match name {
                // `Site::landing` chooses between the two.
                "Site" => field.starts_with("landing_text") && is_read(&code, "landing"),
                _ => false,
            };
            if !is_ours {
                complaints.push(format!("{path}: nothing reads {name}::{field}"));
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_row_of_the_registry_reaches_a_field() {
    let config: String = files("src/config", &[".rs"])
        .iter()
        .filter(|file| file.path != "src/config/registry.rs" && !file.is_test())
        .map(File::code)
        .collect();
    let registry = files("src/config", &[".rs"]);
    let registry = registry
        .iter()
        .find(|f| f.path.ends_with("registry.rs"))
        .unwrap();
    let start = registry.text.find("static REGISTRY").unwrap();
    let table = &registry.text[start..];
    let table = &table[table.find("= [").unwrap()..table.find("];").unwrap()];
    let complaints: Vec<_> = table
        .split([',', '['])
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "=")
        // It has one value: whatever else the environment says is refused when it is read.
        .filter(|name| *name != "otlp::PROTOCOL")
        .filter(|name| {
            let last = name.rsplit("::").next().unwrap();
            let used = ["r::", "&", "(&"].iter().any(|before| {
                let sought = format!("{before}{last}");
                config.match_indices(&sought).any(|(at, _)| {
                    let next = config[at + sought.len()..].chars().next();
                    !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
                })
            });
            !used
        })
        .map(|name| format!("src/config: {name} is in the table and reaches no field"))
        .collect();
    report(&complaints);
}
