//! The audit log.

use modelgate_domain::Role;

use crate::on_each_engine;
use crate::support::{ADMIN, KEY, TestApp, VENDOR_KEY};

/// Never to be read anywhere again once it was sent.
const SECRETS: [&str; 5] = [
    "canary-vendor-secret-1234567890",
    "canary-header-value-1234567890",
    "canary-proxy-password-1234567890",
    "canary-account-password-1234567890",
    "canary-replaced-secret-1234567890",
];

async fn changes_are_told_with_who_and_what_was_before(app: &TestApp) {
    let admin = app.admin().await;
    let form = [
        ("name", "evil-<script>alert(1)</script>"),
        ("kind", "chat"),
        ("provider", "1"),
        ("upstream_model", "x"),
    ];
    let refused = admin
        .submit("/admin/config/models/new", "/admin/config/models", &form)
        .await;
    assert_eq!(refused.status, 422);
    let page = admin.get("/admin/config/errors/new").await;
    assert_eq!(page.status, 200);
    let rule = [
        ("status", "418"),
        ("meaning", "exhausted"),
        ("note", "<script>alert(1)</script>"),
        ("enabled", "on"),
    ];
    let made = admin
        .submit("/admin/config/errors/new", "/admin/config/errors", &rule)
        .await;
    assert_eq!(made.status, 303, "{}", made.text());
    let setting = [("key", "slow_ms"), ("value", "12345")];
    let saved = admin
        .submit("/admin/system-config", "/admin/system-config", &setting)
        .await;
    assert_eq!(saved.status, 303, "{}", saved.text());

    let page = admin.get("/admin/audit").await.text();
    assert!(
        page.contains("<ins>12345</ins>") && page.contains("127.0.0.1"),
        "{page}"
    );
    assert!(!page.contains("<script>alert"));
    assert!(
        page.contains("configuration"),
        "what was applied is there too"
    );

    let only = admin
        .get("/admin/audit?what=setting.&who=root")
        .await
        .text();
    assert!(only.contains("12345") && !only.contains("418"));
    let exact = admin
        .get("/admin/audit?what=setting.update&object=SLOW_MS")
        .await
        .text();
    assert!(exact.contains("12345"), "upper and lower case alike");
    for nothing in [
        "who=nobody",
        "object=%25",
        "object=_____",
        "to=2020-01-01T00:00",
        "what=setting",
    ] {
        let page = admin
            .get_htmx(&format!("/admin/audit?{nothing}"))
            .await
            .text();
        assert!(
            page.contains("Nothing matches") && !page.contains("<html"),
            "{nothing}: {page}"
        );
    }
    assert_eq!(
        admin.get("/admin/audit?before=x&from=soon").await.status,
        200
    );
    let chinese = admin
        .clone()
        .speaking("zh")
        .get("/admin/audit")
        .await
        .text();
    assert!(chinese.contains("审计日志") && !chinese.contains("admin-audit-"));

    app.add_account("vera", Role::Viewer).await;
    assert_eq!(
        app.account("vera").await.get("/admin/audit").await.status,
        200
    );
    assert_eq!(app.visitor().get("/admin/audit").await.status, 303);
}

on_each_engine!(changes_are_told_with_who_and_what_was_before);

async fn many_are_paged_and_exported(app: &TestApp) {
    let admin = app.admin().await;
    for n in 0..55 {
        let value = (10_000 + n).to_string();
        let setting = [("key", "slow_ms"), ("value", value.as_str())];
        let token = admin.token("/admin/system-config").await;
        let saved = admin
            .post("/admin/system-config", &setting, Some(&token), false)
            .await;
        assert_eq!(saved.status, 303);
    }
    let first = admin.get("/admin/audit?what=setting.update").await.text();
    assert_eq!(first.matches("<tr>").count(), 51, "fifty and the head");
    let (_, rest) = first.split_once("before=").unwrap();
    let cursor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let older = admin
        .get(&format!("/admin/audit?what=setting.update&before={cursor}"))
        .await
        .text();
    assert!(older.contains("10004") && older.contains("Newest") && !older.contains("10006"));

    let file = admin
        .get("/admin/audit/export?what=setting.update&format=jsonl")
        .await;
    let rows: Vec<serde_json::Value> = file
        .text()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(rows.len(), 55);
    assert_eq!(rows[0]["actor"], "root");
    let csv = admin
        .get("/admin/audit/export?what=audit_log.")
        .await
        .text();
    assert!(
        csv.starts_with("\u{feff}id,at,actor,") && csv.contains("audit_log.export"),
        "an export is noted: {csv}"
    );
}

on_each_engine!(many_are_paged_and_exported);

async fn no_secret_gets_into_it(app: &TestApp) {
    let admin = app.admin().await;
    let provider = [
        ("name", "canary"),
        ("base_url", "https://user:canary-url@vendor.example/v1"),
        ("label", "main"),
        ("secret", SECRETS[0]),
    ];
    let _refused = admin
        .submit(
            "/admin/config/providers/new",
            "/admin/config/providers",
            &provider,
        )
        .await;
    let provider = [
        provider[0],
        ("base_url", "https://vendor.example/v1"),
        provider[2],
        provider[3],
    ];
    let made = admin
        .submit(
            "/admin/config/providers/new",
            "/admin/config/providers",
            &provider,
        )
        .await;
    assert_eq!(made.status, 303, "{}", made.text());
    let at = made.header("location").to_owned();
    let proxy = format!("http://proxy:{}@10.0.0.1:3128", SECRETS[2]);
    let outbound = [
        ("name", "canary"),
        ("base_url", "https://vendor.example/v1"),
        ("connect_timeout_ms", "1000"),
        ("first_byte_timeout_ms", "1000"),
        ("idle_timeout_ms", "1000"),
        ("enabled", "on"),
        ("header-0-name", "x-canary"),
        ("header-0-secret", SECRETS[1]),
        ("proxy_secret", proxy.as_str()),
    ];
    let saved = admin.submit(&at, &at, &outbound).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let page = admin.get(&at).await.text();
    let key = page.find(&format!("{at}/keys/")).map(|found| {
        let rest = &page[found + at.len() + "/keys/".len()..];
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    });
    let credential = format!("{at}/keys/{}", key.expect("a credential"));
    let replaced = [
        ("label", "main"),
        ("weight", "100"),
        ("enabled", "on"),
        ("secret", SECRETS[4]),
    ];
    assert_eq!(
        admin
            .submit(&credential, &credential, &replaced)
            .await
            .status,
        303
    );
    let key = [("name", "bob"), ("all_models", "on")];
    let issued = admin
        .submit("/admin/api-keys/new", "/admin/api-keys", &key)
        .await
        .text();
    let at = issued.find("sk-mg-").expect("the key, once");
    let issued: String = issued[at..]
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let password = [
        ("password", ADMIN.1),
        ("new_password", SECRETS[3]),
        ("new_password_again", SECRETS[3]),
        ("old_password", ADMIN.1),
        ("current_password", ADMIN.1),
        ("password_again", SECRETS[3]),
    ];
    let changed = admin
        .submit("/account", "/account/password", &password)
        .await;
    assert_eq!(changed.status, 303, "{}", changed.text());

    let page = admin.get("/admin/audit").await.text();
    let file = admin.get("/admin/audit/export?format=jsonl").await.text();
    assert!(
        page.contains("canary")
            && file.contains("provider_key.update")
            && file.contains("user.password")
    );
    for secret in SECRETS
        .iter()
        .chain(&[VENDOR_KEY, KEY, ADMIN.1, issued.as_str()])
    {
        assert!(!page.contains(secret) && !file.contains(secret), "{secret}");
    }
}

on_each_engine!(no_secret_gets_into_it);

async fn the_old_address_of_the_phone_leads_home(app: &TestApp) {
    let admin = app.admin().await;
    let answer = admin.get("/admin/m").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/admin/home")
    );
    let nobody = app.visitor().get("/admin/m").await;
    assert_eq!(nobody.header("location"), "/login?to=/admin/m");
}

on_each_engine!(the_old_address_of_the_phone_leads_home);
