//! The HTTP listener with its limits: connections at once, time for a request's head, time to finish at shutdown.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use crate::node::client_address::ClientAddress;
use crate::node::tls::ServerTls;

/// Connections of one listener at once; one more waits in the system's queue.
pub const MAX_CONNECTIONS: usize = 16_384;
/// How long a client may take to send the head of its next request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long requests that are under way may take at shutdown.
pub const GRACE: Duration = Duration::from_secs(10);

/// Serves plain HTTP until `stopped` changes.
pub async fn serve(listener: TcpListener, routes: Router, stopped: watch::Receiver<bool>) {
    serve_over(None, listener, routes, stopped).await;
}

/// The same over TLS, if there is any.
pub async fn serve_over(
    tls: Option<ServerTls>,
    listener: TcpListener,
    routes: Router,
    mut stopped: watch::Receiver<bool>,
) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &permits) => accepted,
            _ = stopped.changed() => break,
        };
        let Some(accepted) = accepted else {
            continue;
        };
        let (tls, routes, watcher) = (tls.clone(), routes.clone(), connections.watcher());
        tokio::spawn(async move {
            let Accepted {
                stream,
                peer,
                permit,
            } = accepted;
            match tls {
                None => serve_stream(stream, peer, routes, watcher).await,
                Some(tls) => {
                    if let Some(stream) = tls.accept(stream).await {
                        serve_stream(stream, peer, routes, watcher).await;
                    }
                }
            }
            drop(permit);
        });
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that were under way did not finish in time");
    }
}

/// Serves the requests of one connection until it ends; `watcher` says when the server stops.
async fn serve_stream<S>(stream: S, peer: IpAddr, routes: Router, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = TowerToHyperService::new(routes.map_request(
        move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(ClientAddress(peer));
            request
        },
    ));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    // The client went away, or was too slow: no error of this server.
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "connection ended");
    }
}

/// A connection, with its permit among [`MAX_CONNECTIONS`].
struct Accepted {
    stream: TcpStream,
    peer: IpAddr,
    permit: OwnedSemaphorePermit,
}

/// `None` if the system accepted no connection.
async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = permits.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small: waiting to fill a packet only costs time.
            stream.set_nodelay(true).ok()?;
            Some(Accepted {
                stream,
                peer: peer.ip(),
                permit,
            })
        }
        Err(error) => {
            tracing::warn!(%error, "no connection accepted");
            // Out of file descriptors, most likely: others must end first.
            tokio::task::yield_now().await;
            None
        }
    }
}
