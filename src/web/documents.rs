//! Documents as readers see them: which ones, in which language, with which files.

use actix_web::{HttpResponse, web};
use modelgate_domain::Audience;
use modelgate_store::documents::{self, Attachment, Document, Heading};
use modelgate_store::{Conn, StoreError};
use serde::Deserialize;

use super::attached;
use super::error::PageError;
use super::markdown::{self, Places, SafeHtml};
use super::page::{Page, PageResult, Visitor};
use super::shell::{Moment, Shell};
use super::state::WebState;
use crate::i18n::{Lang, format};

/// What is looked for in a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(in crate::web) struct Query {
    /// A part of the title.
    #[serde(default)]
    pub(in crate::web) q: String,
}

/// The documents of one category.
pub(in crate::web) struct Group {
    /// Empty for those without one.
    pub(in crate::web) category: String,
    pub(in crate::web) cards: Vec<Card>,
}

/// A document in a list.
pub(in crate::web) struct Card {
    pub(in crate::web) href: String,
    pub(in crate::web) title: String,
    pub(in crate::web) changed: Moment,
}

/// A document that is read.
pub(in crate::web) struct Reading {
    pub(in crate::web) title: String,
    pub(in crate::web) category: String,
    pub(in crate::web) html: SafeHtml,
    /// In a language that is not the reader's; empty where it is in theirs.
    pub(in crate::web) only_in: &'static str,
    pub(in crate::web) lang: Lang,
    pub(in crate::web) changed: Moment,
    pub(in crate::web) files: Vec<FileRow>,
}

/// A file of a document.
pub(in crate::web) struct FileRow {
    pub(in crate::web) id: i64,
    pub(in crate::web) href: String,
    pub(in crate::web) name: String,
    pub(in crate::web) size: String,
    pub(in crate::web) is_image: bool,
}

impl FileRow {
    /// What shows an image in the text, or links to a file.
    pub(in crate::web) fn snippet(&self) -> String {
        let mark = if self.is_image { "!" } else { "" };
        let name: String = self
            .name
            .chars()
            .filter(|c| !"[]\\`".contains(*c))
            .collect();
        format!("{mark}[{name}](attachment:{})", self.id)
    }
}

/// Whether the person may read it: drafts are for those who may look around the console.
pub(in crate::web) fn may_read(page: &Shell, heading: &Heading) -> bool {
    page.may_look()
        || heading.published
            && match heading.audience {
                Audience::Everyone => true,
                Audience::Holders => page.user.is_some() || page.key.is_some(),
                Audience::Admins => false,
            }
}

/// The title in the reader's language, or in the other one.
pub(in crate::web) fn title(lang: Lang, heading: &Heading) -> &str {
    let (own, other) = match lang {
        Lang::En => (&heading.title_en, &heading.title_zh),
        Lang::Zh => (&heading.title_zh, &heading.title_en),
    };
    if own.is_empty() { other } else { own }
}

/// Where the files of a document are served.
pub(in crate::web) fn places(page: &Shell, id: i64) -> Places {
    Places {
        attachments: Some(page.url(&format!("/documents/{id}/files"))),
    }
}

/// The published documents that `fits` lets through and whose title has what is looked for, by category.
pub(in crate::web) async fn groups(
    page: &Shell,
    state: &WebState,
    (path, sought): (&str, &str),
    fits: impl Fn(&Heading) -> bool,
) -> Result<Vec<Group>, PageError> {
    let all = state.db.read(|c| Box::pin(documents::list(c))).await?;
    let sought = sought.trim().to_lowercase();
    let mut groups: Vec<Group> = Vec::new();
    for heading in all.iter().filter(|h| h.published && fits(h)) {
        let title = title(page.lang, heading);
        if !title.to_lowercase().contains(&sought) {
            continue;
        }
        let card = Card {
            href: page.url(&format!("{path}/{}", heading.id)),
            title: title.to_owned(),
            changed: page.moment(heading.updated_at.timestamp_millis()),
        };
        match groups.last_mut() {
            Some(group) if group.category == heading.category => group.cards.push(card),
            _ => groups.push(Group {
                category: heading.category.clone(),
                cards: vec![card],
            }),
        }
    }
    Ok(groups)
}

/// One document for somebody who may read it; to others it does not exist.
pub(in crate::web) async fn read(
    page: &Shell,
    state: &WebState,
    id: i64,
) -> Result<Reading, PageError> {
    let found = state
        .db
        .read(move |c| Box::pin(async move { load(c, id).await }))
        .await?;
    let (document, files) = found
        .filter(|(document, _)| may_read(page, &document.heading))
        .ok_or(PageError::NotFound)?;
    Ok(reading(page, &document, &files))
}

async fn load(c: &mut Conn, id: i64) -> Result<Option<(Document, Vec<Attachment>)>, StoreError> {
    let Some(document) = documents::find(c, id).await? else {
        return Ok(None);
    };
    let files = documents::attachments(c, id).await?;
    Ok(Some((document, files)))
}

fn reading(page: &Shell, document: &Document, files: &[Attachment]) -> Reading {
    let heading = &document.heading;
    let (own, other, other_lang) = match page.lang {
        Lang::En => (&document.body_en, &document.body_zh, Lang::Zh),
        Lang::Zh => (&document.body_zh, &document.body_en, Lang::En),
    };
    let is_own = !own.trim().is_empty() || other.trim().is_empty();
    let places = places(page, heading.id);
    Reading {
        title: title(page.lang, heading).to_owned(),
        category: heading.category.clone(),
        html: markdown::to_html(if is_own { own } else { other }, &places),
        only_in: if is_own { "" } else { other_lang.own_name() },
        lang: if is_own { page.lang } else { other_lang },
        changed: page.moment(heading.updated_at.timestamp_millis()),
        files: files.iter().map(|file| file_row(page, file)).collect(),
    }
}

/// A file as a list shows it.
pub(in crate::web) fn file_row(page: &Shell, file: &Attachment) -> FileRow {
    let path = format!("/documents/{}/files/{}", file.document_id, file.id);
    FileRow {
        id: file.id,
        href: page.url(&path),
        name: file.name.clone(),
        size: format::bytes(file.size_bytes),
        is_image: attached::Kind::of(&file.kind).is_some_and(|kind| kind.is_image),
    }
}

/// `GET /documents/{id}/files/{file}`: for whoever may read the document.
pub(in crate::web) async fn file(
    page: Page<Visitor>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
) -> PageResult {
    let (document, file) = *ids;
    let found = state
        .db
        .read(move |c| {
            Box::pin(async move {
                let document = documents::find(c, document).await?;
                let Some(heading) = document.map(|document| document.heading) else {
                    return Ok::<_, StoreError>(None);
                };
                let file = documents::find_attachment(c, heading.id, file).await?;
                Ok(file.map(|file| (heading, file)))
            })
        })
        .await?;
    let (_, (file, content)) = found
        .filter(|(heading, _)| may_read(&page, heading))
        .ok_or(PageError::NotFound)?;
    let answer: HttpResponse = attached::serve(&file.name, &file.kind, content);
    Ok(answer)
}
