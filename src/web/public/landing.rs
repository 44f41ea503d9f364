//! The landing page: what this is, where the console is, and what the house has to say.

use actix_web::web;
use askama::Template;
use modelgate_store::documents;

use crate::web::markdown::{self, Places, SafeHtml};
use crate::web::page::{Page, PageResult, Visitor};
use crate::web::shell::Shell;
use crate::web::state::WebState;

#[derive(Template)]
#[template(path = "public/landing.html")]
struct LandingView<'a> {
    page: &'a Shell,
    endpoint: String,
    /// What the house says of itself.
    text: SafeHtml,
    /// Whether there is something to read for whoever comes.
    has_documents: bool,
}

/// What callers reach this gateway at, as the settings say or else as the browser does: base path included, without `/v1`.
pub(in crate::web) fn root_url<G>(page: &Page<G>, state: &WebState) -> String {
    state.public_url().unwrap_or_else(|| {
        let scheme = if page.peer.https { "https" } else { "http" };
        format!("{scheme}://{}{}", page.peer.host, page.url(""))
    })
}

/// `GET /`
pub(in crate::web) async fn get(page: Page<Visitor>, state: web::Data<WebState>) -> PageResult {
    let found = state.db.read(|c| Box::pin(documents::any_for_everyone(c)));
    page.show(&LandingView {
        page: page.shell(),
        endpoint: format!("{}/v1", root_url(&page, &state)),
        text: markdown::to_html(page.landing_text(), &Places::default()),
        // The page is there while the database is away.
        has_documents: found.await.unwrap_or(false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::i18n::Lang;

    #[test]
    fn renders_in_both_languages() {
        for lang in Lang::ALL {
            let view = LandingView {
                page: &Shell::sample(lang),
                endpoint: "https://gate.example/v1".to_owned(),
                text: markdown::to_html("**Hello** <b>京</b>", &Places::default()),
                has_documents: true,
            };
            let html = view.render().unwrap();
            assert!(
                html.contains("<strong>Hello</strong> &lt;b&gt;京"),
                "escaped"
            );
            assert!(html.contains(&format!("lang=\"{}\"", lang.tag())));
        }
    }
}
