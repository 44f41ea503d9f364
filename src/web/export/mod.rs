//! Rows as a file to take away: CSV for spreadsheets, JSON lines for programs. Read in batches and sent as they are
//! read, so that a file of any length takes the memory of one batch.

mod calls;
mod cells;
mod days;

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::Bytes;
use chrono_tz::Tz;
use futures_util::{Stream, StreamExt as _, stream};
use modelgate_store::StoreError;

pub(in crate::web) use calls::{Reader, calls};
pub(in crate::web) use cells::{Cells, Format};
pub(in crate::web) use days::days;

use crate::i18n::format;
use crate::web::error::PageError;

/// What is taken away, and as what.
pub(in crate::web) struct File {
    pub(in crate::web) format: Format,
    /// What its name says it holds: `calls`.
    pub(in crate::web) what: &'static str,
    /// The time it is about, epoch milliseconds; open where it has no bound.
    pub(in crate::web) from_ms: Option<i64>,
    pub(in crate::web) to_ms: i64,
    /// In whose days the name gives that time.
    pub(in crate::web) zone: Tz,
}

impl File {
    /// `modelgate-calls-2026-11-20-2026-11-21.csv`
    fn name(&self) -> String {
        let day = |ms: i64| format::field_date(ms, self.zone);
        let from = self.from_ms.map(|ms| format!("-{}", day(ms)));
        format!(
            "modelgate-{}{}-{}.{}",
            self.what,
            from.unwrap_or_default(),
            day(self.to_ms),
            self.format.as_str()
        )
    }

    /// Sends batches of rows. `names` are the columns, for a file without rows has them too.
    ///
    /// What cannot be read breaks the file off: a cut transfer is seen, a short file is not.
    pub(in crate::web) fn send(
        &self,
        names: &[&'static str],
        batches: impl Stream<Item = Result<Vec<Cells>, StoreError>> + 'static,
    ) -> HttpResponse {
        let format = self.format;
        let rows = batches.map(move |batch| match batch {
            Ok(rows) => Ok(format.rows(&rows)),
            Err(error) => {
                tracing::error!(%error, "an export broke off");
                Err(actix_web::Error::from(PageError::from(error)))
            }
        });
        let all = stream::iter([Ok(format.head(names))]).chain(rows);
        // An empty chunk would end the body.
        let all = all.filter(|part| {
            let is_some = part.as_ref().map_or(true, |text| !text.is_empty());
            std::future::ready(is_some)
        });
        HttpResponse::Ok()
            .content_type(format.content_type())
            .insert_header((
                CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}\"", self.name()),
            ))
            // nginx would gather the file first otherwise.
            .insert_header(("x-accel-buffering", "no"))
            .streaming(all.map(|part| part.map(Bytes::from)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_holds_and_of_when() {
        let file = File {
            format: Format::Csv,
            what: "calls",
            from_ms: Some(1_795_130_000_000),
            to_ms: 1_795_214_489_000,
            zone: chrono_tz::Asia::Shanghai,
        };
        assert_eq!(file.name(), "modelgate-calls-2026-11-20-2026-11-21.csv");
        let open = File {
            from_ms: None,
            format: Format::Jsonl,
            ..file
        };
        assert_eq!(open.name(), "modelgate-calls-2026-11-21.jsonl");
    }
}
