//! Documents as operators write them: texts, files, two editors, and what is refused.

use modelgate_domain::Role;
use reqwest::Method;

use crate::on_each_engine;
use crate::support::{Answer, Browser, TestApp};

const LIST: &str = "/admin/documents";

/// Makes a document and gives its address.
pub(crate) async fn write(browser: &Browser, fields: &[(&str, &str)]) -> String {
    let new = format!("{LIST}/new");
    let made = browser.submit(&new, LIST, fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    made.header("location").to_owned()
}

/// Posts a file as a browser does.
pub(crate) async fn bring(
    browser: &Browser,
    page: &str,
    (name, content): (&str, &[u8]),
    token: &str,
) -> Answer {
    let edge = "----edge7f3a";
    let mut body = format!(
        "--{edge}\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--{edge}\r\n\
         content-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         content-type: text/html\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{edge}--\r\n").as_bytes());
    let request = browser
        .request(Method::POST, &format!("{page}/files"))
        .header(
            "content-type",
            format!("multipart/form-data; boundary={edge}"),
        )
        .header("sec-fetch-site", "same-origin")
        .body(body);
    browser.send(request).await
}

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\nnot much of a picture";

async fn a_document_is_written_previewed_and_changed(app: &TestApp) {
    let admin = app.admin().await;
    let empty = admin.get(LIST).await.text();
    assert!(empty.contains("No documents yet"));
    let hostile = "\"><script>alert(1)</script>";
    let page = write(
        &admin,
        &[
            ("title_en", hostile),
            (
                "body_en",
                "# Hello\n\n<img src=x onerror=alert(2)> **bold** [x](javascript:alert(3))",
            ),
            ("category", "<b>Start</b>"),
            ("position", "3"),
            ("audience", "holders"),
        ],
    )
    .await;
    let shown = admin.get(&page).await.text();
    assert!(shown.contains("**bold**") && !shown.contains("<script>alert"));
    let list = admin.get(LIST).await.text();
    assert!(
        list.contains("draft") && !list.contains("<script>alert") && !list.contains("<b>Start")
    );
    let part = admin
        .get_htmx(&format!("{LIST}?q=nothing+like+it"))
        .await
        .text();
    assert!(!part.contains("<html") && part.contains("Nothing matches"));

    let token = admin.token(&page).await;
    let fields = [
        ("preview", "on"),
        ("title_zh", "题"),
        ("body_zh", "**粗** <script>alert(4)</script>"),
    ];
    let part = admin.post(&page, &fields, Some(&token), true).await;
    assert_eq!(part.status, 200);
    let text = part.text();
    assert!(
        !text.contains("<html") && text.contains("<strong>粗</strong>"),
        "{text}"
    );
    assert!(!text.contains("<script>alert"));
    let whole = admin.post(&page, &fields, Some(&token), false).await.text();
    assert!(whole.contains("<html") && whole.contains("<strong>粗</strong>"));
    let unchanged = admin.get(&page).await.text();
    assert!(!unchanged.contains("粗"), "a preview saves nothing");

    for (field, value) in [
        ("title_en", "x".repeat(201)),
        ("body_en", "x".repeat(100_001)),
        ("position", "-1".to_owned()),
        ("audience", "nobody".to_owned()),
        ("title_en", String::new()),
    ] {
        let mut fields = vec![("title_en", "t"), ("audience", "holders")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, &value));
        let refused = admin.post(&page, &fields, Some(&token), false).await;
        assert_eq!(refused.status, 422, "{field}");
    }
    let long = "文".repeat(33_000);
    let fields = [
        ("title_en", "Long"),
        ("audience", "everyone"),
        ("body_zh", long.as_str()),
        ("body_en", long.as_str()),
    ];
    let saved = admin.post(&page, &fields, Some(&token), false).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    assert_eq!(
        admin.post(&page, &fields, None, false).await.status,
        403,
        "no token"
    );
}

on_each_engine!(a_document_is_written_previewed_and_changed);

async fn files_are_what_they_say_or_are_refused(app: &TestApp) {
    let admin = app.admin().await;
    let page = write(&admin, &[("title_en", "Files"), ("audience", "holders")]).await;
    let token = admin.token(&page).await;
    let saved = bring(
        &admin,
        &page,
        ("../../evil dir/sh\u{202e}ot.png", PNG),
        &token,
    )
    .await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let shown = admin.get(&page).await.text();
    assert!(
        shown.contains("sh_ot.png") && !shown.contains("evil dir"),
        "{shown}"
    );
    assert!(shown.contains("](attachment:"));
    for (name, content, why) in [
        ("x.svg", &b"<svg onload=alert(1)>"[..], "Files of this kind"),
        ("x.html", b"<script>alert(1)</script>", "Files of this kind"),
        (
            "x.png",
            b"<script>alert(1)</script>",
            "not what its name says",
        ),
        ("x.txt", b"", "not empty"),
        ("", PNG, "Files of this kind"),
    ] {
        let refused = bring(&admin, &page, (name, content), &token).await;
        assert_eq!(refused.status, 422, "{name}: {}", refused.text());
        assert!(refused.text().contains(why), "{name}");
        assert!(!refused.text().contains("<script>alert"));
    }
    let large = [PNG, &vec![0; 6 << 20]].concat();
    let refused = bring(&admin, &page, ("large.png", &large), &token).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text().contains("larger than 5"),
        "{}",
        refused.text()
    );
    let refused = bring(&admin, &page, ("a.png", PNG), "wrong").await;
    assert_eq!(refused.status, 403, "no token");

    app.add_account("vera", Role::Viewer).await;
    let viewer = app.account("vera").await;
    let own = viewer.token("/account").await;
    let refused = bring(&viewer, &page, ("a.png", PNG), &own).await;
    assert_eq!(refused.status, 403, "viewers write nothing");

    let at = shown.find("/files/").expect("a link");
    let number: String = shown[at + 7..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let delete = format!("{page}/files/{number}/delete");
    assert!(
        admin
            .get(&delete)
            .await
            .text()
            .contains("Delete the file sh_ot.png?")
    );
    assert_eq!(admin.submit(&delete, &delete, &[]).await.status, 303);
    let gone = admin
        .get(&format!("{}/files/{number}", page.replace("/admin", "")))
        .await;
    assert_eq!(gone.status, 404);

    let delete = format!("{page}/delete");
    assert!(
        admin
            .get_htmx(&delete)
            .await
            .text()
            .contains("Delete the document Files?")
    );
    assert_eq!(admin.submit(&delete, &delete, &[]).await.status, 303);
    assert_eq!(admin.get(&page).await.status, 404);
}

on_each_engine!(files_are_what_they_say_or_are_refused);
