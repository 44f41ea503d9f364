//! The gateway as a value: started, asked, stopped; several may live in one process.

use std::any::Any;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::{Data, ServiceConfig, scope};
use actix_web::{App, HttpServer};
use modelgate_store::Db;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use super::drain::{self, Running};
use super::parts::Parts;
use super::{
    AppError, admission, bootstrap, health, instances, keeper, lookout, memory, newsroom, otlp,
    pulse, scheduler,
};
use crate::config::Config;
use crate::journal::{Destination, Journal};
use crate::{proxy, web};

/// How long an idle connection stays open; longer than the pools of common proxies keep theirs.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const BACKLOG: u32 = 4_096;
/// How far the threads of the database stand behind the serving threads.
const BACKGROUND_NICE: i32 = 5;
/// How long the journals of dead processes are waited for: sums and budgets read at the start lack what is in them.
const ADOPT: Duration = Duration::from_secs(10);

/// The gateway.
#[derive(Clone, Copy, Debug)]
pub struct Server;

/// A running gateway. Dropped without [`Handle::stop`], it ends without ceremony.
pub struct Handle {
    addr: SocketAddr,
    parts: Arc<Parts>,
    running: Option<Running>,
    /// Database work and background tasks; serving threads have their own.
    background: Option<Runtime>,
}

impl Server {
    /// Opens everything, listens on `HOST:PORT` (port 0 takes a free one) and serves.
    pub async fn start(config: Config) -> Result<Handle, AppError> {
        let background = background()?;
        match Self::start_on(&background, config).await {
            Ok(mut started) => {
                started.background = Some(background);
                Ok(started)
            }
            Err(error) => {
                background.shutdown_background();
                Err(error)
            }
        }
    }

    async fn start_on(background: &Runtime, config: Config) -> Result<Handle, AppError> {
        let handle = background.handle().clone();
        let parts = Arc::new(Parts::build(config, handle.clone()).await?);
        bootstrap::days(&parts.config, &parts.db).await?;
        let shutdown = watch::Sender::new(false);
        let destination = Destination {
            db: parts.db.clone(),
            zone: parts.config.time_zone,
            observer: admission::observer(&parts.admission),
        };
        let journal = Arc::clone(&parts.journal);
        let mut tasks = vec![
            handle.spawn(journal.run_drain(destination, shutdown.subscribe())),
            handle.spawn(admission::run(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(follow(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(pulse::run(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(memory::run(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(keeper::run(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(newsroom::run(Arc::clone(&parts), shutdown.subscribe())),
            handle.spawn(lookout::run(Arc::clone(&parts), shutdown.subscribe())),
        ];
        if let Some(traced) = parts.traced() {
            let exports = otlp::run(Arc::clone(&parts), traced, shutdown.subscribe());
            tasks.push(handle.spawn(exports));
        }
        if timeout(ADOPT, parts.journal.adopted()).await.is_err() {
            tracing::warn!(
                "what an earlier process recorded is not in the database yet; starting without it"
            );
        }
        let shared = instances::run(Arc::clone(&parts), shutdown.subscribe());
        tasks.push(handle.spawn(shared));
        tasks.push(handle.spawn(scheduler::run(Arc::clone(&parts), shutdown.subscribe())));
        if let Some(board) = &parts.board {
            board.tried().await;
        }
        let served = match serve(&parts).await {
            Ok(served) => served,
            Err(error) => {
                shutdown.send_replace(true);
                for task in tasks {
                    drop(task.await);
                }
                return Err(error);
            }
        };
        // Nobody else sets it.
        let _first = parts.address.set(served.addr);
        Ok(Handle {
            addr: served.addr,
            parts,
            running: Some(Running {
                http: served.handle,
                door: served.door,
                http_ended: served.ended,
                shutdown,
                tasks,
            }),
            background: None,
        })
    }
}

impl Handle {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The database, for what no page answers.
    pub fn db(&self) -> &Db {
        &self.parts.db
    }

    /// The journal, for its lag.
    pub fn journal(&self) -> &Journal {
        &self.parts.journal
    }

    /// Calls that run.
    pub fn active_requests(&self) -> i64 {
        self.parts.active_requests()
    }

    /// Calls that wait for a free credential.
    pub fn waiting_calls(&self) -> usize {
        self.parts.health.waiting_by_key().values().sum()
    }

    /// The link by which the first administrator is made, where there was none at the start. Holds a secret: for the
    /// console, never for a log.
    pub fn setup_link(&self) -> Option<String> {
        let token = self.parts.setup_token.as_ref()?;
        let settings = self.parts.settings();
        let local = || {
            format!(
                "http://{}{}",
                self.local_host(),
                self.parts.config.base_path
            )
        };
        let base = settings.runtime.public_url.clone().unwrap_or_else(local);
        Some(format!("{base}/setup/{}", token.expose()))
    }

    /// What somebody on this machine types.
    fn local_host(&self) -> String {
        if self.addr.ip().is_unspecified() || self.addr.ip().is_loopback() {
            format!("localhost:{}", self.addr.port())
        } else {
            self.addr.to_string()
        }
    }

    /// As the process does on SIGTERM: not ready, the drain delay, then the end.
    pub async fn shut_down(mut self) {
        self.parts.draining.store(true, Ordering::Relaxed);
        tokio::time::sleep(self.parts.drain_delay()).await;
        self.end(false).await;
    }

    /// Ends it in good order without the delay.
    pub async fn stop(mut self) {
        let idle = self.active_requests() == 0;
        self.end(idle).await;
    }

    async fn end(&mut self, at_once: bool) {
        if let Some(running) = self.running.take() {
            drain::end(&self.parts, running, at_once).await;
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            // The command is sent by the call; nobody waits for the answer.
            drop(running.http.stop(false));
            running.shutdown.send_replace(true);
        }
        // A runtime must not be waited for inside another one.
        if let Some(background) = self.background.take() {
            background.shutdown_background();
        }
    }
}

/// What came of starting the serving threads.
struct Served {
    addr: SocketAddr,
    door: TcpListener,
    handle: ServerHandle,
    ended: oneshot::Receiver<()>,
}

fn background() -> Result<Runtime, AppError> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads.clamp(2, 8))
        .thread_name("modelgate-db")
        .on_thread_start(step_back)
        .enable_all()
        .build()
        .map_err(AppError::Runtime)
}

/// Serving threads go first where cores are scarce: a batch of the drain must not stand between a call and its
/// answer. A small step, so that under full load the drain keeps about a quarter of a core and does not fall behind.
fn step_back() {
    // On Linux this is the priority of the calling thread alone. Where it is refused, all threads stay equal.
    let _refused = rustix::process::setpriority_process(None, BACKGROUND_NICE);
}

/// Keeps the catalog in step with the database.
async fn follow(parts: Arc<Parts>, mut shutdown: watch::Receiver<bool>) {
    parts
        .updater
        .run(async move { drop(shutdown.changed().await) })
        .await;
}

/// Starts the serving threads under a system of their own: only then has each of them its own event loop.
async fn serve(parts: &Arc<Parts>) -> Result<Served, AppError> {
    let (started, outcome) = oneshot::channel();
    let (ending, ended) = oneshot::channel();
    let parts = Arc::clone(parts);
    let thread = std::thread::Builder::new().name("modelgate-http".to_owned());
    thread
        .spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                match listen(&parts) {
                    Ok((addr, door, server)) => {
                        drop(started.send(Ok((addr, door, server.handle()))));
                        if let Err(error) = server.await {
                            tracing::error!(%error, "the server ended");
                        }
                    }
                    Err(error) => drop(started.send(Err(error))),
                }
                drop(parts);
                let _nobody_waits = ending.send(());
            });
        })
        .map_err(AppError::Runtime)?;
    let gone = |_sender| AppError::Runtime(std::io::Error::other("the serving thread died"));
    let (addr, door, handle) = outcome.await.map_err(gone)??;
    Ok(Served {
        addr,
        door,
        handle,
        ended,
    })
}

/// The address, another handle of the socket that listens there, and the server.
type Listening = (SocketAddr, TcpListener, actix_web::dev::Server);

fn listen(parts: &Arc<Parts>) -> Result<Listening, AppError> {
    let config = &parts.config;
    let address = SocketAddr::new(config.host, config.port);
    let failed = |source| AppError::Listen { address, source };
    let socket = bind(address).map_err(failed)?;
    let addr = socket.local_addr().map_err(failed)?;
    let door = socket.try_clone().map_err(failed)?;
    let (served, connected) = (Arc::clone(parts), Arc::clone(parts));
    let server = HttpServer::new(move || {
        let base = served.config.base_path.as_str();
        let routes = |config: &mut ServiceConfig| routes(config, &served);
        // Each scope is a future of its own for every call.
        match base {
            "" => App::new().configure(routes),
            base => App::new().service(scope(base).configure(routes)),
        }
    })
    .workers(config.workers)
    // Without it the last packets of a stream wait 40 ms for an acknowledgement.
    .tcp_nodelay(true)
    // Without it a handler runs on for seconds after its caller has gone.
    .h1_allow_half_closed(false)
    .keep_alive(KEEP_ALIVE)
    .on_connect(move |socket, _| not_for_ever(socket, &connected))
    .shutdown_timeout(drain::cut_after_s(config))
    .disable_signals()
    .listen(socket)
    .map_err(failed)?;
    Ok((addr, door, server.run()))
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The system ends a connection whose other end takes nothing: twice as late as streams are cut, so that a stream's
/// record says why it ended.
fn not_for_ever(socket: &dyn Any, parts: &Parts) {
    #[cfg(target_os = "linux")]
    if let Some(socket) = socket.downcast_ref::<actix_web::rt::net::TcpStream>() {
        let longest = parts.settings().runtime.slow_reader_timeout * 2;
        let longest_ms = u32::try_from(longest.as_millis()).unwrap_or(u32::MAX);
        if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(socket, longest_ms) {
            tracing::debug!(%error, "a connection has no time-out");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _not_known_there = (socket, parts);
}

/// Everything that is served, below the base path. Called once on each serving thread.
fn routes(config: &mut ServiceConfig, parts: &Arc<Parts>) {
    let data = Data::from(Arc::clone(parts));
    health::configure(config, &data);
    let door = proxy::configure(config, parts.proxy_state());
    web::configure(config, &parts.pages, door);
}
