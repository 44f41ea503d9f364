//! The guide to connecting, as holders see it.

use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp};

const AT: &str = "/admin/usage";

async fn the_guide_is_that_of_any_key(app: &TestApp) {
    let limited = "[[api_keys]]\nname = \"narrow\"\nsecret = \"sk-mg-narrow-0123456789ab\"\nmodels = [\"embed-x\"]\n";
    app.apply(limited).await;
    let admin = app.admin().await;
    let page = admin.get(AT).await.text();
    for part in [
        "https://gate.example/v1/chat/completions",
        "gpt-x",
        "OpenCode",
        "YOUR_API_KEY",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains(KEY));
    let narrow = page.split("narrow</option>").next().unwrap();
    let at = narrow.rfind("value=\"").unwrap() + 7;
    let id: String = narrow[at..].chars().take_while(|c| *c != '"').collect();
    let none = admin.get(&format!("{AT}?key={id}")).await.text();
    assert!(!none.contains("opencode.ai") && none.contains("no chat model"));
    for missing in ["999", "x", "-1"] {
        assert_eq!(admin.get(&format!("{AT}?key={missing}")).await.status, 404);
    }
    let other = admin.get(&format!("{AT}?model=nonsense")).await;
    assert!(other.status == 200 && other.text().contains("modelgate/gpt-x"));
    let zh = admin.clone().speaking("zh").get(AT).await.text();
    assert!(zh.contains("接入指南"));
}

on_each_engine!(the_guide_is_that_of_any_key, |engine| {
    Setup::on(engine).env("PUBLIC_URL", "https://gate.example")
});
