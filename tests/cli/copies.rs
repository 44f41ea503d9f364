//! `backup` and `restore`: what comes back is what was there, or nothing changes.

use std::process::Command;

use modelgate_store::{Engine, instances};

use crate::installation::{contents, fill, ok, on, on_thread, path, refused, shown, text, twin};
use crate::{Place, SECRET_KEY, each_engine};

each_engine!(
    a_backup_comes_back_as_it_was,
    what_does_not_fit_is_refused,
    the_job_keeps_the_newest_backups,
);

fn a_backup_comes_back_as_it_was(place: &Place) {
    use std::os::unix::fs::PermissionsExt as _;
    fill(place, 900);
    let said = ok(place, &["backup", "b.zip"]);
    assert!(
        said.contains("900 calls") && said.contains("master key"),
        "{said}"
    );
    let file = path(place, "b.zip");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left: Vec<_> = std::fs::read_dir(place.database.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("b.zip"))
        .collect();
    assert_eq!(left, ["b.zip"], "nothing lies about");
    let again = refused(place, 1, &["backup", "b.zip"]);
    assert!(again.contains("b.zip"), "{again}");

    // A line of the audit log was written after the copy was made.
    let before = shown(&place.database.url);
    let other = twin(place).unwrap();
    let said = ok(&other, &["restore", &text(&file)]);
    assert!(
        said.contains("every figure is as it was backed up"),
        "{said}"
    );
    assert_eq!(shown(&other.database.url), before);
    let (had, has) = (contents(&place.database.url), contents(&other.database.url));
    assert_eq!(had.differing(&has), ["audit_log"]);
    // The gateway's own eyes: schema, sealed secrets.
    let checks = other.run_with(
        &other.with("SECRET_KEY", SECRET_KEY),
        &["doctor", "--offline", "--json"],
        "",
    );
    let checks = checks.json();
    let all = checks["checks"].as_array().unwrap();
    for check in all.iter().filter(|c| c["name"] != "disk") {
        assert_ne!(check["verdict"], "wrong", "{checks:#}");
    }

    let filled = refused(&other, 1, &["restore", &text(&file)]);
    assert!(filled.contains("--replace"), "{filled}");
    ok(&other, &["key", "create", "late"]);
    ok(&other, &["restore", &text(&file), "--replace"]);
    assert_eq!(had.differing(&contents(&other.database.url)), ["audit_log"]);
    assert_eq!(shown(&other.database.url), before);
}

fn what_does_not_fit_is_refused(place: &Place) {
    fill(place, 50);
    ok(place, &["backup", "b.zip"]);
    let file = text(&path(place, "b.zip"));
    let other = twin(place).unwrap();
    let wrong = other.with("SECRET_KEY", "another-another-another-another-1");
    let ended = other.run_with(&wrong, &["restore", &file], "");
    assert_eq!(ended.code, 2, "{ended:?}");

    // A gateway lives there.
    ok(&other, &["migrate"]);
    let now_ms = modelgate::clock::Clock::system().now_ms();
    on(&other.database.url, async |db| {
        let lease = db.write(move |c| Box::pin(instances::lease(c, "alive", "1", now_ms)));
        lease.await.unwrap();
    });
    let running = refused(&other, 1, &["restore", &file, "--replace"]);
    assert!(running.contains("stop it first"), "{running}");

    // A byte is wrong; half of the file is missing; it is no backup at all.
    let whole = std::fs::read(&file).unwrap();
    let third = twin(place).unwrap();
    let mut spoiled = whole.clone();
    let middle = spoiled.len() / 2;
    spoiled[middle] ^= 0xff;
    std::fs::write(path(&third, "spoiled.zip"), spoiled).unwrap();
    std::fs::write(path(&third, "half.zip"), &whole[..whole.len() / 2]).unwrap();
    third.write("text.zip", "hello");
    for bad in ["spoiled.zip", "half.zip", "text.zip", "missing.zip"] {
        refused(&third, 1, &["restore", bad]);
    }
    // A manifest that tells of another migration, and one that tells of other figures.
    manifest(&file, &path(&third, "newer.zip"), |text| {
        text.replacen("\"migrations\":[", "\"migrations\":[\"29990101000000\",", 1)
    });
    let newer = refused(&third, 2, &["restore", "newer.zip"]);
    assert!(newer.contains("29990101000000"), "{newer}");
    manifest(&file, &path(&third, "other.zip"), |text| {
        let (name, figures) = ("\"name\":\"providers\"", "\"figures\":[1,");
        let at = text.find(name).unwrap();
        let (before, after) = text.split_at(at);
        format!("{before}{}", after.replacen(figures, "\"figures\":[2,", 1))
    });
    let unlike = refused(&third, 1, &["restore", "other.zip"]);
    assert!(
        unlike.contains("damaged") && unlike.contains("providers"),
        "{unlike}"
    );
    assert!(!third.has("test.db"), "nothing was put there");
    if place.database.url.starts_with("postgres") {
        let there = "to_regclass('users') is null";
        let check = format!("do $$ begin assert {there}; end $$");
        on_thread(async || third.database.execute(&check).await);
    }
    ok(&third, &["restore", &file]);
}

/// The same backup with another manifest.
fn manifest(file: &str, to: &std::path::Path, change: impl Fn(String) -> String) {
    use std::io::{Read as _, Write as _};
    let mut old = zip::ZipArchive::new(std::fs::File::open(file).unwrap()).unwrap();
    let mut new = zip::ZipWriter::new(std::fs::File::create(to).unwrap());
    for place in 0..old.len() {
        let mut entry = old.by_index(place).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if entry.name() == "manifest.json" {
            let text = String::from_utf8(bytes).unwrap();
            let changed = change(text.clone());
            assert_ne!(changed, text);
            bytes = changed.into_bytes();
        }
        let options = zip::write::SimpleFileOptions::default();
        new.start_file(entry.name().to_owned(), options).unwrap();
        new.write_all(&bytes).unwrap();
    }
    new.finish().unwrap();
}

fn the_job_keeps_the_newest_backups(place: &Place) {
    fill(place, 20);
    let directory = path(place, "backups");
    std::fs::create_dir(&directory).unwrap();
    for day in 10..13 {
        std::fs::write(
            directory.join(format!("modelgate-202601{day}T000000Z.zip")),
            "old",
        )
        .unwrap();
    }
    let mut env = place.with("SECRET_KEY", SECRET_KEY);
    env.push(("MODELGATE_BACKUP_DIR".to_owned(), text(&directory)));
    env.push(("MODELGATE_BACKUP_KEEP".to_owned(), "2".to_owned()));
    let ran = place.run_with(&env, &["job", "run", "backup", "--json"], "");
    assert_eq!(ran.code, 0, "{ran:?}");
    let counts = &ran.json()["counts"];
    assert_eq!(counts["backups_removed"], 2, "{counts}");
    let mut left: Vec<_> = std::fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    left.sort();
    assert_eq!(left.len(), 2, "{left:?}");
    let made = std::fs::metadata(&left[1]).unwrap();
    assert_eq!(counts["backup_bytes"], made.len());
    let other = twin(place).unwrap();
    ok(&other, &["restore", &text(&left[1])]);

    // What cannot be written is a failure with a reason, and leaves nothing.
    std::fs::write(path(place, "file"), "").unwrap();
    env.pop();
    env.pop();
    env.push((
        "MODELGATE_BACKUP_DIR".to_owned(),
        text(&path(place, "file/sub")),
    ));
    let failed = place.run_with(&env, &["job", "run", "backup"], "");
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(
        failed.err.contains("failed") && failed.err.contains("file/sub"),
        "{failed:?}"
    );
    let off = place.with("SECRET_KEY", SECRET_KEY);
    let off = place.run_with(&off, &["job", "run", "backup"], "");
    assert!(off.out.contains("nothing was to be done"), "{off:?}");
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_file() {
    let place = Place::new(Engine::Sqlite).await.unwrap();
    fill(&place, 900);
    // No file may grow beyond 64 KiB; the signal about it is not listened to, so that writing fails as on a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 64; exec {} backup b.zip",
        env!("CARGO_BIN_EXE_modelgate")
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(place.database.folder.path())
        .env_clear()
        .envs(place.with("SECRET_KEY", SECRET_KEY))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let left: Vec<_> = std::fs::read_dir(place.database.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("b.zip"))
        .collect();
    assert!(left.is_empty(), "{left:?}: {said}");
}
