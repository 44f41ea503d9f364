//! Who may do what: every route as every role.

use modelgate::web::{self, Listed};
use modelgate_domain::{Permission, Role};

use crate::on_each_engine;
use crate::support::{Answer, Browser, TestApp};

/// What a route asks of the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    Nothing,
    Account,
    /// An API key of one's own, or an account.
    Key,
    Role(Permission),
}

const LOOK: Asks = Asks::Role(Permission::Look);
const OPERATE: Asks = Asks::Role(Permission::Operate);
const SECRETS: Asks = Asks::Role(Permission::Secrets);
const DELETE: Asks = Asks::Role(Permission::Delete);
const CONFIGURE: Asks = Asks::Role(Permission::Configure);
const ACCOUNTS: Asks = Asks::Role(Permission::Accounts);

/// A route without a row here fails the test: whoever adds one says for whom it is.
#[rustfmt::skip]
const ROUTES: &[(&str, &str, Asks)] = &[
    ("GET", "", Asks::Nothing),
    ("GET", "/", Asks::Nothing),
    ("GET", "/documents", Asks::Nothing),
    ("GET", "/documents/{id}", Asks::Nothing),
    ("GET", "/documents/{id}/files/{file}", Asks::Nothing),
    ("GET", "/login", Asks::Nothing),
    ("POST", "/login", Asks::Nothing),
    ("POST", "/logout", Asks::Nothing),
    ("GET", "/handover/{token}", Asks::Nothing),
    ("POST", "/handover/{token}", Asks::Nothing),
    ("GET", "/setup/{token}", Asks::Nothing),
    ("POST", "/setup/{token}", Asks::Nothing),
    ("GET", "/user", Asks::Key),
    ("GET", "/user/", Asks::Key),
    ("GET", "/user/login", Asks::Nothing),
    ("POST", "/user/login", Asks::Nothing),
    ("GET", "/user/dashboard", Asks::Key),
    ("GET", "/user/requests/{id}", Asks::Key),
    ("GET", "/user/export/calls", Asks::Key),
    ("GET", "/user/export/days", Asks::Key),
    ("GET", "/user/export/report", Asks::Key),
    ("GET", "/user/models", Asks::Key),
    ("GET", "/user/models/phrased", Asks::Key),
    ("GET", "/user/notifications", Asks::Key),
    ("POST", "/user/notifications/read", Asks::Key),
    ("POST", "/user/notifications/dismiss", Asks::Key),
    ("GET", "/user/documents", Asks::Key),
    ("GET", "/user/documents/{id}", Asks::Key),
    ("GET", "/user/playground", Asks::Key),
    ("POST", "/user/playground", Asks::Key),
    ("POST", "/user/playground/stream", Asks::Key),
    ("POST", "/user/playground/prose", Asks::Key),
    ("GET", "/user/playground/receipt/{id}", Asks::Key),
    ("GET", "/user/tools", Asks::Key),
    ("GET", "/user/tools/{id}/file", Asks::Key),
    ("POST", "/user/tools/{id}/file", Asks::Key),
    ("POST", "/user/tools/link", Asks::Key),
    ("POST", "/user/tools/merge", Asks::Key),
    ("GET", "/user/tools/renew", Asks::Key),
    ("POST", "/user/tools/renew", Asks::Key),
    ("POST", "/user/tools/test", Asks::Key),
    ("GET", "/opencode/setup.md", Asks::Nothing),
    ("GET", "/opencode/opencode.json", Asks::Key),
    ("GET", "/account", Asks::Account),
    ("POST", "/account/preferences", Asks::Account),
    ("POST", "/account/password", Asks::Account),
    ("POST", "/account/sessions/end", Asks::Account),
    ("POST", "/account/sessions/end-others", Asks::Account),
    ("GET", "/admin", LOOK),
    ("GET", "/admin/", LOOK),
    ("GET", "/admin/m", LOOK),
    ("GET", "/admin/home", LOOK),
    ("GET", "/admin/monitor", LOOK),
    ("GET", "/admin/monitor/export", LOOK),
    ("GET", "/admin/logs", LOOK),
    ("GET", "/admin/logs/export", LOOK),
    ("GET", "/admin/logs/count", LOOK),
    ("POST", "/admin/logs/views", LOOK),
    ("POST", "/admin/logs/views/opening", LOOK),
    ("POST", "/admin/logs/views/{id}/delete", LOOK),
    ("GET", "/admin/logs/{id}", LOOK),
    ("GET", "/admin/system-config", LOOK),
    ("POST", "/admin/system-config", CONFIGURE),
    ("GET", "/admin/storage", LOOK),
    ("GET", "/admin/errors", LOOK),
    ("POST", "/admin/errors", OPERATE),
    ("GET", "/admin/errors/{report}", LOOK),
    ("GET", "/admin/errors/{report}/markdown", LOOK),
    ("GET", "/admin/errors/{report}/document", LOOK),
    ("GET", "/admin/scheduler", LOOK),
    ("GET", "/admin/scheduler/{job}", LOOK),
    ("POST", "/admin/scheduler/{job}", CONFIGURE),
    ("POST", "/admin/scheduler/{job}/pause", CONFIGURE),
    ("POST", "/admin/scheduler/{job}/run", OPERATE),
    ("POST", "/admin/scheduler/{job}/cancel", OPERATE),
    ("GET", "/admin/config/busyness", LOOK),
    ("POST", "/admin/config/busyness", OPERATE),
    ("GET", "/admin/config/errors", LOOK),
    ("POST", "/admin/config/errors", OPERATE),
    ("GET", "/admin/config/errors/new", OPERATE),
    ("GET", "/admin/config/errors/{id}", LOOK),
    ("POST", "/admin/config/errors/{id}", OPERATE),
    ("POST", "/admin/config/errors/{id}/move", OPERATE),
    ("POST", "/admin/config/errors/{id}/switch", OPERATE),
    ("GET", "/admin/config/errors/{id}/delete", DELETE),
    ("POST", "/admin/config/errors/{id}/delete", DELETE),
    ("GET", "/admin/explain", LOOK),
    ("POST", "/admin/explain", LOOK),
    ("GET", "/admin/start", LOOK),
    ("POST", "/admin/start/test", OPERATE),
    ("GET", "/admin/config", LOOK),
    ("GET", "/admin/config/providers", LOOK),
    ("POST", "/admin/config/providers", SECRETS),
    ("GET", "/admin/config/providers/new", SECRETS),
    ("GET", "/admin/config/providers/{id}/selftest", LOOK),
    ("POST", "/admin/config/providers/{id}/selftest", OPERATE),
    ("GET", "/admin/config/providers/{id}", LOOK),
    ("POST", "/admin/config/providers/{id}", SECRETS),
    ("GET", "/admin/config/providers/{id}/delete", DELETE),
    ("POST", "/admin/config/providers/{id}/delete", DELETE),
    ("POST", "/admin/config/providers/{id}/keys", SECRETS),
    ("GET", "/admin/config/providers/{id}/keys/{key}", LOOK),
    ("POST", "/admin/config/providers/{id}/keys/{key}", OPERATE),
    ("GET", "/admin/config/providers/{id}/keys/{key}/delete", DELETE),
    ("POST", "/admin/config/providers/{id}/keys/{key}/delete", DELETE),
    ("POST", "/admin/config/providers/{id}/keys/{key}/test", OPERATE),
    ("POST", "/admin/config/providers/{id}/models/fetch", OPERATE),
    ("POST", "/admin/config/providers/{id}/models", OPERATE),
    ("GET", "/admin/config/models", LOOK),
    ("POST", "/admin/config/models", OPERATE),
    ("GET", "/admin/config/models/new", OPERATE),
    ("GET", "/admin/config/models/catalogue", LOOK),
    ("POST", "/admin/config/models/catalogue", OPERATE),
    ("GET", "/admin/config/models/{id}", LOOK),
    ("POST", "/admin/config/models/{id}", OPERATE),
    ("GET", "/admin/config/models/{id}/delete", DELETE),
    ("POST", "/admin/config/models/{id}/delete", DELETE),
    ("POST", "/admin/config/models/{id}/price", OPERATE),
    ("POST", "/admin/config/models/{id}/targets", OPERATE),
    ("POST", "/admin/config/models/{id}/targets/order", OPERATE),
    ("POST", "/admin/config/models/{id}/targets/{target}", OPERATE),
    ("GET", "/admin/api-keys", LOOK),
    ("POST", "/admin/api-keys", SECRETS),
    ("GET", "/admin/api-keys/new", SECRETS),
    ("POST", "/admin/api-keys/bulk", OPERATE),
    ("POST", "/admin/api-keys/bulk/revoke", DELETE),
    ("GET", "/admin/api-keys/{id}", LOOK),
    ("POST", "/admin/api-keys/{id}", OPERATE),
    ("GET", "/admin/api-keys/{id}/revoke", DELETE),
    ("POST", "/admin/api-keys/{id}/revoke", DELETE),
    ("GET", "/admin/notifications", LOOK),
    ("POST", "/admin/notifications/read", LOOK),
    ("GET", "/admin/announcements", LOOK),
    ("POST", "/admin/announcements", OPERATE),
    ("GET", "/admin/announcements/new", OPERATE),
    ("GET", "/admin/announcements/{id}", LOOK),
    ("POST", "/admin/announcements/{id}", OPERATE),
    ("GET", "/admin/announcements/{id}/delete", DELETE),
    ("POST", "/admin/announcements/{id}/delete", DELETE),
    ("GET", "/admin/reports", LOOK),
    ("POST", "/admin/reports", OPERATE),
    ("POST", "/admin/reports/{id}/cancel", OPERATE),
    ("GET", "/admin/reports/{id}/delete", DELETE),
    ("POST", "/admin/reports/{id}/delete", DELETE),
    ("GET", "/admin/reports/{id}/files/{name}", LOOK),
    ("GET", "/admin/documents", LOOK),
    ("POST", "/admin/documents", OPERATE),
    ("GET", "/admin/documents/new", OPERATE),
    ("GET", "/admin/documents/{id}", LOOK),
    ("POST", "/admin/documents/{id}", OPERATE),
    ("GET", "/admin/documents/{id}/delete", DELETE),
    ("POST", "/admin/documents/{id}/delete", DELETE),
    ("POST", "/admin/documents/{id}/files", OPERATE),
    ("GET", "/admin/documents/{id}/files/{file}/delete", DELETE),
    ("POST", "/admin/documents/{id}/files/{file}/delete", DELETE),
    ("GET", "/admin/audit", LOOK),
    ("GET", "/admin/audit/export", LOOK),
    ("GET", "/admin/api-keys/{id}/sheet", LOOK),
    ("POST", "/admin/api-keys/{id}/rotate", SECRETS),
    ("POST", "/admin/api-keys/{id}/previous/end", SECRETS),
    ("POST", "/admin/api-keys/{id}/link/end", SECRETS),
    ("GET", "/admin/usage", LOOK),
    ("GET", "/admin/users", LOOK),
    ("POST", "/admin/users", ACCOUNTS),
    ("GET", "/admin/users/new", ACCOUNTS),
    ("GET", "/admin/users/{id}", LOOK),
    ("POST", "/admin/users/{id}", ACCOUNTS),
    ("GET", "/admin/users/{id}/delete", ACCOUNTS),
    ("POST", "/admin/users/{id}/delete", ACCOUNTS),
    ("POST", "/admin/users/{id}/link", ACCOUNTS),
    ("POST", "/preferences", Asks::Nothing),
];

fn key(route: &Listed) -> (String, String) {
    (route.method.to_string(), route.path.clone())
}

#[test]
fn every_route_has_its_row() {
    let listed: Vec<_> = web::route_list().iter().map(key).collect();
    for (method, path) in &listed {
        let has_row = ROUTES.iter().any(|(m, p, _)| m == method && p == path);
        assert!(has_row, "{method} {path} has no row in tests/http/roles.rs");
    }
    for (method, path, _) in ROUTES {
        let is_there = listed.iter().any(|(m, p)| m == method && p == path);
        assert!(is_there, "{method} {path} is no route any more");
    }
}

/// The answer to a request that gets past the guard but changes nothing: posts carry no token.
async fn ask(browser: &Browser, method: &str, path: &str) -> Answer {
    let path = path
        .split('/')
        .map(|part| {
            if part.starts_with('{') {
                "999999999"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/");
    match method {
        "GET" => browser.get(&path).await,
        _ => browser.post(&path, &[], None, false).await,
    }
}

/// What became of the request as far as the guard goes.
#[derive(Debug, PartialEq, Eq)]
enum Became {
    In,
    Forbidden,
    SentToLogin,
}

fn became(answer: &Answer) -> Became {
    if answer.status == 403
        && answer
            .text()
            .contains("Your account may not see or do this")
    {
        Became::Forbidden
    } else if answer.status == 303
        && ["/login", "/user/login"]
            .iter()
            .any(|to| answer.header("location").starts_with(to))
    {
        Became::SentToLogin
    } else {
        assert!(answer.status < 500, "{} {}", answer.status, answer.text());
        Became::In
    }
}

async fn a_role_gets_where_the_table_says_and_no_further(app: &TestApp) {
    for role in Role::ALL {
        app.add_account(role.as_str(), *role).await;
        let browser = app.account(role.as_str()).await;
        for (method, path, asks) in ROUTES {
            let expected = match asks {
                Asks::Role(permission) if !role.may(*permission) => Became::Forbidden,
                _ => Became::In,
            };
            let answer = ask(&browser, method, path).await;
            if path.ends_with("/login") {
                continue;
            }
            assert_eq!(became(&answer), expected, "{role}: {method} {path}");
        }
    }
    let nobody = app.visitor();
    for (method, path, asks) in ROUTES {
        let expected = match asks {
            Asks::Nothing => Became::In,
            _ => Became::SentToLogin,
        };
        let answer = ask(&nobody, method, path).await;
        assert_eq!(became(&answer), expected, "nobody: {method} {path}");
    }
}

on_each_engine!(a_role_gets_where_the_table_says_and_no_further);

async fn an_operator_changes_neither_secrets_nor_ends_anything(app: &TestApp) {
    app.add_account("olga", Role::Operator).await;
    let olga = app.account("olga").await;
    let page = olga.get("/admin/config/providers").await.text();
    let at = page.find("/admin/config/providers/").expect("a provider");
    let provider: String = page[at..].chars().take_while(|c| *c != '"').collect();
    let provider = if provider.ends_with("new") {
        let at = page.rfind("/admin/config/providers/").expect("a provider");
        page[at..].chars().take_while(|c| *c != '"').collect()
    } else {
        provider
    };
    let page = olga.get(&provider).await.text();
    let at = page
        .rfind(&format!("{provider}/keys/"))
        .expect("a credential");
    let credential: String = page[at..].chars().take_while(|c| *c != '"').collect();
    let credential = credential.trim_end_matches("/test").to_owned();
    let form = olga.get(&credential).await.text();
    assert!(
        !form.contains("name=\"secret\"") && !form.contains("/delete"),
        "not offered"
    );
    let fields = [("label", "main"), ("weight", "100"), ("enabled", "on")];
    let saved = olga.submit(&credential, &credential, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let with_secret = [fields[0], fields[1], fields[2], ("secret", "sk-mine")];
    let refused = olga.submit(&credential, &credential, &with_secret).await;
    assert_eq!(refused.status, 403);
}

on_each_engine!(an_operator_changes_neither_secrets_nor_ends_anything);

/// An owner may issue another secret: who may not issue secrets hands no key to anybody, and least to themselves.
async fn an_operator_makes_no_key_their_own(app: &TestApp) {
    let olga_id = app.add_account("olga", Role::Operator).await.to_string();
    let ann_id = app.add_account("ann", Role::User).await;
    let ann = ann_id.to_string();
    app.change_key(move |key| key.user_id = ann_id).await;
    let key = app.key().await;
    let at = format!("/admin/api-keys/{}", key.id);
    let olga = app.account("olga").await;
    let page = olga.get(&at).await.text();
    assert!(!page.contains("name=\"owner\"") && page.contains("Whoever may issue secrets"));
    let fields = [("name", "alice"), ("enabled", "on"), ("all_models", "on")];
    for owner in [olga_id.as_str(), "", "nonsense"] {
        let mut stolen = fields.to_vec();
        stolen.push(("owner", owner));
        let refused = olga.submit(&at, &at, &stolen).await;
        assert_eq!(refused.status, 403, "{owner:?}");
        // the second of two counts no more than the first
        stolen.insert(0, ("owner", ann.as_str()));
        assert_eq!(olga.submit(&at, &at, &stolen).await.status, 403);
    }
    let wrong = [("name", ""), ("all_models", "on")];
    let again = olga.submit(&at, &at, &wrong).await;
    assert_eq!(again.status, 422);
    assert!(again.text().contains("ann"), "whose it is stays to be seen");
    let mut noted = fields.to_vec();
    noted.push(("note", "seen"));
    let saved = olga.submit(&at, &at, &noted).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let bulk = [
        ("id", &*key.id.to_string()),
        ("act", "tag"),
        ("tags", "x"),
        ("owner", &olga_id),
    ];
    let many = olga
        .submit("/admin/api-keys", "/admin/api-keys/bulk", &bulk)
        .await;
    assert_eq!(many.status, 303);
    let after = app.key().await;
    assert_eq!((after.user_id, &*after.note), (ann_id, "seen"));
    app.wait_for_newest_generation().await;
    let token = olga.token("/account").await;
    let id = key.id.to_string();
    let renew = olga
        .post("/user/tools/renew", &[("key", &id)], Some(&token), false)
        .await;
    assert_eq!(renew.status, 404);
    // and whoever may issue secrets may
    let admin = app.admin().await;
    let mut given = fields.to_vec();
    given.push(("owner", &olga_id));
    assert_eq!(admin.submit(&at, &at, &given).await.status, 303);
    assert_eq!(app.key().await.user_id.to_string(), olga_id);
}

on_each_engine!(an_operator_makes_no_key_their_own);
