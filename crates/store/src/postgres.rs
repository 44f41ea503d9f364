//! Where a PostgreSQL database lives, and how a connection is made with and without TLS.

use std::time::Duration;

use diesel::ConnectionError;
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::StoreError;
use crate::tls::{self, Verify};

/// Longest statement the server lets run, and longest silence inside a transaction.
const SETUP: &str =
    "set statement_timeout = '30s'; set idle_in_transaction_session_timeout = '60s'";

/// A parsed `postgres://` URL.
#[derive(Clone)]
pub(crate) struct PgTarget {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// As the URL has them, for PostgreSQL's own programs.
    ssl_mode: String,
    root: Option<String>,
}

impl PgTarget {
    /// `sslmode` and `sslrootcert` are taken out of the URL: tokio-postgres knows neither `verify-full` nor root files.
    pub(crate) fn parse(url: &str) -> Result<Self, StoreError> {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut root, mut rest) = ("prefer", None, Vec::new());
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = value,
                Some(("sslrootcert", value)) => root = Some(percent_decode(value)),
                _ => rest.push(pair),
            }
        }
        let url = if rest.is_empty() {
            base.to_owned()
        } else {
            format!("{base}?{}", rest.join("&"))
        };
        let mut config: Config = url
            .parse()
            .map_err(|e: tokio_postgres::Error| StoreError::InvalidUrl(cause(&e)))?;
        let (ssl_mode, verify) = match (mode, &root) {
            ("disable", _) => (SslMode::Disable, None),
            ("prefer" | "allow", _) => (SslMode::Prefer, Some(Verify::Nothing)),
            ("require", None) => (SslMode::Require, Some(Verify::Nothing)),
            // As libpq: who names a root file wants it used.
            ("require", Some(_)) | ("verify-ca", _) => (SslMode::Require, Some(Verify::Chain)),
            ("verify-full", _) => (SslMode::Require, Some(Verify::ChainAndName)),
            _ => {
                let why = "sslmode is disable, prefer, require, verify-ca or verify-full";
                return Err(StoreError::InvalidUrl(why.to_owned()));
            }
        };
        config.ssl_mode(ssl_mode);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(3));
        }
        if config.get_application_name().is_none() {
            config.application_name("modelgate");
        }
        // A server that vanished without a word is noticed within seconds instead of hours.
        config.keepalives_idle(Duration::from_secs(10));
        config.keepalives_interval(Duration::from_secs(5));
        config.keepalives_retries(3);
        config.tcp_user_timeout(Duration::from_secs(15));
        let tls = verify
            .map(|verify| tls::client(verify, root.as_deref()))
            .transpose()?
            .map(MakeRustlsConnect::new);
        Ok(Self {
            config,
            tls,
            ssl_mode: mode.to_owned(),
            root,
        })
    }

    /// The same for PostgreSQL's own programs, in the variables that libpq reads
    /// (<https://www.postgresql.org/docs/current/libpq-envars.html>). What the URL does not say is left to theirs.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone(),
            Host::Unix(path) => path.to_string_lossy().into_owned(),
        });
        let hosts: Vec<String> = hosts.collect();
        let ports: Vec<String> = self.config.get_ports().iter().map(u16::to_string).collect();
        let password = self.config.get_password();
        let password = password.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let text = |text: Option<&str>| text.map(str::to_owned);
        let list = |list: Vec<String>| (!list.is_empty()).then(|| list.join(","));
        [
            ("PGHOST", list(hosts)),
            ("PGPORT", list(ports)),
            ("PGUSER", text(self.config.get_user())),
            ("PGDATABASE", text(self.config.get_dbname())),
            ("PGPASSWORD", password),
            ("PGSSLMODE", Some(self.ssl_mode.clone())),
            ("PGSSLROOTCERT", self.root.clone()),
            ("PGCONNECT_TIMEOUT", Some("10".to_owned())),
            ("PGAPPNAME", Some("modelgate".to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    /// A new connection, outside any pool.
    pub(crate) async fn connect(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let failed = |e: tokio_postgres::Error| ConnectionError::BadConnection(cause(&e));
        let mut connection = match &self.tls {
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(failed)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
            Some(tls) => {
                let (client, connection) =
                    self.config.connect(tls.clone()).await.map_err(failed)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await?
            }
        };
        connection
            .batch_execute(SETUP)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }
}

/// The error with its causes: the outer text alone is "error connecting to server".
fn cause(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        let code = text.get(i + 1..i + 3).filter(|_| byte == b'%');
        if let Some(decoded) = code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(decoded);
            i += 3;
        } else {
            out.push(byte);
            i += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_taken_out_of_the_url() {
        for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
            let url = format!("postgres://u:p@h/db?sslmode={mode}&application_name=x");
            let target = PgTarget::parse(&url).unwrap();
            assert_eq!(target.config.get_application_name(), Some("x"));
            assert_eq!(target.tls.is_none(), mode == "disable");
        }
    }

    #[test]
    fn a_refused_url_is_not_repeated() {
        for bad in [
            "postgres://u:canary@h/db?sslmode=sometimes",
            "postgres://u:canary@h:port/db",
            "postgres://u:canary@h/db?what=canary",
            "postgres://u:canary@h/db?sslmode=verify-full&sslrootcert=/not/there",
        ] {
            let error = PgTarget::parse(bad).err().unwrap();
            assert!(matches!(error, StoreError::InvalidUrl(_)));
            assert!(!error.to_string().contains("canary"), "{error}");
        }
    }

    #[test]
    fn file_names_may_be_percent_encoded() {
        assert_eq!(percent_decode("/a%20b%2fc%"), "/a b/c%");
    }
}
