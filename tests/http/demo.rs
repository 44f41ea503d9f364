//! `modelgate demo`, started as a person would and ended with Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use crate::support::{Browser, Child, OpenAi};

/// A port that nothing uses at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Not left running when the test fails.
struct Demo(std::process::Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _reaped = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_demo_prints_works_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let inside = folder.path().display().to_string();
    let env = [
        ("PORT".to_owned(), port.to_string()),
        ("TMPDIR".to_owned(), inside.clone()),
        // must not be touched
        (
            "DATABASE_URL".to_owned(),
            format!("sqlite:{inside}/precious.db"),
        ),
    ];
    let mut command = Child::command(folder.path(), &env);
    let command = command
        .arg("demo")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut demo = Demo(command.spawn().unwrap());
    let text = greeting(&mut demo.0);
    let word = |label: &str| {
        let line = text.lines().find_map(|l| l.trim().strip_prefix(label));
        line.unwrap_or_else(|| panic!("no {label} in {text}"))
            .trim()
    };

    let base = format!("http://localhost:{port}");
    let answer = OpenAi::new(&base, word("API key"))
        .chat("atlas-mini", false)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!answer.content().is_empty());
    let curl = text.lines().map(str::trim).find(|l| l.starts_with("curl "));
    let curl = Command::new("bash")
        .args(["-c", curl.unwrap()])
        .output()
        .unwrap();
    let streamed = String::from_utf8(curl.stdout).unwrap();
    assert!(streamed.contains("data: [DONE]"), "{streamed}");

    let (name, password) = word("Login").split_once(" / ").unwrap();
    let browser = Browser::new(&base);
    let fields = [("username", name), ("password", password)];
    let answer = browser.submit("/login", "/login", &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    for (page, shown) in [
        ("/admin/logs", "support-desk"),
        ("/admin/api-keys", "alice.meyer"),
        ("/admin/config/models", "jade-turbo"),
    ] {
        let answer = browser.get(page).await;
        assert_eq!(answer.status, 200, "{page}");
        assert!(
            answer.text().contains(shown),
            "{page} does not show {shown}"
        );
    }

    let pid = i32::try_from(demo.0.id())
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    rustix::process::kill_process(pid.unwrap(), rustix::process::Signal::INT).unwrap();
    assert!(demo.0.wait().unwrap().success());
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The demo's output up to the Python line.
fn greeting(demo: &mut std::process::Child) -> String {
    let mut errors = demo.stderr.take().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let mut text = String::new();
    while let Some(Ok(line)) = lines.next() {
        text.push_str(&line);
        text.push('\n');
        if line.trim().starts_with("python3 ") {
            // what follows must not block the demo
            std::thread::spawn(move || lines.for_each(drop));
            std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
            return text;
        }
    }
    let mut why = String::new();
    errors.read_to_string(&mut why).unwrap();
    panic!("the demo ended: {text}{why}");
}
