//! Reports of made-up figures, in every format: nothing, one request, many keys, names that mean harm.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read as _};

use modelgate_domain::Currency;
use modelgate_store::key_owners::KeyOwner;
use modelgate_store::usage::{Cube, KeyHour, Totals};
use quick_xml::Reader;
use quick_xml::events::Event;

use super::csv::Sheet;
use super::gather::{Day, DayUse, Times};
use super::{Format, Gathered, Params, Template, Told};
use crate::i18n::Lang;

/// 2026-11-21 06:41:29 in Shanghai.
const NOW: i64 = 1_795_214_489_000;
const HOSTILE: [&str; 8] = [
    "<script>alert(1)</script>",
    "../../x",
    "=1+1",
    "مرحبا بالعالم",
    "🦀 crab",
    "a\u{0}b\u{1b}[31mc\u{fffe}",
    "\u{202e}gpj.exe",
    "张三 \"引号\" & 'quote'",
];

fn totals(requests: i64) -> Totals {
    Totals {
        success: requests - requests / 10,
        error: requests / 10,
        error_upstream: requests / 10,
        prompt_tokens: requests * 100,
        completion_tokens: requests * 20,
        latency_sum_ms: requests * 900,
        cost_nanos: [("USD", 2_500_000), ("CNY", 700_000_000)]
            .into_iter()
            .map(|(code, nanos)| (Currency::parse(code).unwrap(), nanos * requests))
            .collect(),
        ..Totals::default()
    }
}

/// Five days of so many keys, the first with the most requests.
fn sample(lang: Lang, names: &[String]) -> Gathered {
    let params = Params::new(
        "2026-11-16".parse().unwrap(),
        "2026-11-20".parse().unwrap(),
        lang,
    );
    let zone = chrono_tz::Asia::Shanghai;
    let window = params.window(NOW, zone, zone);
    let keys: Vec<i64> = (1..).take(names.len()).collect();
    let requests = |key: i64| i64::try_from(names.len()).unwrap() * 10 - key * 10 + 10;
    let cells: Vec<([i64; 4], Totals)> = keys
        .iter()
        .map(|key| ([*key, 1, 1, 1], totals(requests(*key) * 5)))
        .collect();
    let day = |at: i64| Day {
        from_ms: window.from_ms() + at * 86_400_000,
        totals: keys.iter().fold(Totals::default(), |mut sum, key| {
            sum.add(&totals(requests(*key)));
            sum
        }),
        keys: keys
            .iter()
            .map(|key| {
                let used = DayUse {
                    requests: requests(*key),
                    success: requests(*key),
                    ..DayUse::default()
                };
                (*key, used)
            })
            .collect(),
    };
    let owner = |(id, name): (&i64, &String)| {
        let owner = KeyOwner {
            id: (*id).into(),
            name: name.clone(),
            user_id: 1.into(),
            user: name.clone(),
            tags: Vec::new(),
            usable: true,
        };
        (*id, owner)
    };
    let first = names.first().cloned().unwrap_or_default();
    Gathered {
        site: "ModelGate".to_owned(),
        made_ms: NOW,
        about: String::new(),
        left_out: 0,
        keys: keys.iter().zip(names).map(owner).collect(),
        models: BTreeMap::from([(1, first.clone())]),
        providers: BTreeMap::from([(1, first)]),
        days: if names.is_empty() {
            Vec::new()
        } else {
            (0..5).map(day).collect()
        },
        before: Cube::of(cells.clone()),
        now: Cube::of(cells),
        hours: keys
            .iter()
            .map(|key| KeyHour {
                api_key_id: *key,
                hour: key % 168,
                requests: 5,
            })
            .collect(),
        times: Times::default(),
        times_before: Times::default(),
        params,
        window,
    }
}

fn hostile(lang: Lang) -> Gathered {
    let names: Vec<String> = HOSTILE.iter().map(|name| (*name).to_owned()).collect();
    sample(lang, &names)
}

fn written(data: &Gathered, format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    Told::of(data).write(format, &mut out).unwrap();
    out
}

/// The parts of a package by name.
fn parts(file: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(file)).unwrap();
    (0..zip.len())
        .map(|at| {
            let mut part = zip.by_index(at).unwrap();
            let mut content = Vec::new();
            part.read_to_end(&mut content).unwrap();
            (part.name().to_owned(), content)
        })
        .collect()
}

fn xml(parts: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(parts[name].clone()).unwrap()
}

/// Every value of an attribute, in order.
fn values<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let ends = text.split(before).skip(1);
    ends.map(|rest| rest.split('"').next().unwrap()).collect()
}

/// What is read: paragraphs of a style.
fn texts(document: &str, style: &str) -> Vec<String> {
    document
        .split("<w:p>")
        .filter(|paragraph| paragraph.contains(&format!("<w:pStyle w:val=\"{style}\"/>")))
        .map(|paragraph| {
            let runs = paragraph
                .split("<w:t")
                .skip(1)
                .filter(|run| run.starts_with([' ', '>']));
            let inside = |run: &str| {
                let (_, text) = run.split_once('>').unwrap();
                text.split("</w:t>").next().unwrap().to_owned()
            };
            runs.map(inside).collect()
        })
        .collect()
}

/// The rules that Word is strict about.
fn check_package(file: Vec<u8>) -> String {
    let parts = parts(file);
    for (name, content) in parts.iter().filter(|(name, _)| !name.contains(".png")) {
        let text = std::str::from_utf8(content).unwrap();
        let allowed = |c: char| !c.is_control() || "\n\r\t".contains(c);
        assert!(text.chars().all(allowed), "{name} holds what XML cannot");
        let mut reader = Reader::from_str(text);
        loop {
            match reader.read_event() {
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => panic!("{name}: {error}"),
            }
        }
    }
    let relations = xml(&parts, "word/_rels/document.xml.rels");
    for target in values(&relations, "Target=\"") {
        assert!(
            parts.contains_key(&format!("word/{target}")),
            "nothing at {target}"
        );
    }
    let types = xml(&parts, "[Content_Types].xml");
    for name in parts.keys().filter(|name| {
        name.contains(".xml") && !name.contains(".rels") && *name != "[Content_Types].xml"
    }) {
        assert!(
            types.contains(&format!("\"/{name}\"")),
            "{name} has no type"
        );
    }
    let document = xml(&parts, "word/document.xml");
    check_links(&document, &relations, &xml(&parts, "word/styles.xml"));
    check_order(&document);
    document
}

/// Whatever is pointed to is there, and once.
fn check_links(document: &str, relations: &str, styles: &str) {
    let ids: BTreeSet<&str> = values(relations, "Id=\"").into_iter().collect();
    let embedded = values(document, "r:embed=\"").into_iter();
    for id in embedded.chain(values(document, "r:id=\"")) {
        assert!(ids.contains(id), "{id} leads nowhere");
    }
    for kind in [
        "<wp:docPr id=\"",
        "<w:bookmarkStart w:id=\"",
        "w:name=\"_Toc",
    ] {
        let found = values(document, kind);
        let unique: BTreeSet<&&str> = found.iter().collect();
        assert_eq!(found.len(), unique.len(), "{kind} twice");
    }
    let used = values(document, "<w:pStyle w:val=\"").into_iter();
    for style in used.chain(values(document, "<w:rStyle w:val=\"")) {
        let known = styles.contains(&format!("w:styleId=\"{style}\""));
        assert!(known, "no style {style}");
    }
    let marks: BTreeSet<&str> = values(document, "w:name=\"").into_iter().collect();
    for anchor in values(document, "w:anchor=\"") {
        assert!(marks.contains(anchor), "no bookmark {anchor}");
    }
    assert!(
        !document.contains("descr=\"\""),
        "a picture that nobody tells of"
    );
}

/// Properties come in the order of the schema.
fn check_order(document: &str) {
    let heads = document.matches("<w:tblHeader/>").count();
    let tables = document.matches("<w:tblStyle w:val=\"Figures\"/>").count();
    assert_eq!(heads, tables, "a table without a head that is repeated");
    for (parent, order) in [
        (
            "w:pPr",
            &["w:pStyle", "w:pageBreakBefore", "w:spacing", "w:rPr"][..],
        ),
        (
            "w:tblPr",
            &["w:tblStyle", "w:tblW", "w:tblLayout", "w:tblDescription"],
        ),
        ("w:tcPr", &["w:tcW", "w:shd", "w:vAlign"]),
        ("w:trPr", &["w:cantSplit", "w:trHeight", "w:tblHeader"]),
        (
            "w:sectPr",
            &[
                "w:headerReference",
                "w:footerReference",
                "w:pgSz",
                "w:pgMar",
                "w:cols",
                "w:titlePg",
            ],
        ),
    ] {
        in_order(document, parent, order);
    }
}

fn in_order(document: &str, parent: &str, order: &[&str]) {
    for inside in document.split(&format!("<{parent}>")).skip(1) {
        let inside = inside.split(&format!("</{parent}>")).next().unwrap();
        let places: Vec<usize> = order
            .iter()
            .filter_map(|name| inside.find(&format!("<{name}")))
            .collect();
        assert!(places.is_sorted(), "{parent}: {inside}");
    }
}

#[test]
fn a_document_keeps_the_rules_whatever_things_are_called() {
    for lang in Lang::ALL {
        let document = check_package(written(&hostile(lang), Format::Docx));
        assert!(!document.contains("<script>"));
        assert!(document.contains("&lt;script&gt;") && document.contains("🦀 crab"));
        let chapters = texts(&document, "Heading1");
        assert_eq!(chapters.len(), 10, "{chapters:?}");
        let listed = texts(&document, "TOC1");
        assert!(
            chapters
                .iter()
                .zip(&listed)
                .all(|(chapter, entry)| entry.starts_with(chapter)),
            "{listed:?}"
        );
        let tables = values(&document, "<w:tblDescription w:val=\"").len();
        assert_eq!(
            tables,
            texts(&document, "Caption").len() - 6,
            "charts and the map have captions too"
        );
    }
}

#[test]
fn headings_and_tables_are_those_of_the_plan() {
    let document = check_package(written(&hostile(Lang::En), Format::Docx));
    insta::assert_snapshot!(texts(&document, "Heading1").join("\n"), @r"
    Summary
    Recommendations
    Trends
    Who used what
    Models and providers
    Cost
    Reliability
    Busiest hours
    Awards
    Appendix
    ");
}

#[test]
fn templates_have_their_chapters() {
    for (template, chapters) in [
        (
            Template::Brief,
            "Summary, Recommendations, Trends, Cost, Reliability",
        ),
        (
            Template::People,
            "Summary, Who used what, Awards, All API keys",
        ),
    ] {
        let mut data = hostile(Lang::En);
        data.params.template = template;
        let document = check_package(written(&data, Format::Docx));
        assert_eq!(texts(&document, "Heading1").join(", "), chapters);
        let stem = data.params.file_stem();
        assert!(stem.starts_with(&format!("usage-{}-2026", template.as_str())));
    }
}

#[test]
fn nothing_and_next_to_nothing_are_told() {
    for lang in Lang::ALL {
        for names in [vec![], vec!["only".to_owned()]] {
            let data = sample(lang, &names);
            for format in [
                Format::Docx,
                Format::Xlsx,
                Format::Markdown,
                Format::Csv(Sheet::Days),
            ] {
                assert!(!written(&data, format).is_empty());
            }
            let document = check_package(written(&data, Format::Docx));
            let awarded = texts(&document, "PrizeTitle").len();
            assert_eq!(awarded, 0, "nobody to compare with");
        }
    }
}

#[test]
fn hundreds_of_keys_are_all_in_the_appendix() {
    let names: Vec<String> = (0..500).map(|at| format!("key-{at}")).collect();
    let document = check_package(written(&sample(Lang::En, &names), Format::Docx));
    let cells = texts(&document, "TableText");
    assert!(names.iter().all(|name| cells.contains(name)));
}

#[test]
fn no_table_begins_a_formula_and_no_text_is_markup() {
    let data = hostile(Lang::En);
    for sheet in Sheet::ALL {
        let text = String::from_utf8(written(&data, Format::Csv(sheet))).unwrap();
        let columns = sheet.columns().len();
        assert!(!text.contains(",=1+1"), "{text}");
        assert_eq!(text.lines().next().unwrap().split(',').count(), columns);
    }
    let markdown = String::from_utf8(written(&data, Format::Markdown)).unwrap();
    assert!(!markdown.contains("<script>") && markdown.contains("&lt;script>"));
    let book = parts(written(&data, Format::Xlsx));
    for (name, content) in book
        .iter()
        .filter(|(name, _)| name.starts_with("xl/worksheets/"))
    {
        let text = String::from_utf8(content.clone()).unwrap();
        assert!(!text.contains("<f>"), "{name} has a formula");
    }
}
