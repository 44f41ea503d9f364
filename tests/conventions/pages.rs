//! Pages: one name in four trees, safe markup, and a token in every form that changes something.

use std::collections::BTreeSet;

use super::tree::{File, files, report};

const AREAS: &[&str] = &["admin", "user", "public"];

/// A module of an area that shows pages: its name, and the templates that it names.
struct PageModule {
    name: String,
    templates: Vec<String>,
}

impl PageModule {
    /// Whether `stem` is the page's name or what its name begins with: `provider` serves `provider_key` too.
    fn belongs_to(&self, stem: &str) -> bool {
        let stem = stem.replace('-', "_");
        self.name == stem || self.name.starts_with(&format!("{stem}_"))
    }
}

fn page_modules(area: &str) -> Vec<PageModule> {
    let mut found: Vec<PageModule> = Vec::new();
    for file in files(&format!("src/web/{area}"), &[".rs"])
        .iter()
        .filter(|file| !file.is_test())
    {
        let inside = file
            .path
            .strip_prefix(&format!("src/web/{area}/"))
            .unwrap_or_default();
        let name = inside
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
            .to_owned();
        let code = file.code();
        let templates: Vec<String> = code
            .match_indices("path = \"")
            .filter_map(|(at, sign)| code[at + sign.len()..].split('"').next())
            .filter_map(|path| {
                path.strip_prefix(&format!("{area}/"))?
                    .strip_suffix(".html")
            })
            .map(str::to_owned)
            .collect();
        match found.iter_mut().find(|page| page.name == name) {
            Some(page) => page.templates.extend(templates),
            None => found.push(PageModule { name, templates }),
        }
    }
    found.retain(|page| !page.templates.is_empty());
    found
}

fn stems(folder: &str, start: &str, ending: &str) -> Vec<String> {
    files(folder, &[ending])
        .iter()
        .filter_map(|file| {
            file.path
                .rsplit('/')
                .next()?
                .strip_suffix(ending)?
                .strip_prefix(start)
        })
        .map(str::to_owned)
        .collect()
}

/// Pages about one thing are tested beside the list of such things: `provider_key` in `providers`.
fn is_list_of(list: &str, name: &str) -> bool {
    list.strip_suffix('s').is_some_and(|one| {
        name.strip_prefix(one)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

#[test]
fn a_page_has_its_template_its_texts_and_its_test() {
    let mut complaints = Vec::new();
    for area in AREAS {
        let pages = page_modules(area);
        let http = stems("tests/http", &format!("{area}_"), ".rs");
        for page in &pages {
            let name = &page.name;
            if !page.templates.contains(name) {
                complaints.push(format!(
                    "src/web/{area}/{name}.rs: does not show templates/{area}/{name}.html"
                ));
            }
            for lang in ["en", "zh"] {
                let texts = stems(&format!("locales/{lang}"), &format!("{area}-"), ".ftl");
                if !texts.iter().any(|stem| page.belongs_to(stem)) {
                    complaints.push(format!(
                        "src/web/{area}/{name}.rs: no locales/{lang}/{area}-{name}.ftl"
                    ));
                }
            }
            if !http
                .iter()
                .any(|stem| page.belongs_to(stem) || is_list_of(stem, name))
            {
                complaints.push(format!(
                    "src/web/{area}/{name}.rs: no tests/http/{area}_{name}.rs"
                ));
            }
        }
        for template in stems(&format!("templates/{area}"), "", ".html") {
            let shown: BTreeSet<_> = pages
                .iter()
                .filter(|p| p.templates.contains(&template))
                .map(|p| &p.name)
                .collect();
            if shown.len() != 1 {
                complaints.push(format!(
                    "templates/{area}/{template}.html: shown by {shown:?}, not by one page"
                ));
            }
        }
        for texts in stems("locales/en", &format!("{area}-"), ".ftl") {
            if !pages
                .iter()
                .any(|page| page.name == texts.replace('-', "_"))
            {
                complaints.push(format!(
                    "locales/en/{area}-{texts}.ftl: no page of that name"
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
        for PageModule { name, .. } in page_modules(area) {
            if !routes.contains(&format!("{name}::")) {
                complaints.push(format!("src/web/{area}/{name}.rs: no route names it"));
            }
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
