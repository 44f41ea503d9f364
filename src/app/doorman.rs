//! Answers on the port while the gateway starts: alive, not ready, come back in a moment.
//!
//! Migrations and the journals of processes that died may take a while. Meanwhile nobody shall take the process for
//! dead; once the server is there, it goes on with the same socket, so that no connection is refused in between.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

const BACKLOG: u32 = 4_096;
/// The longest request head that is read.
const HEAD_BYTES: usize = 16 * 1024;
/// How long one visitor is attended to.
const PATIENCE: Duration = Duration::from_secs(5);

/// The socket that the gateway listens on.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<std::net::TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Answers until it is dropped.
pub(super) struct Doorman(JoinHandle<()>);

impl Doorman {
    /// Begins to answer on `socket`, on the runtime `on`. `base_path` is what stands before every path.
    pub(super) fn open(
        socket: &std::net::TcpListener,
        base_path: &str,
        on: &Handle,
    ) -> std::io::Result<Self> {
        let _inside = on.enter();
        let listener = TcpListener::from_std(socket.try_clone()?)?;
        Ok(Self(on.spawn(attend(listener, base_path.to_owned()))))
    }
}

impl Drop for Doorman {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn attend(listener: TcpListener, base_path: String) {
    let runtime = Handle::current();
    loop {
        let Ok((visitor, _)) = listener.accept().await else {
            // out of descriptors: let some connections end
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let base_path = base_path.clone();
        // who has been let in is answered, also after the door was handed over
        runtime.spawn(async move {
            drop(timeout(PATIENCE, answer(visitor, &base_path)).await);
        });
    }
}

async fn answer(mut visitor: TcpStream, base_path: &str) -> std::io::Result<()> {
    let mut head = Vec::with_capacity(1024);
    while memchr::memmem::find(&head, b"\r\n\r\n").is_none() && head.len() < HEAD_BYTES {
        if visitor.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    let text = response(path_of(&head), base_path);
    visitor.write_all(text.as_bytes()).await?;
    visitor.shutdown().await?;
    // closed before all was read, the connection would be reset and the answer lost
    let mut rest = [0; 4096];
    while visitor.read(&mut rest).await? > 0 {}
    Ok(())
}

fn path_of(head: &[u8]) -> &str {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let path = target.split(|byte| *byte == b'?').next();
    std::str::from_utf8(path.unwrap_or_default()).unwrap_or_default()
}

fn response(path: &str, base_path: &str) -> String {
    let (status, body) = match path.strip_prefix(base_path) {
        Some("/healthz") => ("200 OK", super::health::alive()),
        Some("/readyz") => ("503 Service Unavailable", json!({ "status": "starting" })),
        _ => ("503 Service Unavailable", starting()),
    };
    let body = body.to_string();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         retry-after: 1\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn starting() -> Value {
    let message = "The gateway is starting; send the request again in a moment.";
    json!({ "error": { "message": message, "type": "api_error", "param": null, "code": "starting" } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_told() {
        let of = |head: &str, base| response(path_of(head.as_bytes()), base);
        let alive = of("GET /gate/healthz?x=1 HTTP/1.1\r\nhost: h\r\n\r\n", "/gate");
        assert!(alive.starts_with("HTTP/1.1 200 OK\r\n"), "{alive}");
        let ready = of("GET /readyz HTTP/1.1\r\n\r\n", "");
        assert!(ready.starts_with("HTTP/1.1 503 ") && ready.contains("\"starting\""));
        for odd in [
            "POST /v1/chat/completions HTTP/1.1\r\n\r\n",
            "",
            "\u{fffd}\r\n",
        ] {
            let other = of(odd, "/gate");
            assert!(other.contains("retry-after: 1") && other.contains("\"code\":\"starting\""));
        }
    }
}
