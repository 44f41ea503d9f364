//! The test of a vendor's credential: what it proves, and the rest that it ends.

use modelgate::simulator::Step;
use modelgate_store::provider_keys;

use crate::admin_providers::{key_id, target};
use crate::on_each_engine;
use crate::support::TestApp;

const PROVIDERS: &str = "/admin/config/providers";

async fn a_test_that_is_served_ends_the_rest(app: &TestApp) {
    let admin = app.admin().await;
    let provider = format!("{PROVIDERS}/1");
    let test = format!("{provider}/keys/1/test");
    // too many calls: it rests at this model for forty seconds
    let limited = Step::status(429).header("retry-after", "40");
    app.vendor.push(limited);
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 429);
    let page = admin.get(&provider).await.text();
    assert!(page.contains("resting"), "{page}");
    // a test that fails ends nothing
    app.vendor
        .push(Step::status(429).header("retry-after", "40"));
    let token = admin.token(&provider).await;
    let failed = admin.post(&test, &[], Some(&token), true).await.text();
    assert!(
        failed.contains("limits the rate") && !failed.contains("Its rest has ended"),
        "{failed}"
    );
    assert!(admin.get(&provider).await.text().contains("resting"));
    // one that is served does, here and on the page
    let served = admin.post(&test, &[], Some(&token), true).await.text();
    assert!(
        served.contains("It works.") && served.contains("Its rest has ended"),
        "{served}"
    );
    assert!(
        served.contains("id=\"key-state-1\" hx-swap-oob=\"true\"") && !served.contains("resting"),
        "the row of the key is told: {served}"
    );
    let health = admin.get_htmx(&provider).await.text();
    let now = health.split("</table>").next().unwrap();
    assert!(!now.contains("resting"), "{now}");
    // what the vendor has refused altogether comes back, too, with a line in the audit log
    app.vendor.push(Step::status(401).times(2));
    assert_ne!(app.openai().chat("gpt-x", false).await.status, 200);
    let rejected = async || {
        admin
            .get(&provider)
            .await
            .text()
            .contains("refused by the vendor")
    };
    crate::process::eventually("the credential is rejected", rejected).await;
    let calls = async || app.vendor.unplayed() == 0;
    crate::process::eventually("the probe has asked", calls).await;
    let served = admin.post(&test, &[], Some(&token), true).await.text();
    assert!(served.contains("Its rest has ended"), "{served}");
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    assert!(
        !admin
            .get_htmx(&provider)
            .await
            .text()
            .split("</table>")
            .next()
            .unwrap()
            .contains("refused by the vendor")
    );
}

on_each_engine!(a_test_that_is_served_ends_the_rest);

async fn a_list_of_models_proves_no_key(app: &TestApp) {
    let admin = app.admin().await;
    let base_url = app.vendor.base_url();
    let fields = [
        ("name", "open"),
        ("base_url", base_url.as_str()),
        ("label", "main"),
        ("secret", "sk-not-a-key-of-this-vendor"),
    ];
    let made = admin
        .submit(&format!("{PROVIDERS}/new"), PROVIDERS, &fields)
        .await;
    let provider = target(&made);
    let id = key_id(&admin.get(&provider).await.text());
    let test = format!("{provider}/keys/{id}/test");
    let token = admin.token(&provider).await;
    let listed = admin.post(&test, &[], Some(&token), true).await.text();
    assert!(listed.contains("the key is not proven by that"), "{listed}");
    assert!(!listed.contains("It works.") && listed.contains("Make a real call"));
    assert!(listed.contains("<option value=\"") && listed.contains(&format!("action=\"{test}\"")));
    let last = app.vendor.received().pop().unwrap();
    assert_eq!(last.path, "/v1/models");
    let row = admin.get(&provider).await.text();
    assert!(
        !row.contains("ago</time>") || row.contains("—"),
        "it is not noted as having worked"
    );
    // the real call is refused: the key is none
    app.vendor.push(Step::status(401));
    let refused = admin
        .post(&test, &[("model", "gpt-y")], Some(&token), true)
        .await
        .text();
    assert!(
        refused.contains("The vendor refuses this key."),
        "{refused}"
    );
    // another secret has not been refused
    let noted = async || {
        let all = app.db().read(|c| Box::pin(provider_keys::list(c)));
        let mut all = all.await.unwrap().into_iter();
        all.find(|key| key.id.0.to_string() == id).unwrap()
    };
    assert_ne!(noted().await.last_error, "");
    let at = format!("{provider}/keys/{id}");
    let another = [
        ("label", "main"),
        ("weight", "1"),
        ("enabled", "on"),
        ("secret", "sk-another"),
    ];
    assert_eq!(admin.submit(&at, &at, &another).await.status, 303);
    let key = noted().await;
    assert_eq!((key.last_error.as_str(), key.last_ok_at), ("", None));
    // and where it is served, the key is proven
    let served = admin
        .post(&test, &[("model", "gpt-y")], Some(&token), true)
        .await
        .text();
    assert!(served.contains("It works."), "{served}");
    let last = app.vendor.received().pop().unwrap();
    assert_eq!(last.path, "/v1/chat/completions");
}

on_each_engine!(a_list_of_models_proves_no_key);
