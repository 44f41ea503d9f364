//! The listening side: one thread with its own runtime, so that a busy test cannot slow the vendor down.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::fast::{self, Fast, Prepared};
use super::play::{self, Left};
use super::record::{Abandoned, Books, Received, Stats};
use super::script::{Reply, Script, Step};
use super::{http, routes};

/// How a simulator behaves where the script says nothing.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Loopback port; 0 picks a free one.
    pub port: u16,
    /// Keys that are accepted; empty accepts any.
    pub keys: Vec<String>,
    /// Models that exist; empty lets any exist and lists three.
    pub models: Vec<String>,
    /// The reply where neither the script nor the model's name says otherwise.
    pub reply: Reply,
    /// Prepared answers without books or script, for measuring.
    pub fast: Option<Fast>,
}

/// A running vendor. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Simulator {
    addr: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) options: Options,
    script: Mutex<Script>,
    books: Mutex<Books>,
}

impl Shared {
    /// The reply that the script holds for a request.
    pub(super) fn scripted(&self, request: &Received) -> Option<Reply> {
        lock(&self.script).take(request)
    }

    /// The books, for the pages that show them.
    pub(super) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Forgets the script and the books.
    pub(super) fn reset(&self) {
        lock(&self.script).clear();
        lock(&self.books).reset();
    }
}

/// A panic elsewhere must not hide behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Simulator {
    /// Starts a vendor on loopback; it answers once this returns.
    pub fn start(options: Options) -> io::Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared {
            options,
            script: Mutex::default(),
            books: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let state = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    tokio::select! {
                        () = serve(listener, state) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            addr,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What to write into a provider's `base_url`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Adds a step to the script.
    pub fn push(&self, step: Step) {
        lock(&self.shared.script).push(step);
    }

    /// Steps that were not asked for as often as they should have been.
    pub fn unplayed(&self) -> usize {
        lock(&self.shared.script).unplayed()
    }

    /// The requests received so far, oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.books().received.iter().cloned().collect()
    }

    /// The clients that left before their answer was complete.
    pub fn abandoned(&self) -> Vec<Abandoned> {
        self.shared.books().abandoned.clone()
    }

    /// Counts.
    pub fn stats(&self) -> Stats {
        self.shared.books().stats
    }

    /// Forgets the script and the books.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Serves until the process ends.
    pub fn join(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }

    /// Waits until `ready` is true of the counts; false when `limit` passes first.
    pub async fn wait_until(&self, limit: Duration, ready: impl Fn(&Stats) -> bool) -> bool {
        let wait = async {
            while !ready(&self.stats()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(limit, wait).await.is_ok()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

async fn serve(listener: StdListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    let prepared = shared.options.fast.map(|f| Arc::new(Prepared::new(f)));
    let runtime = tokio::runtime::Handle::current();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // out of descriptors: let some connections end
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let _best_effort = stream.set_nodelay(true);
        if let Some(prepared) = &prepared {
            runtime.spawn(fast::connection(stream, Arc::clone(prepared)));
        } else {
            shared.books().stats.connections += 1;
            runtime.spawn(connection(stream, Arc::clone(&shared)));
        }
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let mut buffer = BytesMut::with_capacity(4096);
    while let Ok(Some(request)) = http::read_request(&mut stream, &mut buffer).await {
        let request = if routes::is_control(&request) {
            request
        } else {
            shared.books().arrived(request)
        };
        let acts = routes::answer(&shared, &request);
        let (mut reader, mut writer) = stream.split();
        let left = tokio::select! {
            biased;
            left = play::play(&mut writer, acts) => left.ok(),
            () = gone(&mut reader, &mut buffer) => None,
        };
        if request.number > 0 {
            shared.books().over(request.number, left.is_none());
        }
        match left {
            Some(Left::Open) => {}
            Some(Left::Reset) => {
                let _best_effort = stream.set_zero_linger();
                return;
            }
            Some(Left::Close) | None => return,
        }
    }
}

/// Returns when the client has closed its side; requests sent ahead are kept.
async fn gone(reader: &mut (impl AsyncReadExt + Unpin), buffer: &mut BytesMut) {
    while let Ok(1..) = reader.read_buf(buffer).await {}
}
