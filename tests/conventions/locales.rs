//! Texts: every language has every key with the same placeholders, every key used exists, and every key is used.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{File, files, report};

/// What a lookup is called, in templates and in code.
const LOOKUPS: &[&str] = &["t", "t1", "t2", "t_with", "tn", "find"];

/// A key's place and the placeholders of its text.
struct Entry {
    file: String,
    placeholders: BTreeSet<String>,
}

/// The messages of one language. An attribute counts as a part of its message.
fn entries(lang: &str) -> BTreeMap<String, Entry> {
    let mut found: BTreeMap<String, Entry> = BTreeMap::new();
    for file in files(&format!("locales/{lang}"), &[".ftl"]) {
        let name = file.path.rsplit('/').next().unwrap().to_owned();
        let mut current = None;
        for line in file.text.lines().filter(|line| !line.starts_with('#')) {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                let key = line.split([' ', '=']).next().unwrap().to_owned();
                found.insert(
                    key.clone(),
                    Entry {
                        file: name.clone(),
                        placeholders: BTreeSet::new(),
                    },
                );
                current = Some(key);
            }
            if let Some(entry) = current.as_ref().and_then(|key| found.get_mut(key)) {
                for part in line.split('$').skip(1) {
                    let placeholder = part
                        .chars()
                        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                        .collect();
                    entry.placeholders.insert(placeholder);
                }
            }
        }
    }
    found
}

/// A quoted word that could be a key, and how it is used.
struct Literal {
    text: String,
    is_lookup: bool,
    is_attribute: bool,
}

fn could_be_key(text: &str) -> bool {
    text.contains('-')
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| {
            c.is_ascii_lowercase()
                || c.is_ascii_digit()
                || matches!(c, '-' | '_' | '{' | '}' | ':' | '?' | '.')
        })
}

/// The name of the call whose arguments end in `before`, provided no other string or call stands between.
fn callee(before: &str) -> Option<&str> {
    let open = before.rfind('(')?;
    if before[open..].contains(['"', ')', ';', '{']) {
        return None;
    }
    let name = &before[..open];
    let start = name
        .rfind(|c: char| !c.is_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    Some(&name[start..])
}

fn literals(text: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('"').map(|at| from + at) {
        let Some(close) = text[open + 1..].find('"').map(|at| open + 1 + at) else {
            break;
        };
        let inside = &text[open + 1..close];
        // A quote may have been the end of a longer literal: step to the next one, not past it.
        from = open + 1;
        if could_be_key(inside) {
            let before = &text[..open];
            found.push(Literal {
                text: inside.to_owned(),
                is_lookup: callee(before).is_some_and(|name| LOOKUPS.contains(&name)),
                is_attribute: before.ends_with('='),
            });
        }
    }
    found
}

fn sources() -> Vec<File> {
    let mut found = files("src", &[".rs"]);
    found.retain(|file| !file.is_test());
    found.extend(files("templates", &[".html", ".txt"]));
    found
}

fn text_of(file: &File) -> String {
    if file.is_rust() {
        file.code()
    } else {
        file.text.clone()
    }
}

#[test]
fn lookups_are_found_in_code_and_templates() {
    let text = r#"<a title="admin-keys-x">{{ page.t("admin-keys-title") }}</a> t_with(lang, "unit-ms", &[]) format!("error-{code}")"#;
    let seen: Vec<_> = literals(text)
        .into_iter()
        .map(|l| (l.text, l.is_lookup, l.is_attribute))
        .collect();
    assert!(seen.contains(&("admin-keys-x".into(), false, true)));
    assert!(seen.contains(&("admin-keys-title".into(), true, false)));
    assert!(seen.contains(&("unit-ms".into(), true, false)));
    assert!(seen.contains(&("error-{code}".into(), false, false)));
}

#[test]
fn languages_have_the_same_keys_and_placeholders() {
    let (en, zh) = (entries("en"), entries("zh"));
    let mut complaints = Vec::new();
    for (key, entry) in &en {
        match zh.get(key) {
            None => complaints.push(format!("locales/zh/{}: lacks {key}", entry.file)),
            Some(other) if other.placeholders != entry.placeholders => complaints.push(format!(
                "{key}: placeholders differ: en {:?}, zh {:?}",
                entry.placeholders, other.placeholders
            )),
            Some(other) if other.file != entry.file => {
                complaints.push(format!(
                    "{key}: in {} in English, in {} in Chinese",
                    entry.file, other.file
                ));
            }
            Some(_) => {}
        }
    }
    for (key, entry) in zh.iter().filter(|(key, _)| !en.contains_key(*key)) {
        complaints.push(format!("locales/en/{}: lacks {key}", entry.file));
    }
    report(&complaints);
}

#[test]
fn every_key_used_exists() {
    let en = entries("en");
    let pages: BTreeSet<_> = en
        .values()
        .map(|e| e.file.trim_end_matches(".ftl"))
        .filter(|stem| stem.contains('-'))
        .collect();
    let mut complaints = Vec::new();
    for file in sources() {
        for literal in literals(&text_of(&file)) {
            let of_a_page = pages.iter().any(|stem| {
                literal
                    .text
                    .strip_prefix(stem)
                    .is_some_and(|rest| rest.starts_with('-'))
            });
            let is_key = literal.is_lookup || (of_a_page && !literal.is_attribute);
            let is_whole = !literal.text.contains('{') && !literal.text.ends_with('-');
            if is_key && is_whole && !en.contains_key(&literal.text) {
                complaints.push(format!("{}: no text for {}", file.path, literal.text));
            }
        }
    }
    report(&complaints);
}

/// `t_code` shows the code itself where there is no text: a prefix that no text begins with would never be seen.
#[test]
fn every_prefix_of_codes_has_texts() {
    let en = entries("en");
    let mut complaints = Vec::new();
    for file in sources() {
        let text = text_of(&file);
        for (at, _) in text.match_indices("t_code(\"") {
            let prefix = text[at + "t_code(\"".len()..].split('"').next();
            let prefix = prefix.unwrap_or_default();
            if !en.keys().any(|key| key.starts_with(prefix)) {
                complaints.push(format!("{}: no text begins with {prefix}", file.path));
            }
        }
    }
    report(&complaints);
}

/// The code of a file without its tests, and what its `change(…)` calls and audited states say.
fn writes_the_audit_log(code: &str) -> bool {
    ["Change {", "change(", "fn audited"]
        .iter()
        .any(|sign| code.contains(sign))
}

/// A deed is a noun and a verb, handed to whatever writes the audit log.
#[test]
fn every_deed_of_the_audit_log_has_a_text() {
    let en = entries("en");
    let word = |text: &str| {
        let fits = |c: char| c.is_ascii_lowercase() || c == '_';
        !text.is_empty() && text.chars().all(fits)
    };
    let (mut complaints, mut deeds) = (Vec::new(), BTreeSet::new());
    for file in sources().iter().filter(|file| file.is_rust()) {
        let text = text_of(file);
        let mut from = 0;
        for part in text.split('"') {
            let (at, end) = (from, from + part.len());
            from = end + 1;
            let Some((noun, verb)) = part.split_once('.').filter(|(n, v)| word(n) && word(v))
            else {
                continue;
            };
            let begin = text[..at]
                .char_indices()
                .rev()
                .nth(150)
                .map_or(0, |(n, _)| n);
            let before = &text[begin..at];
            let is_deed = ["change(", "noted(", "action", "Change", "what = ("];
            if !is_deed.iter().any(|sign| before.contains(sign)) || noun == "test" {
                continue;
            }
            deeds.insert(part.to_owned());
            for (kind, word) in [("noun", noun), ("verb", verb)] {
                let key = format!("admin-audit-{kind}-{}", word.replace('_', "-"));
                if !en.contains_key(&key) {
                    complaints.push(format!("{}: no text {key} for {part}", file.path));
                }
            }
        }
    }
    report(&complaints);
    for known in [
        "user.delete",
        "job.run",
        "api_key.rotate",
        "config.apply",
        "error_rule.update",
    ] {
        assert!(deeds.contains(known), "{known} was not found: {deeds:?}");
    }
}

/// What the audit log keeps of a state is read by name: each member has a word.
#[test]
fn every_field_of_the_audit_log_and_of_forms_has_a_text() {
    let en = entries("en");
    let (mut complaints, mut seen) = (Vec::new(), 0);
    for file in sources().iter().filter(|file| file.is_rust()) {
        let text = text_of(file);
        if !writes_the_audit_log(&text) {
            continue;
        }
        let mut words = Vec::new();
        for (at, _) in text.match_indices("json!(") {
            let end = text[at..].find(';').map_or(text.len(), |end| at + end);
            let quoted = text[at..end].split('"').collect::<Vec<_>>();
            let members = quoted.windows(2).enumerate().filter(|(n, _)| n % 2 == 1);
            words.extend(
                members
                    .filter(|(_, w)| w[1].starts_with(':'))
                    .map(|(_, w)| w[0]),
            );
        }
        if file.path.starts_with("src/web/admin/") {
            for call in [".with(\"", ".ticked(\""] {
                let all = text
                    .match_indices(call)
                    .map(|(at, _)| &text[at + call.len()..]);
                words.extend(all.filter_map(|rest| rest.split('"').next()));
            }
        }
        for word in words {
            seen += 1;
            let key = format!("field-{}", word.replace('_', "-"));
            if !en.contains_key(&key) {
                complaints.push(format!("{}: no text {key}", file.path));
            }
        }
    }
    assert!(seen > 200, "only {seen} fields were found");
    complaints.sort();
    complaints.dedup();
    report(&complaints);
}

#[test]
fn every_key_is_used() {
    let (mut whole, mut prefixes) = (BTreeSet::new(), BTreeSet::new());
    for literal in sources().iter().flat_map(|file| literals(&text_of(file))) {
        match literal.text.split_once('{') {
            Some((prefix, _)) if prefix.ends_with('-') => prefixes.insert(prefix.to_owned()),
            _ if literal.text.ends_with('-') => prefixes.insert(literal.text),
            _ => whole.insert(literal.text),
        };
    }
    let complaints: Vec<_> = entries("en")
        .iter()
        .filter(|(key, _)| {
            !whole.contains(*key) && !prefixes.iter().any(|prefix| key.starts_with(prefix))
        })
        .map(|(key, entry)| format!("locales/*/{}: nothing uses {key}", entry.file))
        .collect();
    report(&complaints);
}
