//! Replacing spans of a body without touching the bytes around them.

use std::ops::Range;

/// The bytes of `span` are replaced by `with`; an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Where, in bytes of the body.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub with: &'a [u8],
}

/// The body with all edits made, in one allocation and one pass.
///
/// `edits` are ordered and do not overlap; one that breaks this, or points outside of the body, is left out.
pub fn apply(body: &[u8], edits: &[Edit<'_>]) -> Vec<u8> {
    let added: usize = edits.iter().map(|e| e.with.len()).sum();
    let mut out = Vec::with_capacity(body.len().saturating_add(added));
    let mut done = 0;
    for edit in edits {
        let Some(kept) = body.get(done..edit.span.start) else {
            continue;
        };
        if edit.span.end < edit.span.start || edit.span.end > body.len() {
            continue;
        }
        out.extend_from_slice(kept);
        out.extend_from_slice(edit.with);
        done = edit.span.end;
    }
    out.extend_from_slice(body.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(span: Range<usize>, with: &str) -> Edit<'_> {
        Edit {
            span,
            with: with.as_bytes(),
        }
    }

    #[test]
    fn only_the_spans_change() {
        let edits = [edit(0..1, "[["), edit(3..3, "+"), edit(4..6, "")];
        assert_eq!(apply(b"abcdef", &edits), b"[[bc+d");
        assert_eq!(apply(b"abc", &[]), b"abc");
    }

    #[test]
    fn nonsense_is_left_out() {
        let edits = [
            edit(2..3, "X"),
            edit(1..2, "overlaps"),
            edit(9..10, "outside"),
        ];
        assert_eq!(apply(b"abcd", &edits), b"abXd");
    }
}
