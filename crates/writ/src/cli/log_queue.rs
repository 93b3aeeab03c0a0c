//! The way of a server's log to standard error: a bounded queue and a thread that writes. Whoever logs never waits, also where nobody reads
//! what is written: what finds no room is lost, and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Of lines that wait to be written, each with what keeping it takes.
const MAX_WAITING: usize = 4 * 1024 * 1024;
const KEPT_BESIDE_A_LINE: usize = 64;

#[derive(Clone)]
pub struct LogQueue {
    items: Sender<Item>,
    state: Arc<QueueState>,
}

enum Item {
    Lines(Vec<u8>),
    /// Answered once everything before it is written.
    Flush(Sender<()>),
}

#[derive(Default)]
struct QueueState {
    waiting: AtomicUsize,
    /// Since the log said so last.
    lost: AtomicU64,
    on_loss: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl LogQueue {
    /// To `target`, by a thread of its own.
    pub fn start(target: impl Write + Send + 'static) -> io::Result<Self> {
        let (items, receiver) = channel();
        let state = Arc::new(QueueState::default());
        let of_thread = state.clone();
        let thread = std::thread::Builder::new().name("log".to_owned());
        thread.spawn(move || write_all(target, &receiver, &of_thread))?;
        Ok(Self { items, state })
    }

    /// What happens with each line that is lost from now on; only the first is kept.
    pub fn on_loss(&self, told: impl Fn() + Send + Sync + 'static) {
        let _ = self.state.on_loss.set(Box::new(told));
    }

    /// Whether everything until now was written within so long.
    pub fn flush(&self, within: Duration) -> bool {
        let (done, written) = channel();
        self.items.send(Item::Flush(done)).is_ok() && written.recv_timeout(within).is_ok()
    }

    fn push(&self, lines: &[u8]) {
        let size = size(lines);
        let before = self.state.waiting.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) <= MAX_WAITING
            && self.items.send(Item::Lines(lines.to_vec())).is_ok()
        {
            return;
        }
        self.state.waiting.fetch_sub(size, Ordering::Relaxed);
        self.state.lost.fetch_add(1, Ordering::Relaxed);
        if let Some(told) = self.state.on_loss.get() {
            told();
        }
    }
}

impl Write for LogQueue {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        self.push(lines);
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Never waits longer than `within`, whatever became of what was written.
pub fn write_within(mut target: impl Write + Send + 'static, text: String, within: Duration) {
    let (done, written) = channel();
    let thread = std::thread::Builder::new().spawn(move || {
        let _ = target.write_all(text.as_bytes());
        let _ = done.send(());
    });
    if thread.is_ok() {
        let _ = written.recv_timeout(within);
    }
}

fn size(lines: &[u8]) -> usize {
    lines.len().saturating_add(KEPT_BESIDE_A_LINE)
}

/// A log that takes nothing, because the disk is full, is no reason to end.
fn write_all(mut target: impl Write, items: &Receiver<Item>, state: &QueueState) {
    while let Some(item) = next(items, state) {
        match item {
            Item::Lines(lines) => {
                let _ = target.write_all(&lines);
                state.waiting.fetch_sub(size(&lines), Ordering::Relaxed);
            }
            Item::Flush(done) => {
                let _ = target.flush();
                let _ = done.send(());
            }
        }
    }
}

/// Once there is nothing left to write, there is room to say what was lost.
fn next(items: &Receiver<Item>, state: &QueueState) -> Option<Item> {
    match items.try_recv() {
        Ok(item) => return Some(item),
        Err(TryRecvError::Disconnected) => return None,
        Err(TryRecvError::Empty) => {}
    }
    let lost = state.lost.swap(0, Ordering::Relaxed);
    if lost > 0 {
        tracing::warn!(
            lines = lost,
            "lines of the log are lost: they were not taken in time"
        );
    }
    items.recv().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::sync::{Mutex, PoisonError};

    use super::*;

    const IN_TIME: Duration = Duration::from_secs(60);

    /// Takes nothing until it is told to.
    struct Stuck {
        go: Receiver<()>,
        is_open: bool,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.is_open {
                self.is_open = self.go.recv().is_ok();
            }
            let mut all = self.written.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn stuck() -> (SyncSender<()>, Arc<Mutex<Vec<u8>>>, Stuck) {
        let (open, go) = sync_channel(1);
        let written = Arc::default();
        let target = Stuck {
            go,
            is_open: false,
            written: Arc::clone(&written),
        };
        (open, written, target)
    }

    #[test]
    fn whoever_logs_does_not_wait_and_what_finds_no_room_is_counted() {
        let (open, written, target) = stuck();
        let mut queue = LogQueue::start(target).unwrap();
        let told = Arc::new(AtomicU64::new(0));
        let counter = told.clone();
        queue.on_loss(move || _ = counter.fetch_add(1, Ordering::Relaxed));
        let line = vec![b'a'; 1024 * 1024 - KEPT_BESIDE_A_LINE];
        for _ in 0..6 {
            queue.write_all(&line).unwrap();
        }
        assert_eq!(told.load(Ordering::Relaxed), 2, "four megabytes have room");
        assert!(!queue.flush(Duration::ZERO));

        open.send(()).unwrap();
        assert!(queue.flush(IN_TIME));
        assert_eq!(written.lock().unwrap().len(), 4 * line.len());
        queue.write_all(b"later\n").unwrap();
        assert!(queue.flush(IN_TIME));
        assert!(written.lock().unwrap().ends_with(b"later\n"));
    }

    #[test]
    fn a_last_word_that_nobody_takes_is_not_waited_for() {
        let (open, _written, target) = stuck();
        write_within(target, "the end".to_owned(), Duration::ZERO);
        drop(open);
    }
}
