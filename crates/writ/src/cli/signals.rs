//! Signals that end a server, or have it read its certificate again.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Who ends this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM: whatever runs it, which may have a balancer in front of it.
    Terminate,
    /// SIGINT: a person at a terminal.
    Interrupt,
}

/// From now on these signals do nothing but what is asked for here.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    pub fn listen() -> Result<Self, String> {
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

/// Changes with each SIGHUP.
pub fn hangups() -> Result<watch::Receiver<()>, String> {
    let mut hangup = on(SignalKind::hangup())?;
    let (sender, receiver) = watch::channel(());
    tokio::spawn(async move { while hangup.recv().await.is_some() && sender.send(()).is_ok() {} });
    Ok(receiver)
}

fn on(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|e| format!("signals cannot be heard: {e}"))
}
