//! The calls that pages make: the endpoints of `/v1` without a request of their own.

use actix_web::HttpRequest;
use actix_web::web::Data;
use futures_util::future::LocalBoxFuture;

use super::super::call;
use super::super::state::Worker;
use super::{Endpoint, chat_completions, gemini, messages, responses};
use crate::calls::{Answered, Call, Caller, Calls};

/// This thread's data plane, for its pages.
pub(super) struct Pages(pub(super) Data<Worker>);

impl Calls for Pages {
    fn make(&self, request: HttpRequest, call: Call) -> LocalBoxFuture<'static, Answered> {
        let worker = Data::clone(&self.0);
        if call.dialect == Caller::Gemini {
            gemini::ask(&request, call.model.clone());
        }
        Box::pin(async move { call::serve_page(worker, of(call.dialect), &request, call).await })
    }
}

/// Where a whole answer is asked for.
fn of(dialect: Caller) -> &'static Endpoint {
    match dialect {
        Caller::Chat => &chat_completions::ENDPOINT,
        Caller::Messages => &messages::MESSAGES,
        Caller::Responses => &responses::ENDPOINT,
        Caller::Gemini => &gemini::GENERATE,
    }
}
