//! A posted file: read up to a bound, with its token checked, before a handler sees it.

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::csrf;
use super::error::PageError;
use super::state::WebState;

/// The name of the field that holds the file.
const FIELD: &str = "file";
/// A token is shorter.
const TOKEN_BYTES: usize = 200;
/// What is beyond the bound is read and thrown away up to here, so that the browser hears the answer.
const PATIENCE_BYTES: usize = 64 << 20;

/// The file of a form whose token was right.
#[derive(Debug)]
pub(in crate::web) struct Upload {
    /// What the browser called it: whatever it says.
    pub(in crate::web) name: String,
    /// What is in it; as much as was allowed where it was longer.
    pub(in crate::web) content: Vec<u8>,
    /// Whether it was longer than allowed.
    pub(in crate::web) is_too_long: bool,
}

impl FromRequest for Upload {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let expected = csrf::expected(request);
        let state = request.app_data::<web::Data<WebState>>();
        let most = state.map_or(0, |s| s.settings.load().runtime.attachment_max_bytes);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let parts = Multipart::new(request.headers(), payload.take());
        Box::pin(async move { read(parts, expected.as_deref(), most).await })
    }
}

async fn read(
    mut parts: Multipart,
    expected: Option<&str>,
    most: usize,
) -> Result<Upload, PageError> {
    let (mut token, mut file) = (Vec::new(), None);
    while let Some(mut part) = parts
        .try_next()
        .await
        .map_err(|_bad| PageError::BadRequest)?
    {
        let field = part.name().unwrap_or_default().to_owned();
        let is_token = field == csrf::FIELD;
        let room = if is_token { TOKEN_BYTES } else { most };
        let (mut content, mut seen) = (Vec::new(), 0_usize);
        while let Some(piece) = part.next().await {
            let piece = piece.map_err(|_bad| PageError::BadRequest)?;
            seen = seen.saturating_add(piece.len());
            if seen > PATIENCE_BYTES {
                return Err(PageError::BadRequest);
            }
            let left = room.saturating_sub(content.len());
            content.extend_from_slice(piece.get(..left).unwrap_or(&piece));
        }
        if is_token {
            token = content;
        } else if field == FIELD && file.is_none() {
            let disposition = part.content_disposition();
            let name = disposition
                .and_then(|d| d.get_filename())
                .unwrap_or_default();
            file = Some(Upload {
                name: name.to_owned(),
                is_too_long: seen > content.len(),
                content,
            });
        }
        // A form that did not come from our pages is not read to its end.
        if field == FIELD && !is_expected(expected, &token) {
            return Err(PageError::Csrf);
        }
    }
    if !is_expected(expected, &token) {
        return Err(PageError::Csrf);
    }
    file.ok_or(PageError::BadRequest)
}

fn is_expected(expected: Option<&str>, token: &[u8]) -> bool {
    std::str::from_utf8(token).is_ok_and(|token| csrf::matches(expected, token))
}
