//! The benchmark's client for what common load tools do not measure: streams event by event, a fixed rate,
//! and many streams held open. One thread, HTTP/1.1 keep-alive, one JSON line as the result.
//!
//! `load requests|streams|hold --url URL --key KEY --connections N [--seconds S] [--rate R]`
#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a tool of the benchmark, not a part of the gateway"
)]

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use clap::{Parser, ValueEnum};
use memchr::memmem::Finder;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Calls without a stream.
    Requests,
    /// Whole streams, one after the other on each connection.
    Streams,
    /// One stream on each connection, held until the end of the time.
    Hold,
}

#[derive(Debug, Parser)]
struct Args {
    mode: Mode,
    /// `http://127.0.0.1:PORT/v1/chat/completions`
    #[arg(long)]
    url: String,
    #[arg(long)]
    key: String,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Calls a second over all connections; 0 = as fast as answers come.
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    #[arg(long, default_value = "sim-chat")]
    model: String,
}

/// What all connections write their figures into.
#[derive(Default)]
struct Tally {
    done: Cell<u64>,
    errors: Cell<u64>,
    events: Cell<u64>,
    open: Cell<usize>,
    whole_us: RefCell<Vec<u64>>,
    first_us: RefCell<Vec<u64>>,
    /// When the next call is due, at a fixed rate.
    next: Cell<Option<Instant>>,
}

struct Plan {
    address: String,
    request: Vec<u8>,
    until: Instant,
    step: Option<Duration>,
    mode: Mode,
    end_of_head: Finder<'static>,
    event: Finder<'static>,
    last_chunk: Finder<'static>,
}

fn main() {
    let args = Args::parse();
    let rest = args.url.strip_prefix("http://").expect("an http:// URL");
    let (address, path) = rest.split_once('/').expect("a URL with a path");
    let prompt = "Which three figures would you look at first? ".repeat(8);
    let stream = args.mode != Mode::Requests;
    let said = json!([{"role": "user", "content": prompt}]);
    // each dialect by its address
    let body = if path.contains("enerateContent") {
        json!({"contents": [{"role": "user", "parts": [{"text": prompt}]}]})
    } else if path.ends_with("/responses") {
        json!({"model": args.model, "stream": stream, "input": said})
    } else if path.ends_with("/messages") {
        json!({"model": args.model, "stream": stream, "messages": said, "max_tokens": 1000})
    } else {
        json!({"model": args.model, "stream": stream, "messages": said})
    };
    let body = body.to_string();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        args.key,
        body.len()
    );
    let plan = Rc::new(Plan {
        address: address.to_owned(),
        request: [head.as_bytes(), body.as_bytes()].concat(),
        until: Instant::now() + Duration::from_secs_f64(args.seconds),
        step: (args.rate > 0.0).then(|| Duration::from_secs_f64(1.0 / args.rate)),
        mode: args.mode,
        end_of_head: Finder::new(b"\r\n\r\n"),
        event: Finder::new(b"data: "),
        last_chunk: Finder::new(b"\r\n0\r\n\r\n"),
    });
    let tally = Rc::new(Tally::default());
    tally.next.set(Some(Instant::now()));
    let began = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let local = LocalSet::new();
    let tasks: Vec<_> = (0..args.connections)
        .map(|_| local.spawn_local(connection(Rc::clone(&plan), Rc::clone(&tally))))
        .collect();
    runtime.block_on(local.run_until(async {
        if args.mode == Mode::Hold {
            while tally.open.get() < args.connections && Instant::now() < plan.until {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            println!("{}", json!({"open": tally.open.get()}));
            tokio::time::sleep_until(plan.until.into()).await;
            return;
        }
        for task in tasks {
            let _ended = task.await;
        }
    }));
    if args.mode != Mode::Hold {
        report(&tally, began.elapsed());
    }
}

fn report(tally: &Tally, took: Duration) {
    let mut whole = tally.whole_us.borrow_mut();
    let mut first = tally.first_us.borrow_mut();
    whole.sort_unstable();
    first.sort_unstable();
    let out = json!({
        "done": tally.done.get(), "errors": tally.errors.get(), "events": tally.events.get(),
        "per_second": tally.done.get() as f64 / took.as_secs_f64(),
        "p50_us": percentile(&whole, 50), "p90_us": percentile(&whole, 90), "p99_us": percentile(&whole, 99),
        "first_p50_us": percentile(&first, 50), "first_p99_us": percentile(&first, 99),
    });
    println!("{out}");
}

fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let place = sorted.len().saturating_sub(1) * percent / 100;
    sorted.get(place).copied().unwrap_or(0)
}

async fn connection(plan: Rc<Plan>, tally: Rc<Tally>) {
    let mut stream = None;
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    while Instant::now() < plan.until {
        if let Some(step) = plan.step {
            let due = tally.next.get().unwrap_or_else(Instant::now);
            tally.next.set(Some(due + step));
            tokio::time::sleep_until(due.into()).await;
            if Instant::now() >= plan.until {
                return;
            }
        }
        if stream.is_none() {
            stream = connect(&plan).await;
            buffer.clear();
        }
        let Some(open) = stream.as_mut() else {
            tally.errors.set(tally.errors.get() + 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        if call(&plan, &tally, open, &mut buffer).await.is_none() {
            tally.errors.set(tally.errors.get() + 1);
            stream = None;
        }
    }
}

async fn connect(plan: &Plan) -> Option<TcpStream> {
    let stream = TcpStream::connect(&plan.address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// One call; `None` where the answer was not a whole 200.
async fn call(
    plan: &Plan,
    tally: &Tally,
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
) -> Option<()> {
    let sent = Instant::now();
    stream.write_all(&plan.request).await.ok()?;
    let head = loop {
        if let Some(end) = plan.end_of_head.find(buffer) {
            break buffer.split_to(end + 4);
        }
        read(stream, buffer).await?;
    };
    if !head.starts_with(b"HTTP/1.1 200") {
        return None;
    }
    if plan.mode == Mode::Requests {
        let text = std::str::from_utf8(&head).ok()?.to_ascii_lowercase();
        let length = text.split_once("content-length: ")?.1;
        let length: usize = length.split("\r\n").next()?.parse().ok()?;
        while buffer.len() < length {
            read(stream, buffer).await?;
        }
        buffer.advance(length);
    } else {
        events(plan, tally, stream, buffer, sent).await?;
    }
    let whole = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
    tally.whole_us.borrow_mut().push(whole);
    tally.done.set(tally.done.get() + 1);
    Some(())
}

/// Reads a chunked stream to its end, counting events.
async fn events(
    plan: &Plan,
    tally: &Tally,
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    sent: Instant,
) -> Option<()> {
    let mut first = true;
    loop {
        let ended = plan.last_chunk.find(buffer);
        let mut found = 0_u64;
        let mut after_last = 0;
        for place in plan.event.find_iter(&*buffer) {
            found += 1;
            after_last = place + 6;
        }
        if found > 0 && first {
            first = false;
            let wait = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
            tally.first_us.borrow_mut().push(wait);
            tally.open.set(tally.open.get() + 1);
        }
        tally.events.set(tally.events.get() + found);
        // six bytes may be the beginning of either pattern; what was counted is never kept
        buffer.advance(after_last.max(buffer.len().saturating_sub(6)));
        if ended.is_some() {
            buffer.clear();
            return Some(());
        }
        read(stream, buffer).await?;
    }
}

async fn read(stream: &mut TcpStream, buffer: &mut BytesMut) -> Option<()> {
    match stream.read_buf(buffer).await {
        Ok(1..) => Some(()),
        _ => None,
    }
}
