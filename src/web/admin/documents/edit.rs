//! The form of a document: two languages, a preview, and a word to the second of two editors.

use actix_web::web;
use askama::Template;
use modelgate_domain::Audience;
use modelgate_store::changes;
use modelgate_store::documents::{self, Attachment, Document, Heading};
use serde_json::{Value, json};

use super::{PATH, audience_text};
use crate::i18n::{Lang, format};
use crate::web::admin::components::confirm;
use crate::web::admin::components::fields::{Fields, answer, change, save};
use crate::web::admin::components::removal::{Ended, Ending};
use crate::web::admin::components::version::{self, Opened};
use crate::web::attached;
use crate::web::documents::{FileRow, file_row, places, title};
use crate::web::error::PageError;
use crate::web::form::{Form, FormState};
use crate::web::markdown::{self, SafeHtml};
use crate::web::page::{Delete, Known, Look, Operate, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;

/// Longest title and name of a category.
const TITLE: usize = 200;
/// Longest text of one language, in bytes.
pub(super) const BODY_BYTES: usize = 100_000;

#[derive(Template)]
#[template(path = "admin/document.html", blocks = ["preview"])]
pub(super) struct DocumentView<'a> {
    pub(super) page: &'a Shell,
    title: String,
    state: FormState,
    audiences: Vec<(String, String)>,
    /// Where the form posts.
    at: String,
    list: String,
    is_made: bool,
    /// What the texts look like; absent until asked for.
    preview: Option<[Preview; 2]>,
    /// What somebody else has written in between.
    theirs: Option<Theirs>,
    files: Vec<FileRow>,
    /// What was wrong with the file that was brought.
    pub(super) file_error: String,
    /// Which files are taken.
    file_hint: String,
}

struct Preview {
    lang: Lang,
    title: String,
    html: SafeHtml,
}

struct Theirs {
    by: String,
    body_en: String,
    body_zh: String,
}

impl Theirs {
    fn of(loaded: &Loaded) -> Self {
        let document = &loaded.document;
        Self {
            by: document.heading.updated_by.clone(),
            body_en: document.body_en.clone(),
            body_zh: document.body_zh.clone(),
        }
    }
}

const DELETE: Ending = Ending {
    texts: "admin-documents-delete-",
    done: "admin-documents-deleted",
    value: "name",
    action: "document.delete",
};

/// A document with its files.
pub(super) struct Loaded {
    pub(super) document: Document,
    pub(super) files: Vec<Attachment>,
}

impl Loaded {
    pub(super) async fn read(state: &WebState, id: i64) -> Result<Self, PageError> {
        let found = state
            .db
            .read(move |c| {
                Box::pin(async move {
                    let document = documents::find(c, id).await?;
                    let files = documents::attachments(c, id).await?;
                    Ok::<_, modelgate_store::StoreError>(
                        document.map(|document| Self { document, files }),
                    )
                })
            })
            .await?;
        found.ok_or(PageError::NotFound)
    }

    pub(super) fn name(&self, page: &Shell) -> String {
        title(page.lang, &self.document.heading).to_owned()
    }

    /// The form as it is opened.
    pub(super) fn opened(&self, page: &Shell) -> FormState {
        let object = object(page, &self.document.heading);
        version::stamped(stored(&self.document), &object)
    }
}

/// What the audit log calls it.
fn object(page: &Shell, heading: &Heading) -> String {
    format!("document {}", title(page.lang, heading))
}

pub(super) async fn new(page: Page<Operate>, state: web::Data<WebState>) -> PageResult {
    let form_state = FormState::default()
        .with("audience", Audience::Holders.as_str())
        .with("position", "0");
    page.show(&view(&page, &state, None, form_state))
}

pub(super) async fn get_one(
    page: Page<Look>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = Loaded::read(&state, *id).await?;
    page.show(&view(&page, &state, Some(&loaded), loaded.opened(&page)))
}

/// What the form of a stored document shows.
fn stored(document: &Document) -> FormState {
    let heading = &document.heading;
    FormState::default()
        .with("title_en", &heading.title_en)
        .with("title_zh", &heading.title_zh)
        .with("body_en", &document.body_en)
        .with("body_zh", &document.body_zh)
        .with("category", &heading.category)
        .with("position", heading.position.to_string())
        .with("audience", heading.audience.as_str())
        .ticked("published", heading.published)
}

pub(super) fn view<'a>(
    page: &'a Shell,
    state: &WebState,
    loaded: Option<&Loaded>,
    form_state: FormState,
) -> DocumentView<'a> {
    let list = page.url(PATH);
    let audience = |a: &Audience| (a.to_string(), audience_text(page, *a));
    let most = state.settings.load().runtime.attachment_max_bytes;
    let files = loaded.map(|l| l.files.as_slice()).unwrap_or_default();
    DocumentView {
        page,
        title: loaded.map_or_else(|| page.t("admin-documents-new"), |l| l.name(page)),
        state: form_state,
        audiences: Audience::ALL.iter().map(audience).collect(),
        at: loaded.map_or_else(
            || list.clone(),
            |l| format!("{list}/{}", l.document.heading.id),
        ),
        list,
        is_made: loaded.is_some(),
        preview: None,
        theirs: None,
        files: files.iter().map(|file| file_row(page, file)).collect(),
        file_error: String::new(),
        file_hint: page.t_with(
            "admin-documents-file-hint",
            &[
                ("endings", &attached::endings().join(", ")),
                (
                    "most",
                    &format::bytes(i64::try_from(most).unwrap_or(i64::MAX)),
                ),
            ],
        ),
    }
}

fn read(page: &Shell, form: &Form, base: &Heading) -> Result<Document, FormState> {
    let mut fields = Fields::new(page, form);
    let short = |text: &str| (text.chars().count() <= TITLE).then_some(()).ok_or(());
    let fits = |text: &str| (text.len() <= BODY_BYTES).then_some(()).ok_or(());
    let is_audience = |text: &str| text.parse::<Audience>().map(|_known| ());
    let audience = fields.text("audience", is_audience, "admin-model-bad-choice");
    let document = Document {
        heading: Heading {
            title_en: fields.text("title_en", short, "admin-documents-long-title"),
            title_zh: fields.text("title_zh", short, "admin-documents-long-title"),
            category: fields.text("category", short, "admin-documents-long-title"),
            position: fields
                .optional_number("position", &(0..=100_000))
                .unwrap_or(0),
            audience: audience.parse().unwrap_or_default(),
            published: form.checked("published"),
            ..base.clone()
        },
        body_en: fields.text("body_en", fits, "admin-documents-long-body"),
        body_zh: fields.text("body_zh", fits, "admin-documents-long-body"),
    };
    if document.heading.title_en.is_empty() && document.heading.title_zh.is_empty() {
        fields.fail("title_en", "admin-documents-no-title");
    }
    fields.finish(document)
}

/// Texts are told by their length: they may be long, and they are not secret, but the log is for deeds.
fn audited(document: &Document) -> Value {
    let heading = &document.heading;
    json!({
        "title_en": heading.title_en, "title_zh": heading.title_zh, "category": heading.category,
        "position": heading.position, "audience": heading.audience, "published": heading.published,
        "version": heading.version, "body_en_bytes": document.body_en.len(),
        "body_zh_bytes": document.body_zh.len(),
    })
}

pub(super) async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    form: Form,
) -> PageResult {
    keep(&page, &state, &form, None).await
}

pub(super) async fn post_one(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state, *id).await?;
    keep(&page, &state, &form, Some(&loaded)).await
}

/// Shows what the texts look like, or makes a document, or changes one.
async fn keep(
    page: &Page<impl Known>,
    state: &web::Data<WebState>,
    form: &Form,
    loaded: Option<&Loaded>,
) -> PageResult {
    if form.checked("preview") {
        let mut view = view(page, state, loaded, form.state());
        view.preview = Some(preview(page, form, loaded));
        return page.show_or(&view, &view.as_preview());
    }
    let base = loaded.map_or_else(|| blank(page, state), |l| l.document.heading.clone());
    let again = |form_state: FormState| {
        let mut view = view(page, state, loaded, form_state);
        let conflict = view.state.conflict().is_some();
        view.theirs = loaded.filter(|_| conflict).map(Theirs::of);
        page.invalid_or(&view, &view)
    };
    let mut document = match read(page, form, &base) {
        Ok(document) => document,
        Err(form_state) => return again(form_state),
    };
    page.actor().clone_into(&mut document.heading.updated_by);
    let old = loaded.map(|l| &l.document);
    let action = match old {
        None => "document.create",
        Some(_) => "document.update",
    };
    let named = object(page, &document.heading);
    let mut entry = change(page, state, action, named, Some(audited(&document)));
    entry.before = old.map(audited);
    let (opened, shell) = (Opened::of(form), page.shell().clone());
    let saved = save(page, state, form, move |c| {
        Box::pin(async move {
            let mut made = document.heading.id;
            if made == 0 {
                made = documents::insert(c, &document, entry.at).await?;
            } else {
                let now = documents::find(c, made).await?;
                let now = now.ok_or(PageError::NotFound)?;
                opened
                    .check(c, &stored(&now), &object(&shell, &now.heading))
                    .await?;
                document.heading.version = now.heading.version;
                if !documents::update(c, &document, entry.at).await? {
                    return Err(PageError::NotFound.into());
                }
            }
            changes::note(c, &entry).await?;
            Ok(made)
        })
    })
    .await?;
    match saved {
        Err(form_state) => again(form_state),
        Ok(made) => {
            let told = page.t("admin-documents-saved");
            answer(page, Ok(()), (&format!("{PATH}/{made}"), told), again)
        }
    }
}

fn preview(page: &Shell, form: &Form, loaded: Option<&Loaded>) -> [Preview; 2] {
    let places = loaded.map(|l| places(page, l.document.heading.id));
    let places = places.unwrap_or_default();
    Lang::ALL.map(|lang| {
        let field = |name: &str| form.text(&format!("{name}_{}", lang.code()));
        let body: String = field("body").chars().take(BODY_BYTES).collect();
        Preview {
            lang,
            title: field("title").to_owned(),
            html: markdown::to_html(&body, &places),
        }
    })
}

fn blank(page: &Page<impl Known>, state: &WebState) -> Heading {
    Heading {
        id: 0,
        title_en: String::new(),
        title_zh: String::new(),
        category: String::new(),
        position: 0,
        audience: Audience::Holders,
        published: false,
        version: 1,
        updated_by: page.actor().to_owned(),
        updated_at: state.clock.now(),
    }
}

pub(super) async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
) -> PageResult {
    let loaded = Loaded::read(&state, *id).await?;
    let (action, back) = (format!("{PATH}/{id}/delete"), format!("{PATH}/{id}"));
    confirm::ask(
        &page,
        &DELETE.question(&page, &loaded.name(&page), (&action, &back)),
    )
}

pub(super) async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    _form: Form,
) -> PageResult {
    let loaded = Loaded::read(&state, *id).await?;
    let name = loaded.name(&page);
    let ended = Ended {
        object: object(&page, &loaded.document.heading),
        before: Some(audited(&loaded.document)),
        name,
        to: PATH.to_owned(),
    };
    let id = loaded.document.heading.id;
    DELETE
        .end(&page, &state, ended, move |c, _entry| {
            Box::pin(async move { documents::delete(c, id).await.map(drop) })
        })
        .await
}
