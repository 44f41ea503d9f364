//! Pages: one name in four trees, safe markup, and a token in every form that changes something.

use std::collections::BTreeSet;

use super::tree::{File, files, report, root};

const AREAS: &[&str] = &["admin", "user", "public"];

/// Names of the page modules of an area: `keys.rs`, or a folder `keys/`.
fn page_modules(area: &str) -> BTreeSet<String> {
    files(&format!("src/web/{area}"), &[".rs"])
        .iter()
        .filter(|file| !file.is_test())
        .filter_map(|file| {
            file.path
                .strip_prefix(&format!("src/web/{area}/"))?
                .split('/')
                .next()
                .map(str::to_owned)
        })
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| !["mod", "components"].contains(&name.as_str()))
        .collect()
}

/// Names of the page templates of an area; a template in a sub-folder belongs to the page of the folder's name.
fn page_templates(area: &str) -> BTreeSet<String> {
    files(&format!("templates/{area}"), &[".html"])
        .iter()
        .filter_map(|file| {
            file.path
                .strip_prefix(&format!("templates/{area}/"))?
                .split('/')
                .next()
                .map(str::to_owned)
        })
        .map(|name| name.trim_end_matches(".html").to_owned())
        .collect()
}

#[test]
fn a_page_has_its_template_its_texts_and_its_test() {
    let mut complaints = Vec::new();
    let http: Vec<String> = files("tests/http", &[".rs"])
        .into_iter()
        .map(|file| file.path)
        .collect();
    for area in AREAS {
        let modules = page_modules(area);
        let templates = page_templates(area);
        for page in modules.difference(&templates) {
            complaints.push(format!(
                "src/web/{area}/{page}: no templates/{area}/{page}.html"
            ));
        }
        for page in templates.difference(&modules) {
            complaints.push(format!(
                "templates/{area}/{page}.html: no src/web/{area}/{page}.rs"
            ));
        }
        for page in modules.intersection(&templates) {
            for lang in ["en", "zh"] {
                let texts = format!("locales/{lang}/{area}-{page}.ftl");
                if !root().join(&texts).is_file() {
                    complaints.push(format!("src/web/{area}/{page}: no {texts}"));
                }
            }
            if !http
                .iter()
                .any(|path| path.starts_with(&format!("tests/http/{area}_{page}")))
            {
                complaints.push(format!(
                    "src/web/{area}/{page}: no tests/http/{area}_{page}.rs"
                ));
            }
        }
    }
    report(&complaints);
}

#[test]
fn every_page_has_a_route() {
    let mut complaints = Vec::new();
    let routes: String = files("src/web", &[".rs"])
        .iter()
        .filter(|f| f.path.ends_with("mod.rs"))
        .map(File::code)
        .collect();
    for area in AREAS {
        for page in page_modules(area)
            .iter()
            .filter(|page| !routes.contains(&format!("{page}::")))
        {
            complaints.push(format!("src/web/{area}/{page}: no route names it"));
        }
    }
    report(&complaints);
}

/// The text of each `<form …>…</form>` of a template.
fn forms(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("<form").map(|(at, _)| {
        let end = text[at..]
            .find("</form>")
            .map_or(text.len(), |length| at + length);
        &text[at..end]
    })
}

#[test]
fn every_form_that_posts_carries_the_token() {
    let mut complaints = Vec::new();
    for file in files("templates", &[".html"]) {
        for form in forms(&file.text) {
            let opening = form
                .split('>')
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if opening.contains("method=\"post\"")
                && !form.contains("token()")
                && !form.contains("csrf")
            {
                complaints.push(format!(
                    "{}: a form that posts without the csrf field: {}",
                    file.path,
                    opening.trim()
                ));
            }
        }
    }
    report(&complaints);
}

#[test]
fn markup_from_data_is_always_escaped() {
    let complaints: Vec<_> = files("templates", &[".html"])
        .iter()
        .filter(|file| !file.path.starts_with("templates/_ui/"))
        .filter(|file| {
            let squeezed: String = file.text.chars().filter(|c| !c.is_whitespace()).collect();
            squeezed.contains("|safe")
                || squeezed.contains("{%autoescape")
                || squeezed.contains("{%filtersafe")
        })
        .map(|file| format!("{}: `safe` is for templates/_ui only", file.path))
        .collect();
    report(&complaints);
}

/// The content security policy refuses these, so a template that has one is broken.
#[test]
fn templates_hold_no_inline_script_or_style() {
    let mut complaints = Vec::new();
    for file in files("templates", &[".html"]) {
        let lower = file.text.to_ascii_lowercase();
        for (at, _) in lower.match_indices("<script") {
            let tag = lower[at..].split('>').next().unwrap_or_default();
            if !tag.contains("src=") && !tag.contains("application/json") {
                complaints.push(format!("{}: inline script", file.path));
            }
        }
        for sign in [
            " style=\"",
            "<style",
            " hx-on",
            " onclick=",
            " onchange=",
            " onsubmit=",
            "hx-vals='js:",
            "hx-vals=\"js:",
            "javascript:",
        ] {
            if lower.contains(sign) {
                complaints.push(format!("{}: {sign}", file.path));
            }
        }
        for scheme in [
            "src=\"http",
            "src=\"//",
            "rel=\"stylesheet\" href=\"http",
            "@import",
        ] {
            if lower.contains(scheme) {
                complaints.push(format!(
                    "{}: loads from another origin: {scheme}",
                    file.path
                ));
            }
        }
    }
    report(&complaints);
}

/// Text a person reads goes through the translator: words between tags that are not an expression.
#[test]
fn templates_hold_no_untranslated_words() {
    let mut complaints = Vec::new();
    for file in files("templates", &[".html"]) {
        for words in visible_words(&file.text) {
            complaints.push(format!("{}: {words}", file.path));
        }
    }
    report(&complaints);
}

fn visible_words(text: &str) -> Vec<String> {
    let mut bare = String::new();
    let mut rest = text;
    // Askama's own signs first, then the tags: what is left is what a person sees.
    while let Some(open) = rest
        .find("{{")
        .into_iter()
        .chain(rest.find("{%"))
        .chain(rest.find("{#"))
        .min()
    {
        bare.push_str(&rest[..open]);
        let close = match &rest[open..open + 2] {
            "{{" => "}}",
            "{%" => "%}",
            _ => "#}",
        };
        let Some(end) = rest[open..].find(close) else {
            break;
        };
        rest = &rest[open + end + 2..];
    }
    bare.push_str(rest);
    let mut seen = Vec::new();
    let mut inside_code = false;
    for piece in bare.split('<') {
        let (tag, content) = piece.split_once('>').unwrap_or(("", piece));
        let name = tag
            .split(|c: char| !c.is_alphanumeric() && c != '/')
            .next()
            .unwrap_or_default();
        match name {
            "code" | "kbd" | "pre" | "script" | "title" => inside_code = true,
            "/code" | "/kbd" | "/pre" | "/script" | "/title" => inside_code = false,
            _ => {}
        }
        let has_word = content
            .split(|c: char| !c.is_alphabetic())
            .any(|word| word.chars().count() > 2);
        let is_entity = content.trim().starts_with('&') && content.trim().ends_with(';');
        if has_word && !inside_code && !is_entity && content.trim() != "ModelGate" {
            seen.push(content.trim().to_owned());
        }
    }
    seen
}

#[test]
fn words_are_told_from_markup() {
    let text = "<p class=\"x\">{{ page.t(\"a-b\") }} · 5</p>{% if x > 2 %}<b>Hello there</b>{% endif %}<code>curl</code>";
    assert_eq!(visible_words(text), ["Hello there"]);
}
