//! A Redis server for a test; the unit tests of `src/shared` use this file as well.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The server to use, where one runs for all tests: each test takes a name space of its own.
const SERVER_URL: &str = "TEST_REDIS_URL";
/// Set by `scripts/test`: a missing server is then a failure.
const REQUIRED: &str = "MODELGATE_TEST_REQUIRE_REDIS";

/// A server, stopped when dropped where the test has started it.
pub(crate) struct TestRedis {
    pub(crate) url: String,
    address: Option<SocketAddr>,
    /// The files of its certificate and key, where it speaks TLS alone.
    tls: Option<(String, String)>,
    child: Option<Child>,
}

impl TestRedis {
    /// The server in `TEST_REDIS_URL`, or one of the test's own; absent where there is neither.
    #[allow(clippy::disallowed_methods, reason = "a test's own settings")]
    pub(crate) fn start() -> Option<Self> {
        if let Ok(url) = std::env::var(SERVER_URL) {
            return Some(Self {
                url,
                address: None,
                tls: None,
                child: None,
            });
        }
        Self::own()
    }

    /// A server that the test may torment: `redis-server` on a free port; absent where it is not installed.
    pub(crate) fn own() -> Option<Self> {
        Self::made("redis", None)
    }

    /// The same, speaking TLS alone.
    #[allow(dead_code, reason = "the unit tests need none")]
    pub(crate) fn over_tls(certificate: &str, key: &str) -> Option<Self> {
        Self::made("rediss", Some((certificate.to_owned(), key.to_owned())))
    }

    #[allow(clippy::disallowed_methods, reason = "a test's own settings")]
    fn made(scheme: &str, tls: Option<(String, String)>) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut server = Self {
            url: format!("{scheme}://{address}"),
            address: Some(address),
            tls,
            child: None,
        };
        if server.start_again() {
            return Some(server);
        }
        assert!(
            std::env::var_os(REQUIRED).is_none(),
            "{REQUIRED} is set and there is no redis-server"
        );
        eprintln!("SKIPPED: redis-server is not installed");
        None
    }

    /// Starts the test's own server, empty; false where it is not installed.
    pub(crate) fn start_again(&mut self) -> bool {
        let address = self.address.expect("a server of the test's own");
        let port = address.port().to_string();
        let ports = match &self.tls {
            None => vec!["--port", &port],
            Some((certificate, key)) => vec![
                "--port",
                "0",
                "--tls-port",
                &port,
                "--tls-auth-clients",
                "no",
                "--tls-cert-file",
                certificate,
                "--tls-key-file",
                key,
            ],
        };
        let child = Command::new("redis-server")
            .args(ports)
            .args(["--bind", "127.0.0.1", "--loglevel", "warning"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            return false;
        };
        self.child = Some(child);
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "no redis-server");
            std::thread::yield_now();
        }
        true
    }

    /// Stops answering, with its connections open.
    pub(crate) fn pause(&self) {
        let pid = self.child.as_ref().map(Child::id);
        let pid = pid.and_then(|pid| i32::try_from(pid).ok());
        kill_process(pid.and_then(Pid::from_raw).unwrap(), Signal::STOP).unwrap();
    }

    /// Kills it, and with it everything that it held.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }
}

impl Drop for TestRedis {
    fn drop(&mut self) {
        self.kill();
    }
}
