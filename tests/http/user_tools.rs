//! Tool settings with the real address and the chosen model.

use super::user_login::holder;
use crate::on_each_engine;
use crate::support::{KEY, Setup, TestApp};

async fn settings_are_filled_in_and_hold_no_key(app: &TestApp) {
    let alice = holder(app, KEY).await;
    let page = alice.get("/user/tools?model=gpt-x").await.text();
    assert!(page.contains("https://gate.example/v1") && page.contains("OpenCode"));
    assert!(!page.contains(KEY) && !page.contains("Claude Code"));
    let file = alice.get("/user/tools/opencode/file?model=gpt-x").await;
    assert!(file.header("content-disposition").contains("opencode.json"));
    let provider = file.json()["provider"]["modelgate"].clone();
    assert_eq!(provider["options"]["baseURL"], "https://gate.example/v1");
    assert_eq!(provider["models"]["gpt-x"]["limit"]["context"], 128_000);
    assert!(provider["models"].get("embed-x").is_none(), "chat only");
    let same = alice.get("/opencode/opencode.json").await;
    assert_eq!(same.json()["provider"]["modelgate"], provider);
    let setup = alice.get("/opencode/setup.md").await;
    assert!(setup.header("content-type").starts_with("text/markdown"));
    assert!(setup.text().contains("- `gpt-x`") && setup.text().contains("```json"));
    for missing in ["cline", "nonsense", "..%2f"] {
        let path = format!("/user/tools/{missing}/file");
        assert_eq!(alice.get(&path).await.status, 404, "{missing}");
    }
    let stranger = app.visitor().get("/opencode/setup.md").await;
    assert!(stranger.header("location").starts_with("/user/login"));
}

on_each_engine!(settings_are_filled_in_and_hold_no_key, |engine| {
    Setup::on(engine).env("PUBLIC_URL", "https://gate.example")
});
