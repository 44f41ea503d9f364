//! The one-time link of the first start.

use modelgate::app;
use modelgate::config::{Config, MapEnv};

use crate::support::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_makes_one_administrator_and_then_ends() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let env = MapEnv::new([
        ("DATA_DIR", dir.as_str()),
        ("PORT", "0"),
        ("DRAIN_DELAY", "0"),
    ]);
    let config = Config::from_env(&env).unwrap();
    let first = app::Server::start(config.clone()).await.unwrap();
    let printed = first.setup_link().expect("no administrator yet");
    first.stop().await;
    let server = app::Server::start(config.clone()).await.unwrap();
    let base = format!("http://{}", server.addr());
    let link = server.setup_link().expect("no administrator yet");
    let path_of = |link: &str| format!("/setup/{}", link.rsplit('/').next().unwrap());
    let (path, old) = (path_of(&link), path_of(&printed));
    let browser = Browser::new(&base);
    assert_eq!(browser.get("/setup/wrong").await.status, 410);
    assert_ne!(path, old);
    assert_eq!(
        browser.get(&old).await.status,
        200,
        "a restart ends no link"
    );

    let short = [
        ("username", "boss"),
        ("password", "short"),
        ("password_again", "short"),
    ];
    let refused = browser.submit(&path, &path, &short).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("is-invalid") && refused.text().contains("value=\"boss\""));

    let good = [
        ("username", "boss"),
        ("password", "a-good-password"),
        ("password_again", "a-good-password"),
    ];
    let made = browser.submit(&path, &path, &good).await;
    assert_eq!(made.header("location"), "/admin/start", "{}", made.text());
    assert_eq!(
        browser.get("/admin/home").await.status,
        200,
        "logged in at once"
    );
    let other = Browser::new(&base);
    for link in [&path, &old] {
        assert_eq!(other.get(link).await.status, 410, "the links have ended");
    }
    server.stop().await;

    let again = app::Server::start(config).await.unwrap();
    assert_eq!(again.setup_link(), None);
    again.stop().await;
}
