//! Signals that end a server, or have it read its certificate again. Those that end it are heard on a thread of their own, so that the
//! process ends also where everything else waits for a file system that does not answer.

use std::fmt::Display;
use std::process::exit;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use writ_server::config::TlsFiles;

use super::log_queue::LogQueue;
use super::{SAID_WITHIN, tell};

/// Who ends this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM: whatever runs it, which may have a balancer in front of it.
    Terminate,
    /// SIGINT: a person at a terminal.
    Interrupt,
}

/// The first signal, once it came.
pub type FirstSignal = watch::Receiver<Option<StopSignal>>;

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

/// Whoever waits for the first signal ends the server in order. The second one ends the process at once, and so does time: `within` after
/// the first.
pub fn follow(within: Duration, log: LogQueue) -> Result<FirstSignal, String> {
    let (first, receiver) = watch::channel(None);
    let (start, started) = mpsc::channel();
    let thread = std::thread::Builder::new().name("signals".to_owned());
    let hears = move || {
        let runtime = Builder::new_current_thread().enable_all().build();
        let heard = runtime.map_err(unheard).and_then(|runtime| {
            let signals = runtime.block_on(async { StopSignals::listen() })?;
            Ok(SignalThread {
                runtime,
                signals,
                log,
            })
        });
        match heard {
            Ok(thread) => {
                let _ = start.send(Ok(()));
                thread.end_process(&first, within)
            }
            Err(why) => _ = start.send(Err(why)),
        }
    };
    thread.spawn(hears).map_err(unheard)?;
    started.recv().map_err(unheard)?.map(|()| receiver)
}

/// What it works with, apart from the server.
struct SignalThread {
    runtime: Runtime,
    signals: StopSignals,
    log: LogQueue,
}

impl SignalThread {
    fn end_process(mut self, first: &watch::Sender<Option<StopSignal>>, within: Duration) -> ! {
        let late = async || tokio::time::sleep(within).await;
        let next = async || self.signals.next().await;
        let why = self.runtime.block_on(why_now(next, first, late));
        // Where nobody takes the log, nobody takes this either.
        if self.log.flush(SAID_WITHIN) {
            tell(why);
        }
        exit(1)
    }
}

/// Why nothing is waited for any more.
async fn why_now(
    mut next: impl AsyncFnMut() -> StopSignal,
    first: &watch::Sender<Option<StopSignal>>,
    late: impl AsyncFnOnce(),
) -> &'static str {
    let signal = next().await;
    let _ = first.send(Some(signal));
    tokio::select! {
        _ = next() => "ended at once, because a second signal came",
        () = late() => "ended at once, because something did not end in time",
    }
}

/// Changes with each SIGHUP, which ends no server from now on.
pub fn hangups(tls: Option<&TlsFiles>) -> Result<watch::Receiver<()>, String> {
    let said = match tls {
        Some(_) => "SIGHUP: the certificate's files are looked at",
        None => "SIGHUP: nothing is read again, because this server has no certificate",
    };
    let mut hangup = on(SignalKind::hangup())?;
    let (sender, receiver) = watch::channel(());
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::info!("{said}");
            sender.send_replace(());
        }
    });
    Ok(receiver)
}

fn on(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(unheard)
}

fn unheard(error: impl Display) -> String {
    format!("signals cannot be heard: {error}")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    /// So many signals come.
    fn signals(mut left: u32) -> impl AsyncFnMut() -> StopSignal {
        async move || {
            if left == 0 {
                pending::<()>().await;
            }
            left -= 1;
            StopSignal::Terminate
        }
    }

    #[tokio::test]
    async fn the_second_signal_and_the_deadline_end_whatever_is_stuck() {
        let (first, receiver) = watch::channel(None);
        let never = async || pending::<()>().await;
        let said = why_now(signals(2), &first, never).await;
        assert!(said.contains("a second signal came"), "{said}");
        assert_eq!(*receiver.borrow(), Some(StopSignal::Terminate));

        let (first, receiver) = watch::channel(None);
        let at_once = async || ready(()).await;
        let said = why_now(signals(1), &first, at_once).await;
        assert!(said.contains("did not end in time"), "{said}");
        assert_eq!(*receiver.borrow(), Some(StopSignal::Terminate));

        // The deadline begins with the first signal.
        let (first, receiver) = watch::channel(None);
        tokio::select! {
            biased;
            said = why_now(signals(0), &first, at_once) => panic!("{said}"),
            () = ready(()) => assert_eq!(*receiver.borrow(), None),
        }
    }
}
