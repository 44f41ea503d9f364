//! Notices and announcements as pages show them, and whose they are.

use modelgate_domain::{Permission, Severity};
use modelgate_store::announcements::{self, Announcement};
use modelgate_store::notices::{self, Notice, Reader};
use modelgate_store::{Conn, StoreError};
use serde::{Deserialize, Serialize};

use super::markdown::{self, Places, SafeHtml};
use super::page::Holder;
use super::session::{CurrentKey, CurrentUser};
use super::shell::{Moment, Shell};
use crate::catalog::Catalog;
use crate::i18n::{Lang, ToArg};
use crate::notices::Kind;

/// What waits for the person, read with the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::web) struct Waiting {
    /// Unread notices of those who run the gateway; 0 for others.
    pub(in crate::web) unread: i64,
    /// Unread notices of the person's own.
    pub(in crate::web) own: i64,
    /// What is announced and not put away.
    pub(in crate::web) announced: Vec<Announced>,
}

/// An announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::web) struct Announced {
    id: i64,
    severity: String,
    text_en: String,
    text_zh: String,
}

impl Waiting {
    /// What waits for an account.
    pub(in crate::web) async fn for_user(
        c: &mut Conn,
        user: &CurrentUser,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, StoreError> {
        let reader = Reader::User(user.id);
        let unread = if user.role.may(Permission::Look) {
            notices::count_unread(c, &[Reader::Operators], reader).await?
        } else {
            0
        };
        Self::with(c, unread, reader, now).await
    }

    /// What waits for whoever is logged in with a key.
    pub(in crate::web) async fn for_key(
        c: &mut Conn,
        key: &CurrentKey,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, StoreError> {
        Self::with(c, 0, Reader::Key(key.id), now).await
    }

    async fn with(
        c: &mut Conn,
        unread: i64,
        reader: Reader,
        now: chrono::DateTime<chrono::Utc>,
    ) -> Result<Self, StoreError> {
        let own = notices::count_unread(c, &[reader], reader).await?;
        let rows = announcements::present(c, reader, now).await?;
        let announced = rows.into_iter().map(|row| Announced {
            id: row.id,
            severity: row.severity.to_string(),
            text_en: row.text_en,
            text_zh: row.text_zh,
        });
        Ok(Self {
            unread,
            own,
            announced: announced.collect(),
        })
    }
}

/// An announcement on a page of the portal.
#[derive(Clone, Debug)]
pub struct Banner {
    /// The row.
    pub id: i64,
    /// `info`, `warning` or `danger`.
    pub kind: &'static str,
    pub(in crate::web) html: SafeHtml,
}

impl Announced {
    pub(in crate::web) fn banner(&self, lang: Lang) -> Banner {
        Banner {
            id: self.id,
            kind: kind(self.severity.parse().unwrap_or_default()),
            html: html(lang, &self.text_en, &self.text_zh),
        }
    }
}

/// The text of an announcement in the reader's language, or in the other one.
pub(in crate::web) fn html(lang: Lang, text_en: &str, text_zh: &str) -> SafeHtml {
    let (own, other) = match lang {
        Lang::En => (text_en, text_zh),
        Lang::Zh => (text_zh, text_en),
    };
    let text = if own.trim().is_empty() { other } else { own };
    markdown::to_html(text, &Places::default())
}

/// The colour of a severity.
pub(in crate::web) fn kind(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Danger => "danger",
    }
}

/// A notice in a list.
pub(in crate::web) struct Row {
    pub(in crate::web) id: i64,
    pub(in crate::web) kind: &'static str,
    pub(in crate::web) severity: String,
    pub(in crate::web) text: String,
    /// How often; empty for once.
    pub(in crate::web) times: String,
    pub(in crate::web) last: Moment,
    pub(in crate::web) is_read: bool,
    /// The page that shows more of it; empty where there is none.
    pub(in crate::web) href: String,
}

/// A notice in the reader's language.
pub(in crate::web) fn row(page: &Shell, notice: &Notice, is_read: bool) -> Row {
    let severity = notice.severity;
    Row {
        id: notice.id,
        kind: kind(severity),
        severity: page.t_code("notices-severity-", severity.as_str()),
        text: text(page, notice),
        times: match notice.times {
            1 => String::new(),
            times => page.counted("notices-times", times),
        },
        last: page.moment(notice.last_ms),
        is_read,
        href: href(page, notice),
    }
}

/// Where more about a notice is, if anywhere.
fn href(page: &Shell, notice: &Notice) -> String {
    match notice.args.get("job") {
        Some(job) => page.url(&format!("/admin/scheduler/{job}")),
        None if notice.kind == Kind::ReportMade.code() => page.url("/admin/reports"),
        None => String::new(),
    }
}

/// The sentence of a notice; a kind that this version does not know is shown as its code.
fn text(page: &Shell, notice: &Notice) -> String {
    let values: Vec<(&str, String)> = notice
        .args
        .iter()
        .map(|(name, value)| {
            let told = match name.as_str() {
                "end" => value
                    .parse()
                    .map_or_else(|_bad| value.clone(), |at_ms: i64| page.moment(at_ms).short),
                "scope" => page.t_code("notices-scope-", value),
                "job" => page.t_code("job-name-", value),
                _ => value.clone(),
            };
            (name.as_str(), told)
        })
        .collect();
    let args: Vec<(&str, &dyn ToArg)> = values
        .iter()
        .map(|(name, value)| (*name, value as &dyn ToArg))
        .collect();
    let key = format!("notices-kind-{}", notice.kind.replace('_', "-"));
    crate::i18n::find(page.lang, &key, &args).unwrap_or_else(|| notice.kind.clone())
}

/// Whose notices a holder sees, and as whom they read them.
pub(in crate::web) fn boxes(holder: &Holder, catalog: &Catalog) -> (Vec<Reader>, Reader) {
    match holder {
        Holder::Key(key) => (vec![Reader::Key(key.id)], Reader::Key(key.id)),
        Holder::Account(user) => {
            let reader = Reader::User(user.id);
            let own = catalog.keys.values().filter(|key| key.user_id == user.id);
            let keys = own.map(|key| Reader::Key(key.id));
            (std::iter::once(reader).chain(keys).collect(), reader)
        }
    }
}

/// The state of an announcement at a moment.
pub(in crate::web) fn state_of(
    row: &Announcement,
    now: chrono::DateTime<chrono::Utc>,
) -> &'static str {
    if row.ends_at.is_some_and(|end| end <= now) {
        "over"
    } else if row.starts_at > now {
        "planned"
    } else {
        "shown"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use modelgate_store::notices::Args;

    #[test]
    fn every_kind_has_its_sentence_in_every_language() {
        for lang in Lang::ALL {
            let page = Shell::sample(lang);
            for kind in Kind::ALL {
                let names = [
                    "provider",
                    "credential",
                    "model",
                    "used",
                    "limit",
                    "name",
                    "key",
                    "version",
                    "count",
                    "account",
                    "address",
                    "detail",
                    "from",
                    "to",
                ];
                let mut args: Args = names
                    .iter()
                    .map(|name| ((*name).to_owned(), "<script>".to_owned()))
                    .collect();
                args.insert("scope".to_owned(), "api_key".to_owned());
                args.insert("job".to_owned(), "retention".to_owned());
                args.insert("end".to_owned(), "1795214489000".to_owned());
                let notice = Notice {
                    id: 1,
                    kind: kind.code().to_owned(),
                    severity: kind.severity(),
                    args,
                    first_ms: 0,
                    last_ms: 0,
                    times: 2,
                };
                let shown = row(&page, &notice, false);
                assert_ne!(shown.text, kind.code());
                assert!(!shown.text.contains('{'), "{}", shown.text);
                assert!(shown.href.ends_with("/admin/scheduler/retention"));
            }
        }
    }
}
