//! Documents that operators write, and the files that belong to them.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use modelgate_domain::Audience;

use crate::columns::{At, Name, at};
use crate::conn::db;
use crate::schema::{attachments, documents};
use crate::{Conn, StoreError};

/// No list is longer.
const MOST: i64 = 1_000;

/// What a list shows of a document.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = documents)]
pub struct Heading {
    /// The row.
    pub id: i64,
    /// The title in English; may be empty.
    pub title_en: String,
    /// The title in Chinese; may be empty.
    pub title_zh: String,
    /// What it is filed under; may be empty.
    pub category: String,
    /// Its place among those of its category.
    pub position: i64,
    /// Whom it is for.
    #[diesel(deserialize_as = Name<Audience>)]
    pub audience: Audience,
    /// Whether it can be read, or is a draft.
    pub published: bool,
    /// Counts changes.
    pub version: i64,
    /// Who changed it last.
    pub updated_by: String,
    /// When.
    #[diesel(deserialize_as = At)]
    pub updated_at: DateTime<Utc>,
}

/// A document as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// All but the texts.
    pub heading: Heading,
    /// The text in English, Markdown; may be empty.
    pub body_en: String,
    /// The text in Chinese, Markdown; may be empty.
    pub body_zh: String,
}

/// What is known of a file that belongs to a document.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = attachments)]
pub struct Attachment {
    /// The row.
    pub id: i64,
    /// Which document it belongs to.
    pub document_id: i64,
    /// What it was called, made safe.
    pub name: String,
    /// Its kind, as the pages know it.
    pub kind: String,
    /// How long it is.
    pub size_bytes: i64,
    /// Who brought it.
    pub created_by: String,
    /// When.
    #[diesel(deserialize_as = At)]
    pub created_at: DateTime<Utc>,
}

/// What is written of a document.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = documents)]
struct Values<'a> {
    title_en: &'a str,
    title_zh: &'a str,
    body_en: &'a str,
    body_zh: &'a str,
    category: &'a str,
    position: i64,
    audience: &'static str,
    published: bool,
    updated_by: &'a str,
}

impl<'a> Values<'a> {
    fn of(document: &'a Document) -> Self {
        let heading = &document.heading;
        Self {
            title_en: &heading.title_en,
            title_zh: &heading.title_zh,
            body_en: &document.body_en,
            body_zh: &document.body_zh,
            category: &heading.category,
            position: heading.position,
            audience: heading.audience.as_str(),
            published: heading.published,
            updated_by: &heading.updated_by,
        }
    }
}

/// All documents in the order in which they are read: by category, place and age.
pub async fn list(c: &mut Conn) -> Result<Vec<Heading>, StoreError> {
    Ok(db!(c, |c| {
        documents::table
            .order((documents::category, documents::position, documents::id))
            .limit(MOST)
            .select(Heading::as_select())
            .load(c)
            .await
    })?)
}

/// One document.
pub async fn find(c: &mut Conn, id: i64) -> Result<Option<Document>, StoreError> {
    let row: Option<(Heading, String, String)> = db!(c, |c| {
        documents::table
            .find(id)
            .select((Heading::as_select(), documents::body_en, documents::body_zh))
            .first(c)
            .await
            .optional()
    })?;
    Ok(row.map(|(heading, body_en, body_zh)| Document {
        heading,
        body_en,
        body_zh,
    }))
}

/// Whether anybody who opens the site finds a document.
pub async fn any_for_everyone(c: &mut Conn) -> Result<bool, StoreError> {
    Ok(db!(c, |c| {
        diesel::select(diesel::dsl::exists(
            documents::table
                .filter(documents::published.eq(true))
                .filter(documents::audience.eq(Audience::Everyone.as_str())),
        ))
        .get_result(c)
        .await
    })?)
}

/// Makes a document; id and version are not looked at. Gives the row.
pub async fn insert(
    c: &mut Conn,
    document: &Document,
    now: DateTime<Utc>,
) -> Result<i64, StoreError> {
    let now = at(now);
    Ok(db!(c, |c| {
        diesel::insert_into(documents::table)
            .values((
                Values::of(document),
                documents::created_at.eq(now),
                documents::updated_at.eq(now),
            ))
            .returning(documents::id)
            .get_result(c)
            .await
    })?)
}

/// Changes everything of a document whose version is still the one that was edited, and counts it up. False where
/// somebody else was there in between, or it is gone.
pub async fn update(
    c: &mut Conn,
    document: &Document,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (now, heading) = (at(now), &document.heading);
    let rows = db!(c, |c| {
        diesel::update(documents::table.find(heading.id))
            .filter(documents::version.eq(heading.version))
            .set((
                Values::of(document),
                documents::version.eq(documents::version + 1),
                documents::updated_at.eq(now),
            ))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

/// Deletes a document with its files. False where there is no such row.
pub async fn delete(c: &mut Conn, id: i64) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(documents::table.find(id)).execute(c).await
    })?;
    Ok(rows > 0)
}

/// The files of a document, oldest first, without what is in them.
pub async fn attachments(c: &mut Conn, document: i64) -> Result<Vec<Attachment>, StoreError> {
    Ok(db!(c, |c| {
        attachments::table
            .filter(attachments::document_id.eq(document))
            .order(attachments::id)
            .limit(MOST)
            .select(Attachment::as_select())
            .load(c)
            .await
    })?)
}

/// One file of a document, with what is in it.
pub async fn find_attachment(
    c: &mut Conn,
    document: i64,
    id: i64,
) -> Result<Option<(Attachment, Vec<u8>)>, StoreError> {
    Ok(db!(c, |c| {
        attachments::table
            .find(id)
            .filter(attachments::document_id.eq(document))
            .select((Attachment::as_select(), attachments::content))
            .first(c)
            .await
            .optional()
    })?)
}

/// Keeps a file; its `id` is not looked at. Gives the row.
pub async fn insert_attachment(
    c: &mut Conn,
    attachment: &Attachment,
    content: &[u8],
) -> Result<i64, StoreError> {
    Ok(db!(c, |c| {
        diesel::insert_into(attachments::table)
            .values((
                attachments::document_id.eq(attachment.document_id),
                attachments::name.eq(&attachment.name),
                attachments::kind.eq(&attachment.kind),
                attachments::size_bytes.eq(attachment.size_bytes),
                attachments::content.eq(content),
                attachments::created_by.eq(&attachment.created_by),
                attachments::created_at.eq(at(attachment.created_at)),
            ))
            .returning(attachments::id)
            .get_result(c)
            .await
    })?)
}

/// Deletes a file of a document. False where there is no such row.
pub async fn delete_attachment(c: &mut Conn, document: i64, id: i64) -> Result<bool, StoreError> {
    let rows = db!(c, |c| {
        diesel::delete(attachments::table.find(id))
            .filter(attachments::document_id.eq(document))
            .execute(c)
            .await
    })?;
    Ok(rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::each_engine;
    use futures_util::FutureExt as _;

    fn document(title: &str) -> Document {
        Document {
            heading: Heading {
                id: 0,
                title_en: title.to_owned(),
                title_zh: String::new(),
                category: String::new(),
                position: 0,
                audience: Audience::Holders,
                published: false,
                version: 1,
                updated_by: "root".to_owned(),
                updated_at: DateTime::UNIX_EPOCH,
            },
            body_en: "text".to_owned(),
            body_zh: "文".to_owned(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_second_of_two_editors_is_told_and_files_go_with_their_document() {
        each_engine(async |db| {
            db.write::<_, StoreError, _>(|c| {
                async move {
                    let now = DateTime::UNIX_EPOCH;
                    let id = insert(c, &document("one"), now).await?;
                    let other = insert(c, &document("two"), now).await?;
                    let mut edited = find(c, id).await?.unwrap();
                    edited.heading.audience = Audience::Everyone;
                    assert!(!any_for_everyone(c).await?);
                    edited.heading.published = true;
                    assert!(update(c, &edited, now).await?);
                    assert!(!update(c, &edited, now).await?, "the version moved on");
                    assert!(any_for_everyone(c).await?);
                    let found = find(c, id).await?.unwrap();
                    assert_eq!((found.heading.version, found.body_zh.as_str()), (2, "文"));
                    let file = Attachment {
                        id: 0,
                        document_id: id,
                        name: "a.png".to_owned(),
                        kind: "png".to_owned(),
                        size_bytes: 3,
                        created_by: "root".to_owned(),
                        created_at: now,
                    };
                    let kept = insert_attachment(c, &file, &[0, 255, 7]).await?;
                    assert!(find_attachment(c, other, kept).await?.is_none());
                    let (_, content) = find_attachment(c, id, kept).await?.unwrap();
                    assert_eq!(content, [0, 255, 7]);
                    assert!(!delete_attachment(c, other, kept).await?);
                    assert_eq!(attachments(c, id).await?.len(), 1);
                    assert!(delete(c, id).await?);
                    assert!(find_attachment(c, id, kept).await?.is_none());
                    assert_eq!(list(c).await?.len(), 1);
                    Ok(())
                }
                .boxed()
            })
            .await
            .unwrap();
        })
        .await;
    }
}
