//! Completes the XML that docx-rs writes: puts the children of properties in the order that the schema wants and Word
//! insists on, repeats header rows, numbers pictures and gives them and tables their alternative texts.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// What tables with a header row are marked with.
pub(super) const FIGURES: &str = "Figures";

/// The order of children by parent: ECMA-376 part 1, sections 17.3 and 17.4, and its schema wml.xsd.
const ORDER: &[(&str, &[&str])] = &[
    (
        "w:pPr",
        &[
            "w:pStyle",
            "w:keepNext",
            "w:keepLines",
            "w:pageBreakBefore",
            "w:framePr",
            "w:widowControl",
            "w:numPr",
            "w:pBdr",
            "w:shd",
            "w:tabs",
            "w:bidi",
            "w:adjustRightInd",
            "w:snapToGrid",
            "w:spacing",
            "w:ind",
            "w:jc",
            "w:textDirection",
            "w:textAlignment",
            "w:outlineLvl",
            "w:rPr",
            "w:sectPr",
            "w:pPrChange",
        ],
    ),
    (
        "w:rPr",
        &[
            "w:rStyle",
            "w:rFonts",
            "w:b",
            "w:bCs",
            "w:i",
            "w:iCs",
            "w:caps",
            "w:strike",
            "w:dstrike",
            "w:vanish",
            "w:color",
            "w:spacing",
            "w:w",
            "w:sz",
            "w:szCs",
            "w:highlight",
            "w:u",
            "w:bdr",
            "w:shd",
            "w:fitText",
            "w:vertAlign",
            "w:lang",
            "w:specVanish",
        ],
    ),
    (
        "w:tblPr",
        &[
            "w:tblStyle",
            "w:tblpPr",
            "w:tblW",
            "w:jc",
            "w:tblInd",
            "w:tblBorders",
            "w:shd",
            "w:tblLayout",
            "w:tblCellMar",
            "w:tblLook",
            "w:tblCaption",
            "w:tblDescription",
        ],
    ),
    ("w:trPr", &["w:cantSplit", "w:trHeight", "w:tblHeader"]),
    (
        "w:tcPr",
        &[
            "w:tcW",
            "w:gridSpan",
            "w:vMerge",
            "w:tcBorders",
            "w:shd",
            "w:tcMar",
            "w:textDirection",
            "w:vAlign",
        ],
    ),
    (
        "w:tcBorders",
        &[
            "w:top",
            "w:left",
            "w:bottom",
            "w:right",
            "w:insideH",
            "w:insideV",
        ],
    ),
    (
        "w:tblBorders",
        &[
            "w:top",
            "w:left",
            "w:bottom",
            "w:right",
            "w:insideH",
            "w:insideV",
        ],
    ),
    ("w:tcMar", &["w:top", "w:left", "w:bottom", "w:right"]),
    ("w:tblCellMar", &["w:top", "w:left", "w:bottom", "w:right"]),
    (
        "w:sectPr",
        &[
            "w:headerReference",
            "w:footerReference",
            "w:type",
            "w:pgSz",
            "w:pgMar",
            "w:pgNumType",
            "w:cols",
            "w:titlePg",
            "w:textDirection",
            "w:docGrid",
        ],
    ),
];

/// An element, or the text between elements as it stands in the file.
enum Node {
    Element(Element),
    Text(String),
}

struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Node>,
}

/// A part that is not what docx-rs writes.
#[derive(Debug, thiserror::Error)]
#[error("a part of the document cannot be read: {0}")]
pub struct BadPart(String);

/// The texts for those who cannot see, in the order of the document.
#[derive(Clone, Debug, Default)]
pub(super) struct Alternatives {
    /// Of tables of figures.
    pub(super) tables: Vec<String>,
    /// Of pictures.
    pub(super) pictures: Vec<String>,
}

/// Completes a part: the document, a header or a footer.
pub(super) fn complete(part: &[u8], alternatives: Alternatives) -> Result<Vec<u8>, BadPart> {
    let text = std::str::from_utf8(part).map_err(|error| BadPart(error.to_string()))?;
    let mut nodes = parse(text)?;
    let mut pass = Pass {
        tables: alternatives.tables.into_iter(),
        pictures: alternatives.pictures.into_iter(),
        picture: 0,
    };
    for node in &mut nodes {
        pass.visit(node);
    }
    let mut out = String::with_capacity(text.len() + 4_096);
    out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n");
    for node in &nodes {
        write(node, &mut out);
    }
    Ok(out.into_bytes())
}

struct Pass {
    tables: std::vec::IntoIter<String>,
    pictures: std::vec::IntoIter<String>,
    picture: usize,
}

impl Pass {
    fn visit(&mut self, node: &mut Node) {
        let Node::Element(element) = node else { return };
        // docx-rs repeats these numbers between parts, where they have to be unique.
        element
            .attributes
            .retain(|(name, _)| !name.starts_with("w14:"));
        match element.name.as_str() {
            "w:tbl" if is_figures(element) => self.table(element),
            "wp:docPr" => self.picture(element),
            _ => {}
        }
        if let Some((_, order)) = ORDER.iter().find(|(name, _)| *name == element.name) {
            element.children.sort_by_key(|child| place(child, order));
        }
        for child in &mut element.children {
            self.visit(child);
        }
    }

    fn table(&mut self, table: &mut Element) {
        if let (Some(properties), Some(text)) = (child_mut(table, "w:tblPr"), self.tables.next()) {
            let value = vec![("w:val".to_owned(), escape(&text))];
            properties.children.push(element("w:tblDescription", value));
        }
        if let Some(row) = child_mut(table, "w:tr") {
            if child_mut(row, "w:trPr").is_none() {
                row.children.insert(0, element("w:trPr", Vec::new()));
            }
            if let Some(properties) = child_mut(row, "w:trPr") {
                properties.children.push(element("w:tblHeader", Vec::new()));
            }
        }
    }

    fn picture(&mut self, properties: &mut Element) {
        self.picture += 1;
        let text = self.pictures.next().unwrap_or_default();
        properties.attributes = vec![
            ("id".to_owned(), self.picture.to_string()),
            ("name".to_owned(), format!("Chart {}", self.picture)),
            ("descr".to_owned(), escape(&text)),
        ];
    }
}

fn element(name: &str, attributes: Vec<(String, String)>) -> Node {
    Node::Element(Element {
        name: name.to_owned(),
        attributes,
        children: Vec::new(),
    })
}

fn child_mut<'a>(parent: &'a mut Element, name: &str) -> Option<&'a mut Element> {
    parent.children.iter_mut().find_map(|child| match child {
        Node::Element(element) if element.name == name => Some(element),
        _ => None,
    })
}

fn child<'a>(parent: &'a Element, name: &str) -> Option<&'a Element> {
    parent.children.iter().find_map(|child| match child {
        Node::Element(element) if element.name == name => Some(element),
        _ => None,
    })
}

fn is_figures(table: &Element) -> bool {
    let style = child(table, "w:tblPr").and_then(|properties| child(properties, "w:tblStyle"));
    let is_it = |(name, value): &(String, String)| name == "w:val" && value == FIGURES;
    style.is_some_and(|style| style.attributes.iter().any(is_it))
}

fn place(node: &Node, order: &[&str]) -> usize {
    match node {
        Node::Element(element) => order
            .iter()
            .position(|name| *name == element.name)
            .unwrap_or(order.len()),
        Node::Text(_) => order.len(),
    }
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

fn parse(text: &str) -> Result<Vec<Node>, BadPart> {
    let bad = |error: &dyn std::fmt::Display| BadPart(error.to_string());
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut roots = Vec::new();
    loop {
        let done = match reader.read_event().map_err(|error| bad(&error))? {
            Event::Start(start) => {
                open.push(opened(&start)?);
                continue;
            }
            Event::Empty(start) => Node::Element(opened(&start)?),
            Event::End(_) => Node::Element(open.pop().ok_or_else(|| bad(&"an end too many"))?),
            Event::Text(text) => Node::Text(String::from_utf8_lossy(&text).into_owned()),
            Event::GeneralRef(name) => Node::Text(format!("&{};", String::from_utf8_lossy(&name))),
            Event::Eof => break,
            _ => continue,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None => {
                if matches!(done, Node::Element(_)) {
                    roots.push(done);
                }
            }
        }
    }
    if open.is_empty() {
        Ok(roots)
    } else {
        Err(bad(&"an end is missing"))
    }
}

fn opened(start: &BytesStart<'_>) -> Result<Element, BadPart> {
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| BadPart(error.to_string()))?;
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        attributes.push((name, String::from_utf8_lossy(&attribute.value).into_owned()));
    }
    Ok(Element {
        name: String::from_utf8_lossy(start.name().as_ref()).into_owned(),
        attributes,
        children: Vec::new(),
    })
}

fn write(node: &Node, out: &mut String) {
    let element = match node {
        Node::Text(text) => return out.push_str(text),
        Node::Element(element) => element,
    };
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        out.push_str(&value.replace('"', "&quot;"));
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for child in &element.children {
        write(child, out);
    }
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_in_the_order_of_the_schema() {
        let part = r#"<w:p w14:paraId="1" xmlns:w="w"><w:pPr><w:rPr><w:sz w:val="2"/><w:b/></w:rPr><w:jc w:val="right"/><w:pStyle w:val="A"/></w:pPr><w:r><w:t xml:space="preserve"> a &lt; b &amp; &#99; </w:t></w:r></w:p>"#;
        let done = complete(part.as_bytes(), Alternatives::default()).unwrap();
        let done = String::from_utf8(done).unwrap();
        let (_, body) = done.split_once('\n').unwrap();
        assert_eq!(
            body,
            r#"<w:p xmlns:w="w"><w:pPr><w:pStyle w:val="A"/><w:jc w:val="right"/><w:rPr><w:b/><w:sz w:val="2"/></w:rPr></w:pPr><w:r><w:t xml:space="preserve"> a &lt; b &amp; &#99; </w:t></w:r></w:p>"#
        );
    }

    #[test]
    fn tables_repeat_their_head_and_pictures_are_told() {
        let part = r#"<w:body><w:tbl><w:tblPr><w:tblStyle w:val="Figures"/></w:tblPr><w:tr><w:tc/></w:tr><w:tr><w:tc/></w:tr></w:tbl><wp:docPr id="1" name="Figure"/><wp:docPr id="1" name="Figure"/></w:body>"#;
        let alternatives = Alternatives {
            tables: vec!["keys \"a\" & b".to_owned()],
            pictures: vec!["one".to_owned(), "<two>".to_owned()],
        };
        let done = String::from_utf8(complete(part.as_bytes(), alternatives).unwrap()).unwrap();
        assert!(
            done.contains(
                "<w:tr><w:trPr><w:tblHeader/></w:trPr><w:tc/></w:tr><w:tr><w:tc/></w:tr>"
            )
        );
        assert!(done.contains(r#"<w:tblDescription w:val="keys &quot;a&quot; &amp; b"/>"#));
        assert!(done.contains(r#"<wp:docPr id="1" name="Chart 1" descr="one"/>"#));
        assert!(done.contains(r#"<wp:docPr id="2" name="Chart 2" descr="&lt;two&gt;"/>"#));
    }

    #[test]
    fn what_is_torn_is_an_error() {
        for torn in ["<a><b></a>", "<a>", "</a>"] {
            assert!(
                complete(torn.as_bytes(), Alternatives::default()).is_err(),
                "{torn}"
            );
        }
    }
}
