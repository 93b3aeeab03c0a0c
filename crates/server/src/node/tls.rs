//! TLS on the public listener: the handshake within a deadline, by the certificate that the files hold now. A renewed pair is taken over
//! without a restart; one that cannot be used is logged, and the one before goes on.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use writ_wire::time::Timestamp;

use crate::config::{CertificateFacts, TlsFiles, expiry_warning};
use crate::node::app::App;

/// How long a client may take for its handshake.
pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is asked whether the files changed.
pub const RELOAD_PERIOD: Duration = Duration::from_secs(10);

/// The server's side of TLS; cheap to clone.
#[derive(Clone)]
pub struct ServerTls(Arc<Shared>);

struct Shared {
    files: TlsFiles,
    current: RwLock<Current>,
}

struct Current {
    protocol: Arc<ServerConfig>,
    certificate: CertificateFacts,
    /// Of the files when they were read last, whether or not they could be used; not of those that may be used later.
    seen: [[u8; 32]; 2],
}

/// How long reading them may take.
const READ_WITHIN: Duration = Duration::from_secs(5);

/// In seconds.
const DAY: i64 = 24 * 3600;

/// What became of the files since they were read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reload {
    Unchanged,
    TakenOver,
    /// The pair before goes on.
    Refused(String),
}

impl ServerTls {
    pub fn start(files: TlsFiles) -> Result<Self, String> {
        let pair = files.read()?;
        let current = Current {
            protocol: pair.protocol()?,
            certificate: pair.certificate()?,
            seen: pair.fingerprint(),
        };
        Ok(Self(Arc::new(Shared {
            files,
            current: RwLock::new(current),
        })))
    }

    /// Reads the files again. A pair that clients would not take replaces none that they take.
    pub fn reload(&self, now: Timestamp) -> Reload {
        let pair = match self.0.files.read() {
            Ok(pair) => pair,
            Err(why) => return Reload::Refused(why),
        };
        let mut current = self
            .0
            .current
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let seen = pair.fingerprint();
        if current.seen == seen {
            return Reload::Unchanged;
        }
        let read = pair
            .protocol()
            .and_then(|protocol| Ok((protocol, pair.certificate()?)));
        let (protocol, certificate) = match read {
            Ok(read) => read,
            Err(why) => {
                current.seen = seen;
                return Reload::Refused(why);
            }
        };
        // Looked at again the next time: it may begin, or the one in use may end.
        if let Some(why) = certificate.worse_than(&current.certificate, now) {
            return Reload::Refused(why);
        }
        *current = Current {
            protocol,
            certificate,
            seen,
        };
        Reload::TakenOver
    }

    /// When the certificate in use is over.
    pub fn expires_at(&self) -> Timestamp {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        current.certificate.expires_at
    }

    /// The handshake; `None` if it fails or takes too long, which is no fault of this server.
    pub async fn accept<S>(&self, stream: S) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let acceptor = TlsAcceptor::from(self.protocol());
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no TLS handshake");
                None
            }
            Err(_) => {
                tracing::debug!("no TLS handshake in time");
                None
            }
        }
    }

    fn protocol(&self) -> Arc<ServerConfig> {
        let current = self.0.current.read();
        let current = current.unwrap_or_else(PoisonError::into_inner);
        current.protocol.clone()
    }

    /// Takes renewed files over, every [`RELOAD_PERIOD`] and whenever `hint` changes, until `stop` does; tells the operator when it is
    /// time for them.
    pub async fn follow(
        self,
        app: Arc<App>,
        mut hint: watch::Receiver<()>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut ticks = tokio::time::interval(RELOAD_PERIOD);
        let mut warned_on = None;
        let mut said = String::new();
        let mut under_way = None;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                Ok(()) = hint.changed() => {}
                _ = stop.changed() => return,
            }
            self.tell_expiry(&app, &mut warned_on);
            let (tls, now) = (self.clone(), app.clock.now());
            let reload = under_way.get_or_insert_with(|| spawn_blocking(move || tls.reload(now)));
            let reload = match tokio::time::timeout(READ_WITHIN, reload).await {
                Ok(done) => {
                    under_way = None;
                    done.unwrap_or_else(|e| Reload::Refused(e.to_string()))
                }
                // A folder of the network that does not answer: the same reading goes on.
                Err(_) => Reload::Refused("the files cannot be read in time".to_owned()),
            };
            match reload {
                Reload::Unchanged => {}
                Reload::TakenOver => {
                    said.clear();
                    tracing::info!("a renewed certificate is in use");
                    warned_on = None;
                    self.tell_expiry(&app, &mut warned_on);
                }
                // Files that are gone or cannot be read are looked at again and again: said once.
                Reload::Refused(why) if why == said => {}
                Reload::Refused(why) => {
                    tracing::error!(
                        why,
                        "the renewed certificate is not used: the one before goes on"
                    );
                    said = why;
                }
            }
        }
    }

    /// In the metrics, and, when it is near, once a day in the log.
    fn tell_expiry(&self, app: &App, warned_on: &mut Option<i64>) {
        let (expires_at, now) = (self.expires_at(), app.clock.now());
        app.metrics.certificate_expires_at(expires_at);
        let today = Some(now.seconds().div_euclid(DAY));
        if let Some(warning) = expiry_warning(expires_at, now)
            && *warned_on != today
        {
            tracing::warn!("{warning}");
            *warned_on = today;
        }
    }
}
