//! Addresses made from what people send: query values, and where to go back to.

use std::fmt::Write as _;

/// A text as the value of a query parameter.
pub fn encode_query(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A path of this site, below the base path, or `fallback`: never another origin.
pub fn local_path(text: &str, fallback: &str) -> String {
    let is_local = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= 2_000
        && !text.contains('\\')
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    if is_local { text } else { fallback }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_paths_are_gone_back_to() {
        assert_eq!(
            local_path("/admin/logs?status=error", "/"),
            "/admin/logs?status=error"
        );
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/a\r\nb",
            "",
            "admin",
        ] {
            assert_eq!(local_path(bad, "/admin/home"), "/admin/home", "{bad}");
        }
    }

    #[test]
    fn query_values_are_encoded() {
        assert_eq!(encode_query("/a?b=c&d 中"), "/a%3Fb%3Dc%26d%20%E4%B8%AD");
    }
}
