//! `transfer`: an installation on the other engine is the same one.

use std::process::{Command, Stdio};

use modelgate_store::{Engine, instances};

use crate::installation::{FILE, contents, fill, ok, on, shown};
use crate::{Place, SECRET_KEY};

/// Both ways, and killed on the way there.
#[tokio::test]
async fn an_installation_moves_and_moves_back() {
    let Some(there) = Place::new(Engine::Postgres).await else {
        return;
    };
    let here = Place::new(Engine::Sqlite).await.unwrap();
    let back = Place::new(Engine::Sqlite).await.unwrap();
    fill(&here, 20_000);
    let before = (contents(&here.database.url), shown(&here.database.url));
    let ends = |from: &Place, to: &Place| {
        let mut env = from.with("SECRET_KEY", SECRET_KEY);
        env.push(("TRANSFER_FROM".to_owned(), from.database.url.clone()));
        env.push(("TRANSFER_TO".to_owned(), to.database.url.clone()));
        env
    };
    let forth = ends(&here, &there);
    let dry = here.run_with(&forth, &["transfer", "--dry-run"], "");
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(
        dry.out.contains("nothing was changed") && dry.out.contains("request_logs "),
        "{dry:?}"
    );

    let mut child = Command::new(env!("CARGO_BIN_EXE_modelgate"))
        .arg("transfer")
        .current_dir(here.database.folder.path())
        .env_clear()
        .envs(forth.iter().map(|(n, v)| (n, v)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let line = lines.find(|line| line.as_ref().unwrap() == "request_logs: 5000");
    assert!(line.is_some(), "it ended before it could be killed");
    child.kill().unwrap();
    child.wait().unwrap();
    let half =
        "do $$ begin assert (select count(*) between 5000 and 19000 from request_logs); end $$";
    there.database.execute(half).await;

    // Another installation does not get in between.
    let stranger = Place::new(Engine::Sqlite).await.unwrap();
    stranger.ok(&["migrate"]);
    let mixed = stranger.run_with(&ends(&stranger, &there), &["transfer"], "");
    assert_eq!(mixed.code, 1, "{mixed:?}");
    assert!(mixed.err.contains("another installation"), "{mixed:?}");

    let whole = here.run_with(&forth, &["transfer"], "");
    assert_eq!(whole.code, 0, "{whole:?}");
    assert!(
        !whole.out.contains("request_logs: 500\n"),
        "it went on: {}",
        whole.out
    );
    assert!(whole.out.contains("hold the same"), "{whole:?}");
    assert_eq!(contents(&there.database.url), before.0);
    assert_eq!(shown(&there.database.url), before.1);
    // New rows get numbers of their own.
    ok(&there, &["key", "create", "new"]);
    there.write("mg.toml", FILE.replace("acme", "bcme").as_str());
    ok(&there, &["apply", "mg.toml"]);
    let again = here.run_with(&forth, &["transfer"], "");
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("give an empty database"), "{again:?}");

    let moved = contents(&there.database.url);
    let home = ends(&there, &back);
    let done = there.run_with(&home, &["transfer"], "");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(contents(&back.database.url), moved);
    assert_eq!(shown(&back.database.url), before.1);
    ok(&back, &["key", "create", "newer"]);
}

#[tokio::test]
async fn a_transfer_wants_two_ends_that_stand_still() {
    let Some(there) = Place::new(Engine::Postgres).await else {
        return;
    };
    let here = Place::new(Engine::Sqlite).await.unwrap();
    fill(&here, 20);
    let (from, to) = (here.database.url.clone(), there.database.url.clone());
    let same = here.refused(2, &["transfer", "--from", &from, "--to", &from]);
    assert!(same.contains("both databases are SQLite"), "{same}");
    let missing = here.refused(2, &["transfer", "--from", "sqlite:nothing.db", "--to", &to]);
    assert!(
        missing.contains("is not there") && !here.has("nothing.db"),
        "{missing}"
    );
    here.refused(2, &["transfer", "--from", "mysql:x", "--to", &to]);
    let now_ms = modelgate::clock::Clock::system().now_ms();
    on(&from, async |db| {
        let lease = db.write(move |c| Box::pin(instances::lease(c, "alive", "1", now_ms)));
        lease.await.unwrap();
    });
    let running = here.refused(1, &["transfer", "--from", &from, "--to", &to]);
    assert!(running.contains("serves the source"), "{running}");
}
