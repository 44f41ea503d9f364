//! Many keys: found, paged, sorted, and changed at once.

use crate::on_each_engine;
use crate::support::TestApp;

const KEYS: &str = "/admin/api-keys";

/// A file with `count` keys, each with a limit; every tenth is of a team of its own.
fn many(count: usize) -> String {
    (0..count)
        .map(|n| {
            let tag = if n % 10 == 0 { "decade" } else { "plain" };
            format!(
                "[[api_keys]]\nname = \"key-{n:03}\"\nsecret = \"sk-mg-many-0123456789-{n:04}\"\nmodels = [\"*\"]\n\
                 tags = [\"{tag}\", \"all\"]\nlimits = {{ rpm = {} }}\n",
                n + 1
            )
        })
        .collect::<Vec<_>>()
        .concat()
}

fn names(page: &str) -> Vec<String> {
    let html = scraper::Html::parse_document(page);
    let links = scraper::Selector::parse("td.mg-name a[href*='/admin/api-keys/']").unwrap();
    html.select(&links).map(|a| a.text().collect()).collect()
}

async fn five_hundred_keys_are_found_paged_and_sorted(app: &TestApp) {
    app.apply(&many(500)).await;
    let admin = app.admin().await;
    let begun = std::time::Instant::now();
    let first = admin.get(KEYS).await.text();
    assert!(
        begun.elapsed() < std::time::Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(names(&first).len(), 50);
    assert!(first.contains("1–50 of 501") && first.contains("rel=\"next\""));
    let last = admin.get(&format!("{KEYS}?page=11")).await.text();
    assert_eq!(names(&last), ["key-499"]);
    assert!(last.contains("501–501 of 501") && !last.contains("rel=\"next\""));
    for (query, count) in [
        ("q=key-49", 10),
        ("q=KEY-007", 1),
        ("q=decade", 50),
        ("tag=decade", 50),
        ("tag=decade&q=key-1", 10),
        ("q=0499", 1),
        ("state=off", 0),
        ("state=unused&q=key-00", 10),
        ("q=%3Cscript%3E", 0),
    ] {
        let page = admin.get(&format!("{KEYS}?{query}")).await.text();
        assert_eq!(names(&page).len(), count, "{query}");
        assert!(!page.contains("<script>"));
    }
    let part = admin.get_htmx(&format!("{KEYS}?q=key-00")).await.text();
    assert!(!part.contains("<html"), "{part}");
    assert_eq!(names(&part).len(), 10, "{part}");
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    app.settle().await;
    for sort in ["used", "requests", "spend"] {
        let page = admin.get(&format!("{KEYS}?sort={sort}")).await.text();
        assert_eq!(names(&page)[0], "alice", "{sort}");
        assert!(page.contains("aria-sort=\"descending\""));
    }
    let nonsense = admin.get(&format!("{KEYS}?sort=x&page=-1&owner=y")).await;
    assert_eq!(nonsense.status, 200);
}

on_each_engine!(five_hundred_keys_are_found_paged_and_sorted);

/// The number of the key of this name.
async fn id_of(app: &TestApp, name: &'static str) -> String {
    let key = app
        .db()
        .read(move |c| Box::pin(modelgate_store::api_keys::find_by_name(c, name)))
        .await
        .unwrap();
    key.expect("the key").id.to_string()
}

async fn many_keys_are_changed_at_once(app: &TestApp) {
    app.apply(&many(60)).await;
    let admin = app.admin().await;
    let (one, two) = (id_of(app, "key-001").await, id_of(app, "key-002").await);
    let bulk = format!("{KEYS}/bulk");
    let ticked = [("id", one.as_str()), ("id", two.as_str())];
    let with = |more: &[(&'static str, &'static str)]| -> Vec<(&str, &str)> {
        ticked.iter().copied().chain(more.iter().copied()).collect()
    };
    let listed = |query: &'static str| {
        let admin = admin.clone();
        async move { names(&admin.get(&format!("{KEYS}?{query}")).await.text()).len() }
    };
    for (fields, query, count) in [
        (with(&[("act", "disable")]), "state=off", 2),
        (with(&[("act", "enable")]), "state=off", 0),
        (with(&[("act", "tag"), ("tags", "new, <b>")]), "tag=new", 2),
        (with(&[("act", "untag"), ("tags", "new")]), "tag=new", 0),
        (
            with(&[("act", "expire"), ("expires_at", "2020-01-01T00:00")]),
            "state=expired",
            2,
        ),
        (with(&[("act", "expire")]), "state=expired", 0),
    ] {
        let done = admin.submit(KEYS, &bulk, &fields).await;
        assert_eq!(done.status, 303, "{fields:?} {}", done.text());
        let told = admin.get(KEYS).await.text();
        assert_eq!(
            told.contains("Their end is past"),
            query == "state=expired" && count > 0
        );
        assert_eq!(listed(query).await, count, "{fields:?}");
    }
    assert!(
        !admin.get(KEYS).await.text().contains("<b>,"),
        "a tag is a text"
    );
    for fields in [
        with(&[("act", "tag"), ("tags", " , ")]),
        with(&[("act", "expire"), ("expires_at", "soon")]),
        with(&[("act", "explode")]),
        vec![("act", "disable")],
    ] {
        let refused = admin.submit(KEYS, &bulk, &fields).await;
        assert_eq!(refused.status, 422, "{fields:?}");
    }
    // all that the list is made of, whatever the page shows
    let all = [("all", "on"), ("list_tag", "decade"), ("act", "disable")];
    let done = admin.submit(KEYS, &bulk, &all).await;
    assert_eq!(done.header("location"), "/admin/api-keys?tag=decade");
    assert_eq!(listed("state=off").await, 6);
    let audit = app
        .db()
        .read(|c| Box::pin(modelgate_store::audit::list(c, None, 100)))
        .await
        .unwrap();
    let lines = audit.rows.iter().filter(|l| l.object == "api_key key-010");
    assert_eq!(lines.filter(|l| l.action == "api_key.update").count(), 1);

    let revoke = format!("{bulk}/revoke");
    let asked = admin.submit(KEYS, &revoke, &ticked).await;
    assert_eq!(asked.status, 200);
    assert!(asked.text().contains("Revoke 2 keys?"));
    assert_eq!(listed("q=key-00").await, 10, "only asked");
    let sure = with(&[("sure", "yes")]);
    assert_eq!(admin.submit(KEYS, &revoke, &sure).await.status, 303);
    assert_eq!(listed("q=key-00").await, 8);
    app.wait_for_newest_generation().await;
    let refused = app
        .openai_as("sk-mg-many-0123456789-0001")
        .chat("gpt-x", false)
        .await;
    assert_eq!(refused.status, 401);

    assert_eq!(admin.post(&bulk, &all, None, false).await.status, 403);
    app.add_account("olga", modelgate_domain::Role::Operator)
        .await;
    let olga = app.account("olga").await;
    assert_eq!(olga.submit(KEYS, &revoke, &sure).await.status, 403);
    app.add_account("vera", modelgate_domain::Role::Viewer)
        .await;
    let vera = app.account("vera").await;
    assert!(!vera.get(KEYS).await.text().contains("name=\"act\""));
    let token = vera.token(KEYS).await;
    assert_eq!(
        vera.post(&bulk, &all, Some(&token), false).await.status,
        403
    );
}

on_each_engine!(many_keys_are_changed_at_once);
