//! `writ serve`: the public listener, the metrics listener, background work, and graceful shutdown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writ_server::config::Config;
use writ_server::node::app::App;
use writ_server::node::listener::{self, GRACE, ListenerBounds};
use writ_server::node::tls::ServerTls;
use writ_server::{background, router};
use writ_store::{ServeLock, Store, transport};

use super::log_queue::{LogQueue, write_within};
#[cfg(feature = "demo")]
use super::signals::StopSignals;
use super::signals::{self, StopSignal, hangups};
use super::start_line::{self, Listening};
use super::{Configured, Outcome, SAID_WITHIN, desk, log, note};

/// How long work that is under way may take at the end: requests, and two seconds more.
const TASKS_WITHIN: Duration = Duration::from_secs(GRACE.as_secs() + 2);
/// How long connections to the database may take to close at the end.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);
/// How long all of the end may take, from when nothing is accepted any more; then the process ends, whatever is stuck.
const ENDED_WITHIN: Duration = Duration::from_secs(20);

/// A server that runs until it is stopped.
pub struct Running {
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Background work, and nothing that listens yet.
    fn start(app: Arc<App>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let work = tokio::spawn(background::run(app.clone(), stopped));
        Self {
            app,
            stop,
            tasks: vec![work],
        }
    }

    fn add<F>(&mut self, task: impl FnOnce(watch::Receiver<bool>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tasks.push(tokio::spawn(task(self.stop.subscribe())));
    }

    fn serve_public(&mut self, socket: TcpListener, tls: Option<ServerTls>) {
        let routes = router::router(self.app.clone());
        let bounds = ListenerBounds::of(&self.app);
        self.add(|stopped| listener::serve_over(tls, socket, routes, bounds, stopped));
    }

    /// Shuts down gracefully: waits for requests that are under way, then closes the database.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let tasks = async {
            for task in self.tasks {
                let _ = task.await;
            }
        };
        if tokio::time::timeout(TASKS_WITHIN, tasks).await.is_err() {
            tracing::warn!("work that was under way did not end in time");
        }
        let closed = tokio::time::timeout(CLOSED_WITHIN, self.app.store.close());
        if closed.await.is_err() {
            tracing::warn!("the database was not closed in time");
        }
    }
}

pub async fn serve(configured: &Configured) -> Outcome {
    let config = desk::load(configured)?;
    let queue = log::by_queue(config.log_format)?;
    log::panics();
    let outcome = run(config, &queue).await;
    queue.flush(SAID_WITHIN);
    outcome
}

async fn run(config: Config, queue: &LogQueue) -> Outcome {
    if let Some(sentence) = transport::unprotected(&config.database_url) {
        note(&sentence);
    }
    config.log_warnings();
    let mut stopping = signals::follow(config.drain + ENDED_WITHIN, queue.clone())?;
    let hangups = hangups(config.tls.as_ref())?;
    let tls = tls(&config)?;
    let socket = bind(config.listen).await?;
    let operators = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let listening = Listening {
        public: address_of(&socket)?,
        metrics: operators.as_ref().map(address_of).transpose()?,
        certificate_expires_at: tls.as_ref().map(ServerTls::expires_at),
    };
    let (store, alone) = alone(&config).await?;
    let mut running = Running::start(desk::app_on(store, config).await?);
    let app = Arc::downgrade(&running.app);
    queue.on_loss(move || {
        if let Some(app) = app.upgrade() {
            app.metrics.log_line_lost();
        }
    });
    if let Some(tls) = &tls {
        let (tls, app) = (tls.clone(), running.app.clone());
        running.add(|stopped| tls.follow(app, hangups, stopped));
    }
    running.serve_public(socket, tls);
    if let Some(socket) = operators {
        let routes = router::operators(running.app.clone());
        running.add(|stopped| listener::serve(socket, routes, ListenerBounds::default(), stopped));
    }
    start_line::write(&running.app.config, &listening);
    say_ready(&running.app.config);
    let signal = stopping.wait_for(Option::is_some).await;
    let signal = signal.ok().and_then(|signal| *signal);
    end(running, signal.unwrap_or(StopSignal::Terminate)).await;
    drop(alone);
    Ok(())
}

/// Before anything is written: a server that may not run changes nothing.
async fn alone(config: &Config) -> Result<(Store, ServeLock), String> {
    let store = Store::connect(&config.database_url).await;
    let store = store.map_err(|e| e.to_string())?;
    let alone = store.serve_alone().await.map_err(|e| e.to_string())?;
    Ok((store, alone))
}

/// Not ready at once. Requests are still taken for a while, so that a balancer sees that before a connection is refused; a person at a
/// terminal need not wait for that.
async fn end(running: Running, signal: StopSignal) {
    tracing::info!(?signal, "the server is stopping");
    running.app.begin_ending();
    if signal == StopSignal::Terminate {
        tokio::time::sleep(running.app.config.drain).await;
    }
    running.stop().await;
    tracing::info!("the server has stopped");
}

/// Standard output may be the same pipe as the log, and nobody may read it.
fn say_ready(config: &Config) {
    let line = format!("writ is ready at {}\n", config.issuer);
    write_within(std::io::stdout(), line, Duration::ZERO);
}

/// Serves on an open listener.
#[cfg(feature = "demo")]
pub fn serve_on(app: Arc<App>, socket: TcpListener) -> Running {
    let mut running = Running::start(app);
    running.serve_public(socket, None);
    running
}

fn tls(config: &Config) -> Result<Option<ServerTls>, String> {
    config.tls.clone().map(ServerTls::start).transpose()
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|e| format!("`{address}` cannot be listened on: {e}"))
}

fn address_of(socket: &TcpListener) -> Result<SocketAddr, String> {
    let address = socket.local_addr();
    address.map_err(|e| format!("where this server listens is not known: {e}"))
}

/// Waits for SIGINT or SIGTERM.
#[cfg(feature = "demo")]
pub async fn interrupted() {
    if let Ok(mut signals) = StopSignals::listen() {
        signals.next().await;
    }
}
