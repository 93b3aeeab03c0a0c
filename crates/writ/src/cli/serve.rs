//! `writ serve`: the public listener, the metrics listener, background work, and graceful shutdown.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use writ_server::node::app::App;
use writ_server::node::listener;
use writ_server::{background, router};
use writ_store::transport;

use super::{Configured, Outcome, desk, note, say};

/// A server that runs until it is stopped.
pub struct Running {
    pub app: Arc<App>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    /// Shuts down gracefully: waits for requests that are under way.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        for task in self.tasks {
            let _ = task.await;
        }
    }
}

pub async fn serve(configured: &Configured) -> Outcome {
    let config = desk::load(configured)?;
    if let Some(sentence) = transport::unprotected(&config.database_url) {
        note(&sentence);
    }
    let socket = bind(config.listen).await?;
    let operators = match config.metrics_listen {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let app = desk::app(config).await?;
    let mut running = serve_on(app, socket);
    if let Some(socket) = operators {
        let routes = router::operators(running.app.clone());
        let stopped = running.stop.subscribe();
        running
            .tasks
            .push(tokio::spawn(listener::serve(socket, routes, stopped)));
    }
    say(&format!("writ is ready at {}", running.app.config.issuer));
    interrupted().await;
    running.stop().await;
    Ok(())
}

/// Serves on an open listener.
pub fn serve_on(app: Arc<App>, socket: TcpListener) -> Running {
    let (stop, stopped) = watch::channel(false);
    let server = tokio::spawn(listener::serve(
        socket,
        router::router(app.clone()),
        stopped.clone(),
    ));
    let work = tokio::spawn(background::run(app.clone(), stopped));
    Running {
        app,
        stop,
        tasks: vec![server, work],
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .await
        .map_err(|e| format!("`{address}` cannot be listened on: {e}"))
}

/// Waits for SIGINT or SIGTERM.
pub async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        }
        Err(_) => _ = tokio::signal::ctrl_c().await,
    }
}
