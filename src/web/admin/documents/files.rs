//! The files of a document: brought, and taken away.

use actix_web::web;
use modelgate_store::changes;
use modelgate_store::documents::{self, Attachment};
use serde_json::{Value, json};

use super::PATH;
use super::edit::{Loaded, view};
use crate::web::admin::components::confirm;
use crate::web::admin::components::fields::change;
use crate::web::admin::components::removal::{Ended, Ending};
use crate::web::attached::{self, Refused};
use crate::web::error::PageError;
use crate::web::flash::Toast;
use crate::web::form::Form;
use crate::web::page::{Delete, Operate, Page, PageResult};
use crate::web::shell::Shell;
use crate::web::state::WebState;
use crate::web::upload::Upload;

/// Most files of one document.
const MOST: usize = 50;

const DELETE: Ending = Ending {
    texts: "admin-documents-file-delete-",
    done: "admin-documents-file-deleted",
    value: "name",
    action: "attachment.delete",
};

fn audited(file: &Attachment) -> Value {
    json!({ "name": file.name, "kind": file.kind, "size_bytes": file.size_bytes })
}

/// `POST /admin/documents/{id}/files`
pub(super) async fn post(
    page: Page<Operate>,
    state: web::Data<WebState>,
    id: web::Path<i64>,
    upload: Upload,
) -> PageResult {
    let loaded = Loaded::read(&state, *id).await?;
    let checked = check(&page, &state, &loaded, &upload);
    let (name, kind) = match checked {
        Ok(checked) => checked,
        Err(why) => {
            let mut view = view(&page, &state, Some(&loaded), loaded.opened(&page));
            view.file_error = why;
            return page.invalid_or(&view, &view);
        }
    };
    let file = Attachment {
        id: 0,
        document_id: *id,
        size_bytes: i64::try_from(upload.content.len()).unwrap_or(i64::MAX),
        name,
        kind,
        created_by: page.actor().to_owned(),
        created_at: state.clock.now(),
    };
    let object = format!(
        "attachment {} of document {}",
        file.name,
        loaded.name(&page)
    );
    let entry = change(
        &page,
        &state,
        "attachment.create",
        object,
        Some(audited(&file)),
    );
    let told = page.t1("admin-documents-file-saved", "name", &file.name);
    state
        .db
        .write(move |c| {
            Box::pin(async move {
                documents::insert_attachment(c, &file, &upload.content).await?;
                changes::note(c, &entry).await?;
                Ok::<_, PageError>(())
            })
        })
        .await?;
    page.redirect_with(&format!("{PATH}/{id}"), &Toast::success(told))
}

/// The safe name and the kind, or why the file is not taken.
fn check(
    page: &Shell,
    state: &WebState,
    loaded: &Loaded,
    upload: &Upload,
) -> Result<(String, String), String> {
    if loaded.files.len() >= MOST {
        return Err(page.t1("admin-documents-file-many", "most", MOST));
    }
    if upload.is_too_long {
        let most = state.settings.load().runtime.attachment_max_bytes;
        let most = crate::i18n::format::bytes(i64::try_from(most).unwrap_or(i64::MAX));
        return Err(page.t1("admin-documents-file-long", "most", most));
    }
    attached::check(&upload.name, &upload.content).map_err(|refused| match refused {
        Refused::Empty => page.t("admin-documents-file-empty"),
        Refused::Content => page.t("admin-documents-file-content"),
        Refused::Ending => {
            let endings = attached::endings().join(", ");
            page.t1("admin-documents-file-ending", "endings", endings)
        }
    })
}

fn find(loaded: &Loaded, file: i64) -> Result<&Attachment, PageError> {
    let found = loaded.files.iter().find(|one| one.id == file);
    found.ok_or(PageError::NotFound)
}

/// `GET /admin/documents/{id}/files/{file}/delete`
pub(super) async fn ask_delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
) -> PageResult {
    let (id, file) = *ids;
    let loaded = Loaded::read(&state, id).await?;
    let name = find(&loaded, file)?.name.clone();
    let back = format!("{PATH}/{id}");
    let action = format!("{back}/files/{file}/delete");
    confirm::ask(&page, &DELETE.question(&page, &name, (&action, &back)))
}

/// `POST /admin/documents/{id}/files/{file}/delete`
pub(super) async fn delete(
    page: Page<Delete>,
    state: web::Data<WebState>,
    ids: web::Path<(i64, i64)>,
    _form: Form,
) -> PageResult {
    let (id, file) = *ids;
    let loaded = Loaded::read(&state, id).await?;
    let found = find(&loaded, file)?;
    let ended = Ended {
        object: format!(
            "attachment {} of document {}",
            found.name,
            loaded.name(&page)
        ),
        before: Some(audited(found)),
        name: found.name.clone(),
        to: format!("{PATH}/{id}"),
    };
    DELETE
        .end(&page, &state, ended, move |c, _entry| {
            Box::pin(async move { documents::delete_attachment(c, id, file).await.map(drop) })
        })
        .await
}
