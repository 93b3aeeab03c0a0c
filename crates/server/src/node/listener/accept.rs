//! Takes connections from the system. When it has none to give, because files or memory are used up, the next try waits: a loop
//! without a pause would use up a core and the disk of the log.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use super::places::Places;

/// The first pause; each further error in a row doubles it.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// Errors are logged no more often.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

pub(super) struct Acceptor {
    listener: TcpListener,
    places: Arc<Places>,
    failures: Failures,
}

impl Acceptor {
    pub(super) fn new(listener: TcpListener, places: Arc<Places>) -> Self {
        Self {
            listener,
            places,
            failures: Failures::default(),
        }
    }

    /// The next connection, however long that takes.
    pub(super) async fn accept(&mut self) -> (TcpStream, IpAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    self.failures.pause = None;
                    // Answers are small: waiting to fill a packet only costs time.
                    if stream.set_nodelay(true).is_ok() {
                        return (stream, peer.ip().to_canonical());
                    }
                }
                // The client ended it while it was in line.
                Err(error) if is_of_connection(&error) => {}
                Err(error) => self.out_of_resources(&error).await,
            }
        }
    }

    async fn out_of_resources(&mut self, error: &io::Error) {
        self.places.refused_by_system();
        let failed = self.failures.note(Instant::now());
        if let Some(times) = failed.to_log {
            tracing::warn!(%error, times, "no connection accepted");
        }
        tokio::time::sleep(failed.pause).await;
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset
    )
}

#[derive(Default)]
struct Failures {
    pause: Option<Duration>,
    logged_at: Option<Instant>,
    unlogged: u64,
}

struct Failed {
    pause: Duration,
    /// How often it failed since the last line, if it is time for one.
    to_log: Option<u64>,
}

impl Failures {
    fn note(&mut self, now: Instant) -> Failed {
        let pause = self
            .pause
            .map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
        self.pause = Some(pause);
        self.unlogged = self.unlogged.saturating_add(1);
        let due = self.logged_at.is_none_or(|at| now >= at + LOG_INTERVAL);
        Failed {
            pause,
            to_log: due.then(|| {
                self.logged_at = Some(now);
                std::mem::take(&mut self.unlogged)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_pause_longer_and_are_logged_once_a_second() {
        let (mut failures, mut now) = (Failures::default(), Instant::now());
        let (mut pauses, mut logged) = (Vec::new(), Vec::new());
        for _ in 0..6 {
            let failed = failures.note(now);
            now += failed.pause;
            pauses.push(failed.pause.as_millis());
            logged.push(failed.to_log);
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
        // At 0, 100, 300, 700, 1500 and 2500 milliseconds.
        assert_eq!(logged, [Some(1), None, None, None, Some(4), Some(1)]);
    }
}
