//! `modelgate healthcheck`: asks the server of the same settings for `/healthz`, for images that have no `curl`.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::assistant::from_here;
use crate::config::Config;

/// A healthy server answers at once; this also bounds the whole check together with the container's own limit.
const PATIENCE: Duration = Duration::from_secs(3);

/// Fine when the server answers 200.
pub fn run(config: &Config) -> io::Result<()> {
    let address = from_here(SocketAddr::new(config.host, config.port));
    check(address, &config.base_path)
}

fn check(address: SocketAddr, base_path: &str) -> io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // One write: a server that answers the first part and closes would reset the connection.
    let request =
        format!("GET {base_path}/healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut status = [0_u8; 12];
    stream.read_exact(&mut status)?;
    if status == *b"HTTP/1.1 200" {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&status).into_owned();
    Err(io::Error::other(format!("{address} answered {said}")))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    /// A server that answers one request with this line and gives back what it was asked.
    fn answering(line: &'static str) -> (SocketAddr, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0_u8; 512];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(line.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (address, served)
    }

    #[test]
    fn only_200_is_healthy() {
        let (address, served) = answering("HTTP/1.1 200 OK\r\n\r\n");
        check(address, "/llm").unwrap();
        assert!(
            served
                .join()
                .unwrap()
                .starts_with("GET /llm/healthz HTTP/1.1\r\n")
        );
        let (address, served) = answering("HTTP/1.1 503 Service Unavailable\r\n\r\n");
        let refused = check(address, "").unwrap_err().to_string();
        assert!(refused.contains("503"), "{refused}");
        served.join().unwrap();
    }

    #[test]
    fn nobody_there_is_an_error() {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        check(free, "").unwrap_err();
    }

    #[test]
    fn every_interface_is_asked_on_loopback() {
        let at = |host: &str| from_here(SocketAddr::new(host.parse().unwrap(), 1)).to_string();
        assert_eq!(at("0.0.0.0"), "127.0.0.1:1");
        assert_eq!(at("::"), "[::1]:1");
        assert_eq!(at("10.1.2.3"), "10.1.2.3:1");
    }
}
