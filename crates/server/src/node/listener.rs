//! The HTTP listener with its bounds: connections at once, of one address, of one site and in all, time for a client to send and to read, time to
//! finish at shutdown. When there is no room, the connection that waits longest for its client leaves first.

mod accept;
mod body;
mod connection;
mod counted;
mod descriptors;
mod places;
mod progress;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

use crate::config::TrustedProxies;
use crate::node::app::App;
use crate::node::client_address::Area;
use crate::node::metrics::{ConnectionCounters, CutConnection};
use crate::node::tls::ServerTls;

use accept::Acceptor;
use connection::serve_stream;
use counted::CountedStream;
use places::{Place, Places};

/// Connections of one listener at once, where the system lets a process have as many: an idle one costs some kilobytes.
pub const MAX_CONNECTIONS: usize = 16_384;
/// Connections from one address (IPv6: one network of 64 bits) at once: the agents of a large office, each with a long poll, and a
/// thirty-second of all.
pub const MAX_OF_ADDRESS: usize = 512;
/// One in so many of all are the connections of one site at most (IPv6: 48 bits; IPv4: 24): one holder of many networks leaves most of the
/// room to others.
pub const SHARES_OF_SITES: usize = 4;
/// How long a client may take to send the head of a request, from its first byte on; of the first one, from the connection on. A slow
/// mobile line needs a few seconds.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(20);
/// How long it may take to send the body then: the largest one within the limit, at 56 kbit/s.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a connection is kept between two requests. Usual proxies close theirs after 60 to 90 seconds, and must be the first to
/// do so: a request that crosses with our end of the connection is lost.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a client may let an answer stand that it does not read.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long this server may take for the head of an answer; where the client asks to be held, so much longer. Usual proxies
/// wait no longer, and every call to the database or to others has a deadline far below it: this ends what nobody thought of.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// The most bytes that are kept of a request's head: the longest address that the parser takes (64 KiB), and as much again.
pub const MAX_HEAD: usize = 128 * 1024;
/// The most bytes that are kept of requests that have not come whole yet, over all connections of a listener: 256 of the longest heads, or
/// two kilobytes of each connection. One that comes in one piece counts for a moment.
pub const MAX_UNFINISHED: usize = 32 * 1024 * 1024;
/// One in so many of those bytes are those of one address at most: 32 of the largest requests.
pub const SHARES_OF_UNFINISHED: usize = 8;
/// After a request that is longer the connection ends: the buffer that it needed would stay with it.
pub const LONG_REQUEST: usize = 16 * 1024;
/// How long requests that are under way may take at shutdown.
pub const GRACE: Duration = Duration::from_secs(10);

/// How long a client may let this server wait.
#[derive(Clone, Copy, Debug)]
pub struct ClientDeadlines {
    pub head: Duration,
    pub body: Duration,
    pub idle: Duration,
    pub write: Duration,
}

impl Default for ClientDeadlines {
    fn default() -> Self {
        Self {
            head: HEAD_TIMEOUT,
            body: BODY_TIMEOUT,
            idle: IDLE_TIMEOUT,
            write: WRITE_TIMEOUT,
        }
    }
}

/// What one listener admits.
#[derive(Clone)]
pub struct ListenerBounds {
    pub deadlines: ClientDeadlines,
    /// Connections in all.
    pub most: usize,
    /// Connections of one address, but not of loopback and of `exempt`.
    pub most_of_address: usize,
    /// The same of one site.
    pub most_of_site: usize,
    /// Bytes of requests and of TLS handshakes that have not come whole, in all; one address and one site has a part of them.
    pub most_unfinished: usize,
    /// They bring the requests of many.
    pub exempt: TrustedProxies,
    pub counters: ConnectionCounters,
}

impl Default for ListenerBounds {
    fn default() -> Self {
        let most = descriptors::room();
        Self {
            deadlines: ClientDeadlines::default(),
            most,
            most_of_address: MAX_OF_ADDRESS,
            most_of_site: most.div_ceil(SHARES_OF_SITES),
            most_unfinished: MAX_UNFINISHED,
            exempt: TrustedProxies::default(),
            counters: ConnectionCounters::default(),
        }
    }
}

impl ListenerBounds {
    /// Of a listener of this server.
    pub fn of(app: &App) -> Self {
        Self {
            exempt: app.config.trusted_proxies.clone(),
            counters: app.metrics.connections.clone(),
            ..Self::default()
        }
    }

    /// How many connections of this area, and what one more is cut for where none can leave.
    fn most_of(&self, area: Area) -> (usize, CutConnection) {
        match area {
            Area::Network(_) => (self.most_of_address, CutConnection::OfAddress),
            Area::Site(_) => (self.most_of_site, CutConnection::OfSite),
        }
    }

    /// How many bytes of what has not come whole may be of this area.
    fn most_unfinished_of(&self, area: Area) -> usize {
        self.most_unfinished.div_ceil(match area {
            Area::Network(_) => SHARES_OF_UNFINISHED,
            Area::Site(_) => SHARES_OF_SITES,
        })
    }
}

/// Serves plain HTTP until `stopped` changes.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    bounds: ListenerBounds,
    stopped: watch::Receiver<bool>,
) {
    serve_over(None, listener, routes, bounds, stopped).await;
}

/// The same over TLS, if there is any.
pub async fn serve_over(
    tls: Option<ServerTls>,
    listener: TcpListener,
    routes: Router,
    bounds: ListenerBounds,
    mut stopped: watch::Receiver<bool>,
) {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Places::new(bounds));
    let mut acceptor = Acceptor::new(listener, places.clone());
    loop {
        let (stream, peer) = tokio::select! {
            accepted = acceptor.accept() => accepted,
            _ = stopped.changed() => break,
        };
        let Some(place) = places.take(peer).map(Arc::new) else {
            continue;
        };
        let (routes, watcher) = (routes.clone(), connections.watcher());
        match tls.clone() {
            None => tokio::spawn(serve_stream(stream, place, routes, watcher)),
            Some(tls) => {
                let stopped = stopped.clone();
                tokio::spawn(async move {
                    if let Some(stream) = handshake(&tls, stream, &place, stopped).await {
                        serve_stream(stream, place, routes, watcher).await;
                    }
                })
            }
        };
    }
    drop(acceptor);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("requests that were under way did not finish in time");
    }
}

/// `None` also if the connection must leave for another meanwhile, or the server stops: no request began.
async fn handshake(
    tls: &ServerTls,
    stream: TcpStream,
    place: &Arc<Place>,
    mut stopped: watch::Receiver<bool>,
) -> Option<TlsStream<CountedStream>> {
    let stream = CountedStream::new(stream, place.clone());
    let mut shaken = tokio::select! {
        stream = tls.accept(stream) => stream?,
        () = place.must_leave() => return None,
        _ = stopped.changed() => return None,
    };
    shaken.get_mut().0.count_no_more();
    Some(shaken)
}

#[cfg(test)]
mod tests;
