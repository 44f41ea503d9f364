//! Markdown to HTML: the one place where what people write becomes markup.
//!
//! Raw HTML in the text is shown as text, and what the parser made passes through a list of what is allowed. Links go
//! to the web and to mail only; images come from the document's own attachments, since the policy of the pages refuses
//! any other origin: a link stands in place of an image from elsewhere.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use pulldown_cmark::{CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html};

/// What a link or an image begins with that means an attachment: `attachment:7`.
const ATTACHMENT: &str = "attachment:";

/// Markup that is safe to show as it stands. Only this module makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct SafeHtml(String);

impl SafeHtml {
    /// Whether nothing is to be shown.
    pub(in crate::web) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for SafeHtml {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the attachments of a text are served; without it there are none.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Places {
    /// The address that an attachment's number is put behind, base path included.
    pub(in crate::web) attachments: Option<String>,
}

impl Places {
    fn resolve(&self, address: &str) -> Option<String> {
        let number = address.strip_prefix(ATTACHMENT)?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let folder = self.attachments.as_ref().filter(|_| is_number)?;
        Some(format!("{folder}/{number}"))
    }
}

/// The markup of a text; headings begin one level below the page's own.
pub(in crate::web) fn to_html(text: &str, places: &Places) -> SafeHtml {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut images = Images::default();
    let events = Parser::new_ext(text, options)
        .flat_map(|event| images.told(event, places))
        .map(|event| tamed(event, places));
    let mut markup = String::with_capacity(text.len() * 2);
    html::push_html(&mut markup, events);
    SafeHtml(POLICY.clean(&markup).to_string())
}

/// The images that are being read, and what stands in place of them.
#[derive(Debug, Default)]
struct Images {
    open: Vec<Image>,
    links: usize,
}

#[derive(Debug)]
enum Image {
    /// An attachment, to be shown.
    Shown,
    /// Only what it says of itself.
    Words,
    /// A link to this address, and whether anything has been said in it.
    Link(String, bool),
}

impl Images {
    fn told<'a>(&mut self, event: Event<'a>, places: &Places) -> Vec<Event<'a>> {
        match event {
            Event::Start(Tag::Image { ref dest_url, .. }) => {
                let image = self.read(dest_url, places);
                let start = match &image {
                    Image::Shown => Some(event),
                    Image::Words => None,
                    Image::Link(address, _) => Some(Event::Start(Tag::Link {
                        link_type: LinkType::Inline,
                        dest_url: address.clone().into(),
                        title: CowStr::Borrowed(""),
                        id: CowStr::Borrowed(""),
                    })),
                };
                self.open.push(image);
                start.into_iter().collect()
            }
            Event::End(TagEnd::Image) => match self.open.pop() {
                Some(Image::Link(address, is_said)) => {
                    let said = (!is_said).then(|| Event::Text(address.into()));
                    said.into_iter().chain([Event::End(TagEnd::Link)]).collect()
                }
                Some(Image::Words) => Vec::new(),
                _ => vec![event],
            },
            Event::Start(Tag::Link { .. }) => {
                self.links += 1;
                vec![event]
            }
            Event::End(TagEnd::Link) => {
                self.links = self.links.saturating_sub(1);
                vec![event]
            }
            other => {
                if let Some(Image::Link(_, is_said)) = self.open.last_mut() {
                    *is_said = true;
                }
                vec![other]
            }
        }
    }

    /// A link cannot stand in a link, nor in an image.
    fn read(&self, address: &str, places: &Places) -> Image {
        let is_of_the_web = ["http://", "https://"]
            .iter()
            .any(|s| address.starts_with(s));
        if places.resolve(address).is_some() {
            Image::Shown
        } else if is_of_the_web && self.links == 0 && self.open.is_empty() {
            Image::Link(address.to_owned(), false)
        } else {
            Image::Words
        }
    }
}

fn tamed<'a>(event: Event<'a>, places: &Places) -> Event<'a> {
    match event {
        Event::Html(raw) | Event::InlineHtml(raw) => Event::Text(raw),
        Event::Start(Tag::HtmlBlock) => Event::Start(Tag::Paragraph),
        Event::End(TagEnd::HtmlBlock) => Event::End(TagEnd::Paragraph),
        Event::TaskListMarker(done) => Event::Text(if done { "☑ " } else { "☐ " }.into()),
        Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
            level: below(level),
            id: None,
            classes: Vec::new(),
            attrs: Vec::new(),
        }),
        Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(below(level))),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: place(dest_url, places),
            title,
            id,
        }),
        Event::Start(Tag::Image {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Image {
            link_type,
            dest_url: places
                .resolve(&dest_url)
                .map_or(CowStr::Borrowed(""), CowStr::from),
            title,
            id,
        }),
        other => other,
    }
}

fn place<'a>(address: CowStr<'a>, places: &Places) -> CowStr<'a> {
    places.resolve(&address).map_or(address, CowStr::from)
}

fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 => HeadingLevel::H2,
        HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        _ => HeadingLevel::H6,
    }
}

/// What may be in a text. Nothing here has an id, a class or a style of its own, but for the language of code.
static POLICY: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut policy = Builder::empty();
    policy
        .tags(HashSet::from([
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "strong",
            "table",
            "tbody",
            "td",
            "th",
            "thead",
            "tr",
            "ul",
        ]))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href", "title"])),
            ("img", HashSet::from(["src", "alt", "title"])),
            ("ol", HashSet::from(["start"])),
        ]))
        // what may be wider than the page scrolls, and has to be reached with the keyboard
        .set_tag_attribute_value("pre", "tabindex", "0")
        .set_tag_attribute_value("table", "tabindex", "0")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::PassThrough)
        .attribute_filter(|_, attribute, value| {
            let is_nothing = attribute == "src" && value.is_empty();
            (!is_nothing).then(|| value.into())
        })
        .link_rel(Some("noopener noreferrer nofollow"));
    policy
});

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        let places = Places {
            attachments: Some("/base/documents/5/files".to_owned()),
        };
        to_html(text, &places).to_string()
    }

    #[test]
    fn what_people_write_looks_as_they_mean_it() {
        let text = "# Title\n\nSome **bold**, `code` and [a link](https://x.example/?a=1&b=2 \"t\").\n\n\
                    | a | b |\n|---|---|\n| 1 | ~~2~~ |\n\n- [x] done\n\n```\nlong\n```\n\n![shot](attachment:12)\n\n[file](attachment:13)";
        let made = html(text);
        for part in [
            "<h2>Title</h2>",
            "<strong>bold</strong>",
            "<code>code</code>",
            "href=\"https://x.example/?a=1&amp;b=2\"",
            "rel=\"noopener noreferrer nofollow\"",
            "<td><del>2</del></td>",
            "<table tabindex=\"0\">",
            "<pre tabindex=\"0\">",
            "☑ done",
            "src=\"/base/documents/5/files/12\" alt=\"shot\"",
            "href=\"/base/documents/5/files/13\"",
        ] {
            assert!(made.contains(part), "{part}: {made}");
        }
    }

    #[test]
    fn an_image_from_elsewhere_is_a_link() {
        for (text, made) in [
            (
                "![a **chart**](https://x.example/a.png)",
                "<a href=\"https://x.example/a.png\" rel=\"noopener noreferrer nofollow\">a <strong>chart</strong></a>",
            ),
            (
                "![](https://x.example/a.png)",
                "rel=\"noopener noreferrer nofollow\">https://x.example/a.png</a>",
            ),
            (
                "[![badge](https://x.example/b.svg)](https://y.example/)",
                "<a href=\"https://y.example/\" rel=\"noopener noreferrer nofollow\">badge</a>",
            ),
            ("![one](data:image/png;base64,AAAA)", "<p>one</p>"),
            ("![one](attachment:x)", "<p>one</p>"),
        ] {
            let html = html(text);
            assert!(html.contains(made) && !html.contains("<img"), "{html}");
        }
    }

    #[test]
    fn nothing_that_could_act_comes_through() {
        let hostile = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "<svg/onload=alert(1)>",
            "<iframe src=\"https://evil.example\"></iframe>",
            "<a href=\"javascript:alert(1)\">x</a>",
            "<style>*{display:none}</style>",
            "<form action=/logout method=post><button>x</button></form>",
            "<div style=\"position:fixed\">x</div>",
            "<math><mtext></p><script>alert(1)</script>",
            "<!--><script>alert(1)</script>-->",
            "[x](javascript:alert(1))",
            "[x](JaVaScRiPt:alert(1))",
            "[x](&#106;avascript:alert(1))",
            "[x](java\nscript:alert(1))",
            "[x](data:text/html;base64,PHNjcmlwdD4=)",
            "[x](vbscript:msgbox(1))",
            "[x]: javascript:alert(1)\n\n[x]",
            "<javascript:alert(1)>",
            "![x](javascript:alert(1))",
            "![x](https://evil.example/pixel.gif)",
            "![x](data:image/svg+xml;base64,PHN2Zz4=)",
            "![x](attachment:1/../../logout)",
            "![x](attachment:-1)",
            "![\"><script>alert(1)</script>](attachment:1)",
            "[x](https://x.example \"\\\" onmouseover=\\\"alert(1)\")",
            "```html\n</code></pre><script>alert(1)</script>\n```",
            "```\"><script>\nx\n```",
            "# x {#id .class onclick=alert(1)}",
            "| <script> |\n|---|\n| <img src=x onerror=alert(1)> |",
        ];
        for text in hostile {
            let made = html(text);
            let document = scraper::Html::parse_fragment(&made);
            for node in document.tree.values() {
                let Some(element) = node.as_element() else {
                    continue;
                };
                let name = element.name();
                assert!(
                    ["html", "body"].contains(&name) || POLICY.clone_tags().contains(name),
                    "{text}: {name}: {made}"
                );
                for (attribute, value) in element.attrs() {
                    let fine = match attribute {
                        "href" => ["http://", "https://", "mailto:", "/base/"]
                            .iter()
                            .any(|start| value.starts_with(start)),
                        "src" => value.starts_with("/base/documents/5/files/"),
                        "alt" | "title" | "rel" | "start" => true,
                        "tabindex" => value == "0",
                        _ => false,
                    };
                    assert!(fine, "{text}: {attribute}={value}: {made}");
                }
            }
            assert!(!made.contains("logout\""), "{made}");
        }
    }

    #[test]
    fn long_and_deep_texts_end() {
        let deep = "> ".repeat(5_000) + "x";
        assert!(html(&deep).contains('x'));
        let brackets = "[".repeat(20_000);
        assert!(html(&brackets).contains('['));
    }
}
