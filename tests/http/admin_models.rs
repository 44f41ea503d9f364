//! Models: which names the pages refuse.

use crate::on_each_engine;
use crate::support::{Browser, TestApp, form_fields};

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

/// The address of the model of this name.
async fn address_of(admin: &Browser, name: &str) -> String {
    let list = admin.get(MODELS).await.text();
    let end = list.find(&format!("\">{name}</a>")).expect("the model");
    let start = list[..end].rfind("href=\"").expect("a link") + 6;
    list[start..end].to_owned()
}

async fn a_model_gets_its_rules_in_one_form(app: &TestApp) {
    let admin = app.admin().await;
    let (model, other) = (
        address_of(&admin, "gpt-x").await,
        address_of(&admin, "embed-x").await,
    );
    let other = other.rsplit('/').next().unwrap().to_owned();
    let fields = [
        ("settings", "1"),
        ("name", "gpt-x"),
        ("kind", "chat"),
        ("enabled", "on"),
        ("strategy", "least_busy"),
        ("affinity", "on"),
        ("fallback-0-model", other.as_str()),
        ("fallback-0-cause", "overloaded"),
        ("fallback-1-model", ""),
        ("max_concurrency", "100"),
        ("max_concurrency_mode", "enforce"),
        ("budget-0-amount", "50"),
        ("budget-0-currency", "USD"),
        ("budget-0-period", "week"),
    ];
    assert_eq!(admin.submit(&model, &model, &fields).await.status, 303);
    let page = admin.get(&model).await.text();
    for told in [
        "<option value=\"least_busy\" selected>",
        "<option value=\"overloaded\" selected>",
        "At most 100 calls at once, 50 USD a week",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    for (name, value, why) in [
        ("strategy", "fastest", "Choose one of the list."),
        ("fallback-0-cause", "boredom", "Choose one of the list."),
        ("fallback-0-model", "999", "Choose one of the list."),
        ("max_concurrency", "x", "A whole number from 1"),
    ] {
        let mut wrong: Vec<_> = fields
            .into_iter()
            .filter(|(n, _)| *n != name && *n != "enabled")
            .collect();
        wrong.push((name, value));
        let refused = admin.submit(&model, &model, &wrong).await;
        let text = refused.text();
        assert!(
            refused.status == 422 && text.contains(why),
            "{name}: {text}"
        );
    }
    let more: Vec<_> = fields.into_iter().chain([("more", "fallback")]).collect();
    let more = admin.submit(&model, &model, &more).await;
    assert!(more.status == 200 && more.text().contains("name=\"fallback-2-model\""));
    assert_eq!(admin.post(&model, &fields, None, false).await.status, 403);

    let start = page
        .find(&format!("action=\"{model}/targets/"))
        .expect("a target")
        + 8;
    let target: String = page[start..].chars().take_while(|c| *c != '"').collect();
    let only_quiet = [
        ("priority", "1"),
        ("weight", "100"),
        ("enabled", "on"),
        ("busyness_at_most", "idle"),
    ];
    assert_eq!(admin.submit(&model, &target, &only_quiet).await.status, 303);
    assert!(
        admin
            .get(&model)
            .await
            .text()
            .contains("<option value=\"idle\" selected>")
    );
}

on_each_engine!(a_model_gets_its_rules_in_one_form);

/// A second target for `gpt-x`.
fn two_targets(base_url: &str) -> String {
    let one = "targets = [ { provider = \"acme\", upstream_model = \"gpt-x-2026\", priority = 1, weight = 100 } ]";
    let two = "targets = [ { provider = \"acme\", upstream_model = \"gpt-x-2026\", priority = 1, weight = 100 }, { provider = \"acme\", upstream_model = \"second\", priority = 5, weight = 70, busyness_at_most = \"busy\" } ]";
    crate::support::provisioning(base_url).replace(one, two)
}

async fn targets_change_places_by_a_button_or_a_drop(app: &TestApp) {
    let admin = app.admin().await;
    let model = address_of(&admin, "gpt-x").await;
    let order = format!("{model}/targets/order");
    // the rows of the page in their order, with their ranks
    let shown = async || {
        let page = admin.get(&model).await.text();
        let rows = page.split("data-row=\"").skip(1);
        rows.map(|row| {
            let id: String = row.chars().take_while(char::is_ascii_digit).collect();
            let name = if row.contains("<code>second</code>") {
                "second"
            } else {
                "first"
            };
            let at = row.find("max=\"1000\" required value=\"").unwrap() + 27;
            let rank: String = row[at..].chars().take_while(char::is_ascii_digit).collect();
            (id, name, rank)
        })
        .collect::<Vec<_>>()
    };
    let names = |rows: &[(String, &'static str, String)]| {
        let rows = rows.iter();
        rows.map(|(_, name, rank)| format!("{name} {rank}"))
            .collect::<Vec<_>>()
    };
    let rows = shown().await;
    assert_eq!(names(&rows), ["first 1", "second 5"]);
    let (first, second) = (rows[0].0.clone(), rows[1].0.clone());
    let moved = [("target", second.as_str()), ("move", "up"), ("weight", "3")];
    assert_eq!(admin.submit(&model, &order, &moved).await.status, 303);
    assert_eq!(names(&shown().await), ["second 1", "first 2"]);
    let page = admin.get(&model).await.text();
    assert!(
        page.contains("value=\"70\"") && page.contains("value=\"busy\" selected"),
        "the rest stays"
    );

    let dropped = [("target", first.as_str()), ("before", second.as_str())];
    assert_eq!(admin.submit(&model, &order, &dropped).await.status, 303);
    assert_eq!(names(&shown().await), ["first 1", "second 2"]);
    let to_the_end = [("target", first.as_str()), ("before", "")];
    assert_eq!(admin.submit(&model, &order, &to_the_end).await.status, 303);
    assert_eq!(names(&shown().await), ["second 1", "first 2"]);
    for wrong in [("target", "999"), ("target", "x")] {
        assert_eq!(admin.submit(&model, &order, &[wrong]).await.status, 400);
    }
    let elsewhere = [("target", first.as_str()), ("before", "999")];
    assert_eq!(admin.submit(&model, &order, &elsewhere).await.status, 400);
    let audit = app
        .db()
        .read(|c| Box::pin(modelgate_store::audit::list(c, None, 50)))
        .await
        .unwrap();
    let orders = audit
        .rows
        .iter()
        .filter(|line| line.action == "target.order");
    assert_eq!(orders.count(), 3);
}

on_each_engine!(targets_change_places_by_a_button_or_a_drop, |engine| {
    crate::support::Setup {
        apply: Some(two_targets),
        ..crate::support::Setup::on(engine)
    }
});

async fn prices_are_shown_as_they_were_typed(app: &TestApp) {
    let admin = app.admin().await;
    let model = address_of(&admin, "gpt-x").await;
    let action = format!("{model}/price");
    let amounts = ["0.0000375", "0.1234567", "15"];
    let fields = [
        ("currency", "USD"),
        ("input", amounts[0]),
        ("cached_input", amounts[1]),
        ("output", amounts[2]),
        ("cache_write", "0.000000001"),
        ("reasoning", "12.5"),
        ("per_request", "0.00000025"),
    ];
    let saved = admin.submit(&model, &action, &fields).await;
    assert_eq!(saved.status, 303, "{}", saved.text());
    let page = admin.get(&model).await.text();
    let form = form_fields(&page, &action, None);
    for (name, amount) in fields {
        let shown = form.iter().find(|(n, _)| n == name);
        assert_eq!(
            shown.map(|(_, value)| value.as_str()),
            Some(amount),
            "{name}"
        );
        assert!(
            name == "currency" || page.contains(&format!(">{amount}</td>")),
            "{name} of the list"
        );
    }
    // saved as it is: nothing new
    let again = admin.send_form(&action, &form).await;
    assert_eq!(again.status, 303);
    let page = admin.get(&model).await.text();
    assert_eq!(page.matches(">0.0000375</td>").count(), 1, "{page}");
    let list = admin.get(MODELS).await.text();
    assert!(list.contains("0.0000375") && list.contains("15"), "{list}");
    app.wait_for_newest_generation().await;

    // the receipt, and what a holder sees
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let row = app.only_log().await;
    let receipt = admin
        .get(&format!("/admin/logs/{}", row.record.id))
        .await
        .text();
    assert!(
        receipt.contains("$ 0.0000375") && receipt.contains("$ 0.00000025"),
        "{receipt}"
    );
    let holder = app.visitor();
    let login = [("key", crate::support::KEY)];
    assert_eq!(
        holder
            .submit("/user/login", "/user/login", &login)
            .await
            .status,
        303
    );
    let own = holder.get("/user/models").await.text();
    for amount in amounts {
        assert!(own.contains(&format!("$ {amount}")), "{amount}: {own}");
    }
    let told = admin.get("/admin/audit?what=price.create").await.text();
    assert!(
        told.contains("0.0000375") && told.contains("0.000000001"),
        "{told}"
    );
}

on_each_engine!(prices_are_shown_as_they_were_typed);

async fn a_target_has_a_price_of_its_own(app: &TestApp) {
    let admin = app.admin().await;
    let model = address_of(&admin, "gpt-x").await;
    let first = admin.get(&model).await.text();
    let at = first.find("?price=").expect("a target to choose") + "?price=".len();
    let target: String = first[at..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let (shown, action) = (format!("{model}?price={target}"), format!("{model}/price"));
    let fields = [
        ("of", target.as_str()),
        ("currency", "USD"),
        ("input", "7.25"),
        ("output", "9.5"),
    ];
    let saved = admin.submit(&shown, &action, &fields).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, shown.as_str())
    );
    let own = form_fields(&admin.get(&shown).await.text(), &action, None);
    assert!(
        own.contains(&("input".to_owned(), "7.25".to_owned())),
        "{own:?}"
    );
    let everywhere = admin.get(&model).await.text();
    assert!(everywhere.contains("(own price)") && !everywhere.contains(">7.25</td>"));
    let list = admin.get(MODELS).await.text();
    assert!(list.contains("$ 7.25 / 9.5"), "{list}");
    app.wait_for_newest_generation().await;
    assert_eq!(app.openai().chat("gpt-x", false).await.status, 200);
    let row = app.only_log().await;
    let receipt = admin.get(&format!("/admin/logs/{}", row.record.id)).await;
    assert!(
        receipt.text().contains("$ 7.25"),
        "the page shows what is billed"
    );
    let unknown = [
        ("of", "999"),
        ("currency", "USD"),
        ("input", "1"),
        ("output", "1"),
    ];
    assert_eq!(admin.submit(&model, &action, &unknown).await.status, 404);
    let told = admin.get("/admin/audit?what=price.create").await.text();
    assert!(told.contains("model gpt-x price at "), "{told}");
}

on_each_engine!(a_target_has_a_price_of_its_own);
