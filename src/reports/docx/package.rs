//! The parts of a document in a file: those that a reader needs and no others, so that every relationship leads
//! somewhere and every part has its type.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use docx_rs::XMLDocx;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::complete::{Alternatives, complete};
use super::render::Rendered;
use super::sizes;
use super::{DocxError, Setting};
use crate::i18n::format;
use crate::reports::blocks::{Report, clean};

static STYLES: &str = include_str!("styles.xml");
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml";
const SETTINGS: &str = "<w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:zoom w:percent=\"100\"/><w:defaultTabStop w:val=\"720\"/><w:characterSpacingControl w:val=\"doNotCompress\"/><w:compat><w:compatSetting w:name=\"compatibilityMode\" w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat></w:settings>";

/// Puts the parts together.
pub(super) fn pack(
    rendered: Rendered,
    report: &Report,
    setting: Setting,
) -> Result<Vec<u8>, DocxError> {
    let Rendered {
        parts,
        alternatives,
    } = rendered;
    let mut file = Parts {
        zip: ZipWriter::new(Cursor::new(Vec::new())),
    };
    file.add("[Content_Types].xml", types(&parts).as_bytes())?;
    file.add("_rels/.rels", ROOT_RELATIONS.as_bytes())?;
    file.add("docProps/core.xml", core(report, setting).as_bytes())?;
    file.add("docProps/app.xml", APP.as_bytes())?;
    file.add(
        "word/document.xml",
        &complete(&parts.document, alternatives)?,
    )?;
    file.add("word/_rels/document.xml.rels", relations(&parts).as_bytes())?;
    file.add("word/styles.xml", styles(setting).as_bytes())?;
    file.add("word/settings.xml", format!("{HEAD}{SETTINGS}").as_bytes())?;
    for (what, sides) in [("header", &parts.headers), ("footer", &parts.footers)] {
        for (at, part) in sides.iter().enumerate() {
            let part = complete(part, Alternatives::default())?;
            file.add(&format!("word/{what}{}.xml", at + 1), &part)?;
        }
    }
    for (id, picture) in &parts.media {
        file.add(&format!("word/media/{id}.png"), picture)?;
    }
    Ok(file.zip.finish()?.into_inner())
}

struct Parts {
    zip: ZipWriter<Cursor<Vec<u8>>>,
}

impl Parts {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<(), DocxError> {
        self.zip.start_file(name, SimpleFileOptions::default())?;
        self.zip.write_all(content)?;
        Ok(())
    }
}

fn types(parts: &XMLDocx) -> String {
    let mut out = format!(
        "{HEAD}<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Default Extension=\"xml\" ContentType=\"application/xml\"/><Default Extension=\"png\" ContentType=\"image/png\"/>"
    );
    let mut part = |name: &str, kind: &str| {
        let _ = write!(
            out,
            "<Override PartName=\"/{name}\" ContentType=\"{kind}\"/>"
        );
    };
    part(
        "docProps/core.xml",
        "application/vnd.openxmlformats-package.core-properties+xml",
    );
    part(
        "docProps/app.xml",
        "application/vnd.openxmlformats-officedocument.extended-properties+xml",
    );
    part("word/document.xml", &format!("{WORD}.document.main+xml"));
    part("word/styles.xml", &format!("{WORD}.styles+xml"));
    part("word/settings.xml", &format!("{WORD}.settings+xml"));
    for at in 1..=parts.headers.len() {
        part(
            &format!("word/header{at}.xml"),
            &format!("{WORD}.header+xml"),
        );
    }
    for at in 1..=parts.footers.len() {
        part(
            &format!("word/footer{at}.xml"),
            &format!("{WORD}.footer+xml"),
        );
    }
    out.push_str("</Types>");
    out
}

const ROOT_RELATIONS: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"rId1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument\" Target=\"word/document.xml\"/><Relationship Id=\"rId2\" Type=\"http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties\" Target=\"docProps/core.xml\"/><Relationship Id=\"rId3\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/extended-properties\" Target=\"docProps/app.xml\"/></Relationships>";

const APP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<Properties xmlns=\"http://schemas.openxmlformats.org/officeDocument/2006/extended-properties\"><Application>ModelGate</Application></Properties>";

/// What leads from the document: docx-rs names headers, footers and pictures.
fn relations(parts: &XMLDocx) -> String {
    let mut out = format!("{HEAD}<Relationships xmlns=\"{PACKAGE}/relationships\">");
    let mut lead = |id: &str, kind: &str, target: &str| {
        let _ = write!(
            out,
            "<Relationship Id=\"{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>"
        );
    };
    lead("rId1", "styles", "styles.xml");
    lead("rId2", "settings", "settings.xml");
    for at in 1..=parts.headers.len() {
        lead(
            &format!("rIdHeader{at}"),
            "header",
            &format!("header{at}.xml"),
        );
    }
    for at in 1..=parts.footers.len() {
        lead(
            &format!("rIdFooter{at}"),
            "footer",
            &format!("footer{at}.xml"),
        );
    }
    for (id, _) in &parts.media {
        lead(id, "image", &format!("media/{id}.png"));
    }
    out.push_str("</Relationships>");
    out
}

fn core(report: &Report, setting: Setting) -> String {
    let text = |text: &str| quick_xml::escape::escape(clean(text)).into_owned();
    let title = format!("{} · {}", report.title, report.subtitle);
    let made = format::machine_time(setting.made_ms - setting.made_ms.rem_euclid(1_000));
    let made = made.replace(".000Z", "Z");
    format!(
        "{HEAD}<cp:coreProperties xmlns:cp=\"{PACKAGE}/metadata/core-properties\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:dcterms=\"http://purl.org/dc/terms/\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><dc:title>{}</dc:title><dc:creator>{}</dc:creator><dc:language>{}</dc:language><dcterms:created xsi:type=\"dcterms:W3CDTF\">{made}</dcterms:created><dcterms:modified xsi:type=\"dcterms:W3CDTF\">{made}</dcterms:modified></cp:coreProperties>",
        text(&title),
        text(&report.site),
        setting.lang.tag()
    )
}

fn styles(setting: Setting) -> String {
    let width = sizes::width(setting.paper).to_string();
    STYLES.replace("@WIDTH@", &width)
}
