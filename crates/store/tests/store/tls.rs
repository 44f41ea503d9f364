//! TLS towards a real PostgreSQL whose certificate the test makes.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use modelgate_store::StoreError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::support::{open, program, run, server};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server that takes TLS connections only, with a certificate for `localhost`.
struct TlsServer {
    directory: tempfile::TempDir,
    port: u16,
    trusted: PathBuf,
    stranger: PathBuf,
}

impl TlsServer {
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (ours, other) = (authority(), authority());
        let file = |name: &str, text: String| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let (trusted, stranger) = (file("ca.pem", ours.pem()), file("other.pem", other.pem()));
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &ours).unwrap();
        let files = [
            file("server.crt", certificate.pem()),
            file("server.key", key.serialize_pem()),
            file("pg_hba.conf", "hostssl all all all trust\n".to_owned()),
        ];
        for path in &files {
            std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        if is_root() {
            run(Command::new("chown")
                .args(["-R", "postgres"])
                .arg(directory.path()));
        }
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let server = Self {
            directory,
            port,
            trusted,
            stranger,
        };
        server.boot();
        server
    }

    fn boot(&self) {
        let home = self.directory.path().display();
        run(as_server(&program("initdb"))
            .args(["-A", "trust", "-U", "postgres", "-D"])
            .arg(self.data()));
        let options = format!(
            "-c port={} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home} -c fsync=off \
             -c ssl=on -c ssl_cert_file={home}/server.crt -c ssl_key_file={home}/server.key \
             -c hba_file={home}/pg_hba.conf",
            self.port
        );
        let log = self.directory.path().join("log");
        run(as_server(&program("pg_ctl"))
            .args(["-w", "-D"])
            .arg(self.data())
            .arg("-l")
            .arg(log)
            .args(["-o", &options, "start"]));
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    async fn try_mode(
        &self,
        host: &str,
        mode: &str,
        root: Option<&Path>,
    ) -> Result<(), StoreError> {
        let mut url = format!(
            "postgres://postgres:canary@{host}:{}/postgres?sslmode={mode}",
            self.port
        );
        if let Some(root) = root {
            url = format!("{url}&sslrootcert={}", root.display());
        }
        let outcome = open(&url).await.map(drop);
        if let Err(error) = &outcome {
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
        outcome
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        run(as_server(&program("pg_ctl"))
            .args(["-m", "immediate", "-D"])
            .arg(self.data())
            .arg("stop"));
    }
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

/// PostgreSQL refuses to run as root.
fn as_server(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("runuser");
        command
            .args(["-u", "postgres", "--"])
            .arg(program)
            .current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mode_checks_what_it_says() {
    if server().is_none() {
        return;
    }
    let server = TlsServer::start();
    let (trusted, stranger) = (server.trusted.as_path(), server.stranger.as_path());
    for (host, mode, root) in [
        ("localhost", "require", None),
        ("127.0.0.1", "require", None),
        ("127.0.0.1", "prefer", None),
        ("127.0.0.1", "require", Some(trusted)),
        ("127.0.0.1", "verify-ca", Some(trusted)),
        ("localhost", "verify-full", Some(trusted)),
    ] {
        let outcome = server.try_mode(host, mode, root).await;
        assert!(outcome.is_ok(), "{mode} to {host}: {outcome:?}");
    }
    for (host, mode, root, why) in [
        ("localhost", "disable", None, "pg_hba"),
        ("localhost", "require", Some(stranger), "certificate"),
        ("localhost", "verify-ca", Some(stranger), "certificate"),
        ("localhost", "verify-full", Some(stranger), "certificate"),
        (
            "localhost",
            "verify-full",
            Some(Path::new("system")),
            "certificate",
        ),
        (
            "127.0.0.1",
            "verify-full",
            Some(trusted),
            "not valid for name",
        ),
    ] {
        let error = server.try_mode(host, mode, root).await.err();
        let error = error.unwrap_or_else(|| panic!("{mode} to {host} was let through"));
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(why), "{mode} to {host}: {error}");
    }
}
