//! What files may be attached to a document, and how they are served: as what they are, or not at all.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use super::encode_query;

/// Most characters of a name.
const LONGEST: usize = 100;
/// What a served file may do: nothing.
const POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// A kind of file: the endings of its names, what it is served as, and how it begins.
pub(in crate::web) struct Kind {
    endings: &'static [&'static str],
    content_type: &'static str,
    /// Shown in the page instead of being downloaded.
    pub(in crate::web) is_image: bool,
    begins: Begins,
}

enum Begins {
    With(&'static [&'static [u8]]),
    /// `RIFF`, a length, and this.
    Riff(&'static [u8]),
    /// Text in UTF-8.
    Text,
}

const ZIP: Begins = Begins::With(&[b"PK\x03\x04", b"PK\x05\x06"]);
const TEXT: &str = "text/plain; charset=utf-8";
const BYTES: &str = "application/octet-stream";

const fn kind(
    endings: &'static [&'static str],
    content_type: &'static str,
    is_image: bool,
    begins: Begins,
) -> Kind {
    Kind {
        endings,
        content_type,
        is_image,
        begins,
    }
}

/// All that is taken. Nothing that a browser would run: no HTML, no SVG, no script.
static KINDS: [Kind; 11] = [
    kind(
        &["png"],
        "image/png",
        true,
        Begins::With(&[b"\x89PNG\r\n\x1a\n"]),
    ),
    kind(
        &["jpg", "jpeg"],
        "image/jpeg",
        true,
        Begins::With(&[b"\xff\xd8\xff"]),
    ),
    kind(
        &["gif"],
        "image/gif",
        true,
        Begins::With(&[b"GIF87a", b"GIF89a"]),
    ),
    kind(&["webp"], "image/webp", true, Begins::Riff(b"WEBP")),
    kind(
        &["pdf"],
        "application/pdf",
        false,
        Begins::With(&[b"%PDF-"]),
    ),
    kind(
        &["docx"],
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        false,
        ZIP,
    ),
    kind(
        &["xlsx"],
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        false,
        ZIP,
    ),
    kind(
        &["pptx"],
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        false,
        ZIP,
    ),
    kind(&["zip"], "application/zip", false, ZIP),
    kind(&["txt", "md", "csv", "log"], TEXT, false, Begins::Text),
    kind(&["json", "toml", "yaml", "yml"], TEXT, false, Begins::Text),
];

/// The endings that are taken, for people.
pub(in crate::web) fn endings() -> Vec<&'static str> {
    KINDS
        .iter()
        .flat_map(|kind| kind.endings)
        .copied()
        .collect()
}

impl Kind {
    /// The kind of a stored file; none where this version knows it no more.
    pub(in crate::web) fn of(ending: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.endings.contains(&ending))
    }

    fn fits(&self, content: &[u8]) -> bool {
        match &self.begins {
            Begins::With(starts) => starts.iter().any(|start| content.starts_with(start)),
            Begins::Riff(what) => content.starts_with(b"RIFF") && content.get(8..12) == Some(what),
            Begins::Text => std::str::from_utf8(content).is_ok_and(|text| !text.contains('\0')),
        }
    }
}

/// Why a file is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::web) enum Refused {
    /// Its name ends in something else.
    Ending,
    /// It is not what its name says.
    Content,
    /// There is nothing in it.
    Empty,
}

/// The safe name of a file and its ending, where it is one that is taken.
pub(in crate::web) fn check(name: &str, content: &[u8]) -> Result<(String, String), Refused> {
    let name = safe_name(name);
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let ending = ending.to_ascii_lowercase();
    let kind = Kind::of(&ending).ok_or(Refused::Ending)?;
    if content.is_empty() {
        return Err(Refused::Empty);
    }
    if kind.fits(content) {
        Ok((name, ending))
    } else {
        Err(Refused::Content)
    }
}

/// The last part of a path in one line, without what a file system or a header gives a meaning to.
fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last.chars().map(|c| {
        // Marks that turn the direction of writing make `exe` look like `png`.
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || is_hidden || "\"<>|?*:;%".contains(c) {
            '_'
        } else {
            c
        }
    });
    let kept: String = kept.collect();
    let kept = kept.trim_matches(['.', ' ']);
    let excess = kept.chars().count().saturating_sub(LONGEST);
    // The end of a name says what it is.
    kept.chars().skip(excess).collect()
}

/// The file as an answer: an image to look at, anything else to save.
pub(in crate::web) fn serve(name: &str, ending: &str, content: Vec<u8>) -> HttpResponse {
    let kind = Kind::of(ending);
    let content_type = kind.map_or(BYTES, |kind| kind.content_type);
    let how = if kind.is_some_and(|kind| kind.is_image) {
        "inline"
    } else {
        "attachment"
    };
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_ ()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = encode_query(name);
    let disposition = format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}");
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        .body(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_paths_and_their_tricks() {
        for (given, safe) in [
            ("../../etc/passwd.txt", "passwd.txt"),
            ("C:\\Windows\\evil.png", "evil.png"),
            ("a\r\nset-cookie: x.png", "a__set-cookie_ x.png"),
            ("\u{202e}gnp.exe.txt", "_gnp.exe.txt"),
            ("..", ""),
            ("\"><script>.md", "___script_.md"),
            ("报告.pdf", "报告.pdf"),
        ] {
            assert_eq!(safe_name(given), safe, "{given}");
        }
        let long = format!("{}.png", "x".repeat(500));
        let shortened = safe_name(&long);
        assert_eq!(
            (shortened.len(), shortened.rsplit('.').next()),
            (LONGEST, Some("png"))
        );
    }

    #[test]
    fn a_file_is_what_its_name_says_or_is_not_taken() {
        let png = b"\x89PNG\r\n\x1a\nrest";
        assert_eq!(check("a.PNG", png), Ok(("a.PNG".into(), "png".into())));
        assert_eq!(check("a.jpg", png), Err(Refused::Content));
        assert_eq!(check("a.txt", b"\xff\xfe"), Err(Refused::Content));
        assert_eq!(check("a.txt", b""), Err(Refused::Empty));
        assert_eq!(
            check("a.webp", b"RIFF\0\0\0\0WEBPx"),
            Ok(("a.webp".into(), "webp".into()))
        );
        for name in [
            "a.svg",
            "a.html",
            "a.htm",
            "a.xhtml",
            "a.js",
            "a.exe",
            "png",
            "",
            ".png.",
            "a.png\0.html",
        ] {
            assert_eq!(check(name, png), Err(Refused::Ending), "{name}");
        }
    }

    #[test]
    fn only_images_are_shown_and_nothing_may_run() {
        let header = |name: &str, ending: &str, which| {
            let answer = serve(name, ending, b"x".to_vec());
            answer
                .headers()
                .get(which)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert!(header("a.png", "png", "content-disposition").starts_with("inline;"));
        for ending in ["pdf", "txt", "gone"] {
            assert!(header("a", ending, "content-disposition").starts_with("attachment;"));
            assert!(header("a", ending, "content-security-policy").contains("sandbox"));
        }
        let named = header("报 告.pdf", "pdf", "content-disposition");
        assert!(
            named.contains("filename*=UTF-8''%E6%8A%A5%20%E5%91%8A.pdf"),
            "{named}"
        );
    }
}
