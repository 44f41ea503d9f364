//! Models: which names the pages refuse.

use crate::on_each_engine;
use crate::support::TestApp;

const MODELS: &str = "/admin/config/models";

async fn names_that_cannot_be_kept_come_back_with_a_reason(app: &TestApp) {
    let admin = app.admin().await;
    let new = format!("{MODELS}/new");
    for (name, why) in [
        ("gpt-x-latest", "A model or alias of this name exists."),
        ("acme/own", "The part before the slash"),
        ("a b", "printable ASCII"),
    ] {
        let refused = admin
            .submit(&new, MODELS, &[("name", name), ("kind", "chat")])
            .await;
        assert_eq!(refused.status, 422, "{name}");
        assert!(refused.text().contains(why), "{name}");
    }
}

on_each_engine!(names_that_cannot_be_kept_come_back_with_a_reason);
