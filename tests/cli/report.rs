//! `report`: files of what was used and of what went wrong.

use crate::installation::{fill, path};
use crate::{Place, each_engine};

each_engine!(
    what_was_used_is_written_in_every_form,
    what_went_wrong_is_written_as_text_and_as_a_document,
);

fn what_was_used_is_written_in_every_form(place: &Place) {
    let asked = |out: &'static str| {
        let days = ["--from", "2026-11-01", "--to", "2026-11-20", "--lang", "zh"];
        [&["report", "usage"][..], &days, &["--out", out]].concat()
    };
    place.refused(1, &asked("r.md"));
    fill(place, 300);
    for (out, begins) in [
        ("r.docx", "PK"),
        ("r.xlsx", "PK"),
        ("r.md", "# "),
        ("r.csv", "\u{feff}"),
    ] {
        let said = place.ok(&asked(out)).out;
        assert_eq!(said, format!("wrote {out}\n"));
        let file = std::fs::read(path(place, out)).unwrap();
        assert!(file.starts_with(begins.as_bytes()), "{out}");
    }
    let brief = [&asked("brief.md")[..], &["--template", "brief"]].concat();
    place.ok(&brief);
    let chapters = |name| {
        let text = std::fs::read_to_string(path(place, name)).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("## "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (whole, brief) = (chapters("r.md"), chapters("brief.md"));
    assert!(brief.len() > 3 && brief.len() < whole.len(), "{brief:?}");
    assert!(
        brief.iter().all(|chapter| whole.contains(chapter)),
        "{brief:?}"
    );
    let novel = [&asked("x.md")[..], &["--template", "novel"]].concat();
    let refused = place.refused(2, &novel);
    assert!(refused.contains("full, brief, people"), "{refused}");
    let refused = place.refused(2, &asked("r.pdf"));
    assert!(refused.contains(".docx, .xlsx, .md or .csv"), "{refused}");
    let nobody = [&asked("x.md")[..], &["--without", "nobody"]].concat();
    let refused = place.refused(2, &nobody);
    assert!(
        refused.contains("no API key or account nobody"),
        "{refused}"
    );
    assert!(!place.has("x.md") && !place.has("x.md.part"));
}

fn what_went_wrong_is_written_as_text_and_as_a_document(place: &Place) {
    let asked = |date, out: &'static str| ["report", "errors", "--date", date, "--out", out];
    place.refused(1, &asked("2026-11-20", "e.md"));
    fill(place, 100);
    place.ok(&asked("2026-11-20", "e.md"));
    let text = std::fs::read_to_string(path(place, "e.md")).unwrap();
    assert!(text.starts_with("# Errors of 2026-11-20"), "{text}");
    place.ok(&asked("2026-11-20", "e.docx"));
    let file = std::fs::read(path(place, "e.docx")).unwrap();
    assert!(file.starts_with(b"PK"));
    for (date, out, why) in [
        ("soon", "e.md", "such as 2026-11-20"),
        ("9999-01-01", "e.md", "not come yet"),
        ("2026-11-20", "e.pdf", ".docx or .md"),
    ] {
        let refused = place.refused(2, &asked(date, out));
        assert!(refused.contains(why), "{refused}");
    }
}
