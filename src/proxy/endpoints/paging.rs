//! A part of the list of models, where the caller asks for one: Anthropic's `limit`, `after_id` and `before_id`
//! (`https://docs.anthropic.com/en/api/models-list`), Google's `pageSize` and `pageToken`
//! (`https://ai.google.dev/api/models`). Without these the list is whole.

use std::ops::Range;

use actix_web::web::Query;
use serde::Deserialize;

/// The largest part in both dialects.
const MOST: usize = 1_000;

/// What is asked for; what cannot be read is as if it were not there.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    limit: Option<String>,
    after_id: Option<String>,
    before_id: Option<String>,
    #[serde(rename = "pageSize")]
    page_size: Option<String>,
    #[serde(rename = "pageToken")]
    page_token: Option<String>,
}

impl Paging {
    /// Reads the query of the address.
    pub(super) fn read(query: &str) -> Self {
        let read = Query::<Self>::from_query(query);
        read.map(Query::into_inner).unwrap_or_default()
    }

    /// Anthropic's part, and whether there is more in the direction that was asked for.
    pub(super) fn of_messages(&self, names: &[&str]) -> (Range<usize>, bool) {
        let most = bounded(self.limit.as_deref());
        if let Some(before) = self.before_id.as_deref() {
            let end = place(names, before).unwrap_or(0);
            let start = end.saturating_sub(most);
            return (start..end, start > 0);
        }
        let part = behind(names, self.after_id.as_deref(), most);
        let more = part.end < names.len();
        (part, more)
    }

    /// Google's part, and whether there is more.
    pub(super) fn of_gemini(&self, names: &[&str]) -> (Range<usize>, bool) {
        let most = bounded(self.page_size.as_deref());
        let part = behind(names, self.page_token.as_deref(), most);
        let more = part.end < names.len();
        (part, more)
    }
}

fn bounded(number: Option<&str>) -> usize {
    let number = number.and_then(|text| text.parse::<usize>().ok());
    let number = number.filter(|number| *number > 0);
    number.map_or(usize::MAX, |number| number.min(MOST))
}

fn place(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// What follows a name; all of it where there is none, nothing where nobody knows the name.
fn behind(names: &[&str], name: Option<&str>, most: usize) -> Range<usize> {
    let start = name.filter(|name| !name.is_empty()).map_or(0, |name| {
        place(names, name).map_or(names.len(), |at| at.saturating_add(1))
    });
    start..start.saturating_add(most).min(names.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn asked(query: &str) -> Paging {
        Paging::read(query)
    }

    #[test]
    fn parts_follow_each_other_in_both_directions() {
        for (query, part, more) in [
            ("", 0..5, false),
            ("limit=2", 0..2, true),
            ("limit=2&after_id=b", 2..4, true),
            ("limit=2&after_id=d", 4..5, false),
            ("limit=2&before_id=e", 2..4, true),
            ("limit=2&before_id=c", 0..2, false),
            ("after_id=e", 5..5, false),
            ("after_id=nobody", 5..5, false),
            ("before_id=nobody", 0..0, false),
            ("limit=0", 0..5, false),
            ("limit=many&pageSize=1", 0..5, false),
        ] {
            assert_eq!(asked(query).of_messages(&NAMES), (part, more), "{query}");
        }
        for (query, part, more) in [
            ("limit=1", 0..5, false),
            ("pageSize=3", 0..3, true),
            ("pageSize=3&pageToken=c", 3..5, false),
            ("pageSize=9999999999999999999999", 0..5, false),
            ("pageToken=", 0..5, false),
        ] {
            assert_eq!(asked(query).of_gemini(&NAMES), (part, more), "{query}");
        }
    }
}
