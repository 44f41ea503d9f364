//! What the HTTP tests share.

mod app;
mod change;
mod child;
mod client;
mod collector;
mod database;
mod document;
mod redis;

pub use app::{ADMIN, KEY, Setup, TestApp, VENDOR_KEY, provisioning};
pub use change::{budget, limit};
pub use child::Child;
pub use client::{Answer, Browser, OpenAi, chat, form_fields, until, watch};
pub use collector::{Collector, attribute};
pub use database::TestDatabase;
pub use document::document_text;
pub use modelgate_store::Engine;
pub(crate) use redis::TestRedis;

/// Runs `case` against a gateway and checks that it leaves nothing over.
pub async fn run(setup: Setup, case: impl AsyncFnOnce(&TestApp)) {
    if let Some(app) = TestApp::try_start(setup).await {
        case(&app).await;
        app.finish().await;
    }
}

/// Makes two tests of an `async fn case(app: &TestApp)`: one on SQLite, one on PostgreSQL.
///
/// `on_each_engine!(a_stream_is_passed_through);` or, for another gateway than the usual one,
/// `on_each_engine!(browsers_may_call, |engine| Setup::on(engine).env("MODELGATE_CORS_ORIGINS", "*"));`
#[macro_export]
macro_rules! on_each_engine {
    ($case:ident) => {
        $crate::on_each_engine!($case, $crate::support::Setup::on);
    };
    ($case:ident, $setup:expr) => {
        mod $case {
            #[allow(unused_imports, reason = "for what the setup names")]
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::support::run(($setup)($crate::support::Engine::Sqlite), super::$case).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::support::run(($setup)($crate::support::Engine::Postgres), super::$case)
                    .await;
            }
        }
    };
}
