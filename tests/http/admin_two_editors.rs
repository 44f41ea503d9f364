//! Two people at one form: the second to save is told what the first has changed, keeps what he typed, and overwrites
//! only where he says so.

use modelgate_domain::Role;

use crate::admin_documents::write;
use crate::on_each_engine;
use crate::support::{Answer, Browser, TestApp, form_fields};

type Fields = Vec<(String, String)>;

/// One kind of form.
struct Kind {
    /// Where it is shown.
    page: String,
    /// Where it posts.
    action: String,
    /// What tells it from others that post there.
    mark: Option<(&'static str, &'static str)>,
    /// The field that both change.
    field: &'static str,
    /// What the page calls it.
    label: &'static str,
    values: [&'static str; 3],
}

impl Kind {
    fn new(
        page: &str,
        field: &'static str,
        label: &'static str,
        values: [&'static str; 3],
    ) -> Self {
        Self {
            page: page.to_owned(),
            action: page.to_owned(),
            mark: None,
            field,
            label,
            values,
        }
    }

    fn posting(mut self, to: &str, mark: Option<(&'static str, &'static str)>) -> Self {
        to.clone_into(&mut self.action);
        self.mark = mark;
        self
    }

    fn fields(&self, html: &str) -> Fields {
        form_fields(html, &self.action, self.mark)
    }

    async fn open(&self, browser: &Browser) -> Fields {
        let page = browser.get(&self.page).await;
        assert_eq!(page.status, 200, "{}", self.page);
        self.fields(&page.text())
    }

    async fn save(&self, browser: &Browser, form: &Fields) -> Answer {
        browser.send_form(&self.action, form).await
    }

    /// What is stored, as the form shows it.
    async fn stored(&self, browser: &Browser) -> String {
        value(&self.open(browser).await, self.field).to_owned()
    }
}

fn value<'a>(form: &'a Fields, name: &str) -> &'a str {
    let found = form.iter().find(|(n, _)| n == name);
    found.map_or("", |(_, value)| value.trim())
}

fn with(form: &Fields, name: &str, value: &str) -> Fields {
    let mut form = form.clone();
    form.retain(|(n, _)| n != name);
    form.push((name.to_owned(), value.to_owned()));
    form
}

/// The value of the button that saves all the same.
fn over(answer: &Answer) -> String {
    let text = answer.text();
    let start = text
        .find("name=\"version_over\" value=\"")
        .expect("the button")
        + 27;
    text[start..].chars().take_while(|c| *c != '"').collect()
}

/// Every form that changes something which is there already.
async fn kinds(app: &TestApp, admin: &Browser) -> Vec<Kind> {
    let document = write(admin, &[("title_en", "Rules"), ("audience", "holders")]).await;
    let announced = [
        ("text_en", "Hello"),
        ("severity", "info"),
        ("starts_at", "2020-01-01T00:00"),
    ];
    let list = "/admin/announcements";
    let made = admin.submit(&format!("{list}/new"), list, &announced).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let rules = "/admin/config/errors";
    let rule = [
        ("status", "418"),
        ("meaning", "overloaded"),
        ("note", "tea"),
        ("enabled", "on"),
    ];
    let made = admin.submit(&format!("{rules}/new"), rules, &rule).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let busyness = "/admin/config/busyness";
    let busy = [
        ("rule-0-from", "busy"),
        ("rule-0-action", "block"),
        ("rule-0-on", "on"),
    ];
    assert_eq!(admin.submit(busyness, busyness, &busy).await.status, 303);
    let texts = ["first", "second", "third"];
    let numbers = ["5", "6", "7"];
    let account = app.add_account("carol", Role::User).await;
    let model = "/admin/config/models/1";
    let provider = "/admin/config/providers/1";
    let newest = |html: &str, list: &str| -> i64 {
        let below = format!("{list}/");
        let ids = html.match_indices(&below).filter_map(|(at, found)| {
            let rest = &html[at + found.len()..];
            let id: String = rest.chars().take_while(char::is_ascii_digit).collect();
            id.parse().ok()
        });
        ids.max().expect("a row")
    };
    let announced = newest(&admin.get(list).await.text(), list);
    let rule = newest(&admin.get(rules).await.text(), rules);
    vec![
        Kind::new(provider, "display_name", "shown name", texts),
        Kind::new(&format!("{provider}/keys/1"), "weight", "weight", numbers),
        Kind::new(model, "display_name", "shown name", texts),
        Kind::new(model, "priority", "rank", numbers).posting(&format!("{model}/targets/1"), None),
        Kind::new(
            model,
            "input",
            "price of input",
            ["0.0000375", "0.1234567", "15"],
        )
        .posting(&format!("{model}/price"), None),
        Kind::new("/admin/api-keys/1", "note", "note", texts),
        Kind::new(
            &format!("/admin/users/{}", account.0),
            "display_name",
            "shown name",
            texts,
        ),
        Kind::new("/admin/system-config", "value", "value", numbers)
            .posting("/admin/system-config", Some(("key", "drain_delay"))),
        Kind::new(&document, "title_en", "title in English", texts),
        Kind::new(
            &format!("{list}/{announced}"),
            "text_en",
            "text in English",
            texts,
        ),
        Kind::new(&format!("{rules}/{rule}"), "note", "note", texts),
        Kind::new(busyness, "rule-0-message", "rule › 1 › message", texts),
        Kind::new(
            "/admin/scheduler/backup",
            "cron",
            "times",
            ["0 5 * * *", "0 6 * * *", "0 7 * * *"],
        ),
    ]
}

async fn the_second_to_save_is_told_and_loses_nothing(app: &TestApp) {
    app.add_account("olga", Role::Admin).await;
    let (admin, olga) = (app.admin().await, app.account("olga").await);
    for kind in kinds(app, &admin).await {
        let (name, [theirs, mine, later]) = (&kind.action, kind.values);
        let (first, second) = (kind.open(&olga).await, kind.open(&admin).await);
        let saved = kind.save(&olga, &with(&first, kind.field, theirs)).await;
        assert_eq!(saved.status, 303, "{name}: {}", saved.text());

        let form = with(&second, kind.field, mine);
        let refused = kind.save(&admin, &form).await;
        let html = refused.text();
        assert_eq!(refused.status, 422, "{name}: {html}");
        for told in [
            "olga changed this after you had opened the form.",
            &format!(
                "<li><strong>{}</strong> is now: {theirs}; yours: {mine}",
                kind.label
            ),
        ] {
            assert!(html.contains(told), "{name} says {told}: {html}");
        }
        assert_eq!(
            kind.stored(&admin).await,
            theirs,
            "{name}: nothing was saved"
        );

        // what was typed is still there, and the usual button refuses as before
        let again = kind.fields(&html);
        assert_eq!(value(&again, kind.field), mine, "{name}");
        let still = kind
            .save(&admin, &with(&again, "csrf", value(&form, "csrf")))
            .await;
        assert_eq!(still.status, 422, "{name}");

        // the other button saves over what it was shown with, and over nothing that came later
        let button = over(&still);
        let third = with(&kind.open(&olga).await, kind.field, later);
        assert_eq!(kind.save(&olga, &third).await.status, 303, "{name}");
        let anyway = with(&again, "version_over", &button);
        let refused = kind.save(&admin, &anyway).await;
        assert_eq!(refused.status, 422, "{name}");
        let anyway = with(&again, "version_over", &over(&refused));
        let saved = kind.save(&admin, &anyway).await;
        assert_eq!(saved.status, 303, "{name}: {}", saved.text());
        assert_eq!(kind.stored(&olga).await, mine, "{name}");
    }
}

on_each_engine!(the_second_to_save_is_told_and_loses_nothing);

async fn of_two_that_save_at_once_one_wins(app: &TestApp) {
    app.add_account("olga", Role::Admin).await;
    let (admin, olga) = (app.admin().await, app.account("olga").await);
    for kind in kinds(app, &admin).await {
        let [theirs, mine, _] = kind.values;
        let (first, second) = (kind.open(&olga).await, kind.open(&admin).await);
        let (first, second) = (
            with(&first, kind.field, theirs),
            with(&second, kind.field, mine),
        );
        let (a, b) = tokio::join!(kind.save(&olga, &first), kind.save(&admin, &second));
        let mut told = [a.status, b.status];
        told.sort_unstable();
        assert_eq!(told, [303, 422], "{}", kind.action);
        let won = if a.status == 303 { theirs } else { mine };
        assert_eq!(kind.stored(&admin).await, won, "{}", kind.action);
    }
}

on_each_engine!(of_two_that_save_at_once_one_wins);

async fn what_undoes_nothing_is_saved(app: &TestApp) {
    app.add_account("olga", Role::Admin).await;
    let (admin, olga) = (app.admin().await, app.account("olga").await);
    let kind = Kind::new(
        "/admin/config/providers/1",
        "display_name",
        "shown name",
        [""; 3],
    );
    let form = kind.open(&admin).await;
    // pressed twice: the second asks for what is stored already
    let twice = with(&form, "display_name", "Acme");
    for _ in 0..2 {
        assert_eq!(kind.save(&admin, &twice).await.status, 303);
    }
    // another field: what the form still shows of the first would undo it, and it is told by the actor's own name
    let other = with(&form, "idle_timeout_ms", "7000");
    let refused = kind.save(&admin, &other).await;
    let html = refused.text();
    assert_eq!(refused.status, 422);
    assert!(
        html.contains("You changed this yourself after you had opened this form"),
        "{html}"
    );
    assert!(
        html.contains("<li><strong>shown name</strong> is now: Acme; yours: nothing"),
        "{html}"
    );
    // a renamed thing is found in the audit log under the name that the form knows
    let form = kind.open(&admin).await;
    let renamed = with(&kind.open(&olga).await, "name", "acme-2");
    assert_eq!(kind.save(&olga, &renamed).await.status, 303);
    let refused = kind.save(&admin, &with(&form, "display_name", "x")).await;
    assert!(
        refused.text().contains("olga changed this"),
        "{}",
        refused.text()
    );
    let chinese = admin.clone().speaking("zh");
    chinese
        .submit("/account", "/account/preferences", &[("language", "zh")])
        .await;
    let refused = kind.save(&chinese, &with(&form, "display_name", "x")).await;
    assert_eq!(refused.status, 422);
}

on_each_engine!(what_undoes_nothing_is_saved);

async fn the_change_of_a_secret_is_not_undone(app: &TestApp) {
    app.add_account("olga", Role::Admin).await;
    let (admin, olga) = (app.admin().await, app.account("olga").await);
    let page = "/admin/config/providers/1/keys/1";
    let kind = Kind::new(page, "secret", "secret", [""; 3]);
    let (first, second) = (kind.open(&olga).await, kind.open(&admin).await);
    let theirs = with(&first, "secret", "sk-up-other-canary-0001");
    assert_eq!(kind.save(&olga, &theirs).await.status, 303);
    // who brings no secret leaves it as it is
    let weight = with(&second, "weight", "7");
    assert_eq!(kind.save(&admin, &weight).await.status, 303);
    let mine = with(&second, "secret", "sk-up-third-canary-0002");
    let refused = kind.save(&admin, &with(&mine, "weight", "7")).await;
    let html = refused.text();
    assert_eq!(refused.status, 422);
    assert!(
        html.contains("secret, last four signs</strong> is now: 0001"),
        "{html}"
    );
    assert!(!html.contains("canary-0002"), "a secret does not come back");
}

on_each_engine!(the_change_of_a_secret_is_not_undone);
