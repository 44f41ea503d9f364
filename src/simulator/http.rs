//! As much of HTTP/1.1 as a vendor needs: reads requests, writes heads and chunks byte by byte as told.

use std::io;
use std::time::Instant;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::record::Received;

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 64 * 1024 * 1024;

/// What ends a chunked body.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The next request of a connection; `None` where the client closed it between two requests.
pub(super) async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> io::Result<Option<Received>> {
    let head_len = loop {
        if let Some(end) = memmem::find(buffer, b"\r\n\r\n") {
            break end;
        }
        if buffer.len() > HEAD_LIMIT {
            return Err(broken("request head too long"));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = buffer.split_to(head_len);
    buffer.advance(4);
    let mut request = parse_head(&head)?;
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    request.body = if request.header("transfer-encoding").is_some() {
        read_chunked(stream, buffer).await?
    } else {
        let length = request.header("content-length").unwrap_or("0");
        let length = length.parse().map_err(|_e| broken("bad content-length"))?;
        read_exactly(stream, buffer, length).await?
    };
    request.at = Instant::now();
    Ok(Some(request))
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn parse_head(head: &[u8]) -> io::Result<Received> {
    let text = std::str::from_utf8(head).map_err(|_e| broken("request head is not UTF-8"))?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Received {
        number: 0,
        at: Instant::now(),
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: Bytes::new(),
    })
}

async fn read_exactly(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    length: usize,
) -> io::Result<Bytes> {
    if length > BODY_LIMIT {
        return Err(broken("request body too long"));
    }
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_chunked(stream: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line_end = loop {
            if let Some(end) = memmem::find(buffer, b"\r\n") {
                break end;
            }
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let line = buffer.split_to(line_end);
        buffer.advance(2);
        let size = std::str::from_utf8(&line).unwrap_or_default();
        let size = size.split(';').next().unwrap_or_default().trim();
        let size = usize::from_str_radix(size, 16).map_err(|_e| broken("bad chunk size"))?;
        if body.len() + size > BODY_LIMIT {
            return Err(broken("request body too long"));
        }
        let piece = read_exactly(stream, buffer, size + 2).await?;
        if size == 0 {
            return Ok(body.freeze());
        }
        body.extend_from_slice(piece.get(..size).unwrap_or_default());
    }
}

/// A whole answer with its length in front.
pub(super) fn plain(status: u16, headers: &[(String, String)], body: &[u8]) -> Bytes {
    let head = head(status, headers, "application/json");
    let length = format!("content-length: {}\r\n\r\n", body.len());
    let mut out = BytesMut::with_capacity(head.len() + length.len() + body.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(length.as_bytes());
    out.extend_from_slice(body);
    out.freeze()
}

/// The head of a chunked event stream.
pub(super) fn stream_head(status: u16, headers: &[(String, String)]) -> Bytes {
    let mut out = head(status, headers, "text/event-stream; charset=utf-8");
    out.push_str("cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n");
    Bytes::from(out)
}

fn head(status: u16, headers: &[(String, String)], content_type: &str) -> String {
    let mut out = format!("HTTP/1.1 {status} {}\r\n", reason(status));
    if !headers.iter().any(|(name, _)| name == "content-type") {
        out = out + "content-type: " + content_type + "\r\n";
    }
    for (name, value) in headers {
        out = out + name + ": " + value + "\r\n";
    }
    out
}

/// One chunk of a chunked body.
pub(super) fn chunk(data: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(data.len() + 12);
    out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
    out.freeze()
}

fn reason(status: u16) -> &'static str {
    hyper::StatusCode::from_u16(status)
        .ok()
        .and_then(|s| s.canonical_reason())
        .unwrap_or("Unknown")
}
