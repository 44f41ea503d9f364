//! Texts as cells of CSV: quoted where they must be, and never the beginning of a formula.

/// Appends a text as a cell. One that a spreadsheet would take for a formula is made a text by a leading apostrophe.
pub fn cell(text: &str, out: &mut String) {
    let is_formula = text
        .trim_start_matches([' ', '\u{a0}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let is_quoted = is_formula || text.contains(['"', ',', '\r', '\n']);
    if !is_quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    if is_formula {
        out.push('\'');
    }
    for sign in text.chars() {
        if sign == '"' {
            out.push('"');
        }
        out.push(sign);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for evil in [
            "=HYPERLINK(\"http://x\")",
            "+1+1",
            "-2+3",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            " =1",
            "＝1",
        ] {
            let mut out = String::new();
            cell(evil, &mut out);
            assert!(out.starts_with("\"'") && out.ends_with('"'), "{out}");
        }
        let mut out = String::new();
        cell("a=b", &mut out);
        assert_eq!(out, "a=b");
    }
}
