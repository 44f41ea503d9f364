//! Another secret in place of the present one, and the sheet for the holder.

use modelgate_store::api_keys;

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{Answer, Browser, KEY, TestApp};

/// The address of the usual key.
pub async fn alice(app: &TestApp) -> String {
    format!("/admin/api-keys/{}", app.key().await.id)
}

/// What stands in the element with this id, as the page shows it.
pub fn shown_in(answer: &Answer, id: &str) -> String {
    let html = scraper::Html::parse_document(&answer.text());
    let code = scraper::Selector::parse(&format!("#{id} code")).unwrap();
    let found = html.select(&code).next();
    found
        .unwrap_or_else(|| panic!("no {id}: {}", answer.text()))
        .text()
        .collect()
}

/// Issues another secret as the page's form does.
pub async fn rotate(app: &TestApp, admin: &Browser, (overlap, handover): (&str, &str)) -> Answer {
    let (page, of) = (alice(app).await, app.key().await.shown());
    let fields = [("overlap", overlap), ("handover", handover), ("of", &of)];
    let answer = admin
        .submit(&page, &format!("{page}/rotate"), &fields)
        .await;
    app.wait_for_newest_generation().await;
    answer
}

async fn both_secrets_lead_to_the_same_key_until_the_moment(app: &TestApp) {
    let admin = app.admin().await;
    let browser = holder(app, KEY).await;
    let made = rotate(app, &admin, ("day", "")).await;
    assert_eq!(made.status, 200, "{}", made.text());
    let new = shown_in(&made, "new-key");
    assert!(new.starts_with("sk-mg-") && new != KEY);
    for key in [KEY, &new] {
        assert_eq!(app.openai_as(key).chat("gpt-x", false).await.status, 200);
    }
    let rows = app.logs().await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].record.api_key_id, rows[1].record.api_key_id);
    assert_eq!(
        browser.get("/user/dashboard").await.status,
        303,
        "logs in anew"
    );
    holder(app, KEY).await;
    holder(app, &new).await;

    let page = alice(app).await;
    let text = admin.get(&page).await.text();
    assert!(text.contains("The secret before still works") && !text.contains(&new));
    // the moment comes without anybody doing anything: the row says when
    let ended = admin
        .submit(&page, &format!("{page}/previous/end"), &[])
        .await;
    assert_eq!(ended.status, 303);
    app.wait_for_newest_generation().await;
    let refused = app.openai_as(KEY).chat("gpt-x", false).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["code"], "invalid_api_key");
    assert!(refused.text().contains("was replaced") && !refused.text().contains(KEY));
    assert_eq!(app.openai_as(&new).chat("gpt-x", false).await.status, 200);
    let visitor = app.visitor();
    let login = visitor
        .submit("/user/login", "/user/login", &[("key", KEY)])
        .await;
    assert_eq!(login.status, 422);

    let audit = app
        .db()
        .read(|c| Box::pin(modelgate_store::audit::list(c, None, 20)))
        .await
        .unwrap();
    let told = format!("{:?}", audit.rows);
    assert!(told.contains("api_key.rotate") && told.contains("api_key.end_previous"));
    assert!(!told.contains(&new) && !told.contains(KEY));
}

on_each_engine!(both_secrets_lead_to_the_same_key_until_the_moment);

async fn the_end_of_an_overlap_needs_no_job(app: &TestApp) {
    let soon = chrono::Duration::milliseconds(1_500);
    let key = app.key().await;
    let new = api_keys::KeyMaterial {
        hash: [9; 32],
        prefix: "sk-mg-x".to_owned(),
        last4: "wxyz".to_owned(),
    };
    app.change(move |c| {
        Box::pin(async move {
            let now = modelgate::clock::Clock::system().now();
            let done = api_keys::rotate(c, &key, &new, now + soon, now).await?;
            assert!(done);
            let again = api_keys::rotate(c, &key, &new, now + soon, now).await?;
            assert!(
                !again,
                "the second of two who rotate the same secret is told"
            );
            Ok(())
        })
    })
    .await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let mut status = 200;
    for _ in 0..100 {
        status = app.openai().chat("gpt-x", false).await.status;
        if status == 401 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(status, 401);
}

on_each_engine!(the_end_of_an_overlap_needs_no_job);

async fn a_secret_is_rotated_once_however_often_the_form_is_sent(app: &TestApp) {
    let admin = app.admin().await;
    let (page, of) = (alice(app).await, app.key().await.shown());
    let token = admin.token(&page).await;
    let rotate = format!("{page}/rotate");
    let fields = [("overlap", "now"), ("of", of.as_str())];
    let no_token = admin.post(&rotate, &fields, None, false).await;
    assert_eq!(no_token.status, 403);
    let first = admin.post(&rotate, &fields, Some(&token), false).await;
    assert_eq!(first.status, 200);
    let second = admin.post(&rotate, &fields, Some(&token), false).await;
    assert_eq!(second.status, 303);
    let told = admin.get(&page).await.text();
    assert!(told.contains("issued another secret meanwhile"), "{told}");
    app.wait_for_newest_generation().await;
    assert_eq!(
        app.openai().chat("gpt-x", false).await.status,
        401,
        "at once"
    );
    let bad = [("overlap", "ever"), ("of", of.as_str())];
    assert_eq!(
        admin.post(&rotate, &bad, Some(&token), false).await.status,
        303
    );
}

on_each_engine!(a_secret_is_rotated_once_however_often_the_form_is_sent);

async fn a_sheet_says_everything_but_the_key(app: &TestApp) {
    let admin = app.admin().await;
    let page = alice(app).await;
    let sheet = admin.get(&format!("{page}/sheet")).await;
    let text = sheet.text();
    assert!(text.contains("/v1") && text.contains("gpt-x") && text.contains("OpenCode"));
    assert!(text.contains("/user/login") && !text.contains(KEY));
    assert!(text.contains("without limits"));
    app.add_account("vera", modelgate_domain::Role::Viewer)
        .await;
    let vera = app.account("vera").await;
    assert_eq!(vera.get(&format!("{page}/sheet")).await.status, 200);
    assert!(
        !vera.get(&page).await.text().contains("/rotate"),
        "not offered"
    );
    assert_eq!(admin.get("/admin/api-keys/999/sheet").await.status, 404);
    let zh = admin
        .clone()
        .speaking("zh")
        .get(&format!("{page}/sheet"))
        .await;
    assert!(zh.text().contains("交付单"));
}

on_each_engine!(a_sheet_says_everything_but_the_key);
