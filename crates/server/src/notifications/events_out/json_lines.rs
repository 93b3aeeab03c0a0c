//! Events as lines of JSON, appended to a file or written to standard output. The file is opened for each batch, so that it may be moved
//! away (by logrotate, for instance) at any time.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::EventRecord;
use crate::config::LinesTarget;
use crate::node::outgoing::otlp::SentOutcome;

/// How long a batch may take: a pipe that nobody reads, or a disk that is away.
const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
/// For this process's user alone: events name people.
const MODE: u32 = 0o600;

/// Writes one batch after the other.
#[derive(Default)]
pub(super) struct LinesWriter {
    /// What was not written in time and may still be: nothing else is begun before it ends.
    late: Option<JoinHandle<io::Result<()>>>,
}

impl LinesWriter {
    pub(super) async fn write(
        &mut self,
        target: &LinesTarget,
        records: &[EventRecord<'_>],
    ) -> SentOutcome {
        let Some(text) = lines(records) else {
            return SentOutcome::Refused("an event cannot be written as JSON".to_owned());
        };
        if let Some(late) = &mut self.late {
            if timeout(WRITTEN_WITHIN, late).await.is_err() {
                return not_in_time();
            }
            self.late = None;
        }
        let target = target.clone();
        let mut writing = tokio::task::spawn_blocking(move || match target {
            LinesTarget::StandardOutput => print(&text),
            LinesTarget::File(path) => append(&path, &text),
        });
        match timeout(WRITTEN_WITHIN, &mut writing).await {
            Ok(Ok(Ok(()))) => SentOutcome::Taken {
                refused: 0,
                said: String::new(),
            },
            Ok(Ok(Err(error))) => SentOutcome::Failed(error.to_string(), None),
            Ok(Err(error)) => SentOutcome::Failed(error.to_string(), None),
            Err(_) => {
                self.late = Some(writing);
                not_in_time()
            }
        }
    }
}

fn not_in_time() -> SentOutcome {
    SentOutcome::Failed("nobody takes the lines in time".to_owned(), None)
}

fn lines(records: &[EventRecord<'_>]) -> Option<String> {
    let mut text = String::new();
    for record in records {
        text.push_str(&serde_json::to_string(record).ok()?);
        text.push('\n');
    }
    Some(text)
}

fn print(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

/// On the disk when it returns. A line that was cut off, by a crash or a full disk, is ended first.
fn append(path: &Path, text: &str) -> io::Result<()> {
    if path.metadata().is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("the path is no file"));
    }
    let mut options = OpenOptions::new();
    let options = options.read(true).append(true).create(true).mode(MODE);
    let mut file = options.open(path)?;
    let is_new = file.metadata()?.len() == 0;
    if !is_new && last_byte(&mut file)? != b'\n' {
        file.write_all(b"\n")?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    match path
        .parent()
        .filter(|folder| is_new && !folder.as_os_str().is_empty())
    {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn last_byte(file: &mut File) -> io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    let [last] = last;
    Ok(last)
}
