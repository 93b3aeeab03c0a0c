//! Hosts on loopback that are called over https and never answer: what a test sees is whether somebody called.

use std::net::{IpAddr, Ipv4Addr};

use tokio::net::TcpListener;
use tokio::sync::watch;

/// Counts the connections that it takes.
pub struct SilentHost {
    /// `https://127.0.0.1:4711`
    pub origin: String,
    calls: watch::Receiver<usize>,
    /// Dropped with the host: whoever still waits is hung up on.
    _running: watch::Sender<bool>,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    HangsUp,
    /// Until the host is dropped.
    LetsWait,
}

impl SilentHost {
    pub async fn start(silence: Silence) -> Self {
        Self::at(Ipv4Addr::LOCALHOST.into(), silence).await
    }

    /// At another address of loopback: another host.
    pub async fn at(address: IpAddr, silence: Silence) -> Self {
        let socket = TcpListener::bind((address, 0)).await.unwrap();
        let origin = format!("https://{}", socket.local_addr().unwrap());
        let (counter, calls) = watch::channel(0);
        let (running, mut stopped) = watch::channel(false);
        tokio::spawn(async move {
            let mut waiting = Vec::new();
            loop {
                let stream = tokio::select! {
                    taken = socket.accept() => taken.unwrap().0,
                    _ = stopped.changed() => return,
                };
                counter.send_modify(|calls| *calls += 1);
                if silence == Silence::LetsWait {
                    waiting.push(stream);
                }
            }
        });
        Self {
            origin,
            calls,
            _running: running,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Calls since the start.
    pub fn calls(&self) -> usize {
        *self.calls.borrow()
    }

    /// Waits for so many.
    pub async fn called(&self, times: usize) {
        let mut calls = self.calls.clone();
        calls.wait_for(|calls| *calls >= times).await.unwrap();
    }
}
