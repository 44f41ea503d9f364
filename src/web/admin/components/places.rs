//! What the fields of forms and of the audit log are called: one dictionary of words for both.

use crate::web::shell::Shell;

/// What a way to a value is called, `limits 2 amount` or, as the fields of rows are named, `limit-1-amount`.
pub(in crate::web::admin) fn told<'a>(page: &Shell, way: impl Iterator<Item = &'a str>) -> String {
    let words = way.filter(|word| !word.is_empty()).map(|word| {
        if word.bytes().all(|b| b.is_ascii_digit()) {
            word.to_owned()
        } else {
            page.t_code("field-", word)
        }
    });
    words.collect::<Vec<_>>().join(" › ")
}

/// What a field of a form is called; rows are counted from one.
pub(in crate::web::admin) fn of_field(page: &Shell, name: &str) -> String {
    let counted: Vec<String> = name
        .split('-')
        .map(|word| {
            let row = word.parse::<usize>();
            row.map_or_else(|_word| word.to_owned(), |row| (row + 1).to_string())
        })
        .collect();
    told(page, counted.iter().map(String::as_str))
}

/// A value as people read it: what is ticked or true says so.
pub(in crate::web::admin) fn value(page: &Shell, value: &str) -> String {
    match value {
        "true" | "on" => page.t("state-yes"),
        "false" => page.t("state-no"),
        text => text.to_owned(),
    }
}
