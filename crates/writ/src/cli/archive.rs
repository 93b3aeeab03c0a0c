//! `writ audit archive` and `writ audit verify`: the record before a day goes into a signed file, and leaves the database once that
//! file is on the disk. Whatever interrupts it, every row stands in the database, in the file, or in both.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::{Instant, sleep};
use writ_core::archive::{
    ArchiveEnd, ArchiveHead, ArchiveReader, ArchiveWriter, ArchivedRow, MAX_LINE, RecordKind,
    VERSION,
};
use writ_core::event::{Event, EventName};
use writ_core::history;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::key::PublicKey;
use writ_server::background::events_out::MARGIN;
use writ_server::config::bounded_file::{self, named};
use writ_server::node::keyring::KeyRing;
use writ_store::archive::RecordPlace;
use writ_store::clock::DatabaseTime;
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::time::Timestamp;

use super::audit::own_keys;
use super::by_clock::ByClock;
use super::desk::{Desk, read_json};
use super::{Configured, Outcome, note, say_json};

/// What is younger may still be written by a node whose clock is late, or be looked for.
const YOUNGEST: Duration = Duration::from_secs(24 * 3600);
/// Rows of one kind that leave the database in one transaction.
const PIECE: usize = 500;
/// Between two pieces others have so many times as long as a piece took.
const REST: u32 = 3;

#[derive(Args)]
pub struct ArchiveArguments {
    /// What was recorded before this day leaves the database: 2026-01-31, or a time such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "DATE")]
    before: String,
    /// Where to; if it is there already, complete and for the same day, what it holds is deleted
    file: PathBuf,
}

#[derive(Args)]
pub struct VerifyArguments {
    /// A file that `writ audit archive` wrote
    file: PathBuf,
    /// The issuer's keys as they were published at /jwks: then no database is needed
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

pub async fn archive(arguments: &ArchiveArguments, configured: &Configured) -> Outcome {
    let desk = Desk::open(configured, ByClock::Grants).await?;
    let before = day(&arguments.before)?;
    let now = earlier_now(&desk).await?;
    if before.plus(YOUNGEST) > now {
        let latest = now.minus(YOUNGEST).rfc3339();
        let (latest, _) = latest.split_once('T').unwrap_or((&latest, ""));
        return Err(format!(
            "`--before` is less than a day ago: {latest} is the latest day that may be given"
        ));
    }
    all_sent(&desk, before).await?;
    if !arguments.file.exists() && !write(&desk, before, &arguments.file).await? {
        note("nothing was recorded before that day");
        return Ok(());
    }
    // A database that never served has its first keys from the writing.
    let keys = own_keys(&desk).await?;
    let (head, end) = verified(Lines::of(&arguments.file)?, &keys)?;
    if head.before != before.rfc3339() || head.issuer != desk.config.issuer.as_str() {
        return Err(format!(
            "`{}` is the archive of {} before {}: name another file",
            arguments.file.display(),
            head.issuer,
            head.before
        ));
    }
    tell(&desk, &head, &end).await?;
    let deleted = delete(&desk, &arguments.file).await?;
    say_json(&json!({
        "file": arguments.file, "before": head.before, "rows": end.rows, "digest": end.digest, "deleted": deleted
    }))
}

pub async fn verify(arguments: &VerifyArguments, configured: &Configured) -> Outcome {
    let keys = match &arguments.jwks {
        Some(file) => read_json::<JwkSet>(file)?.keys,
        None => own_keys(&Desk::open(configured, ByClock::ReadsOrEnds).await?).await?,
    };
    let (head, end) = verified(Lines::given(&arguments.file)?, &keys)?;
    say_json(&json!({
        "issuer": head.issuer, "before": head.before, "made_at": head.made_at, "previous": head.previous,
        "rows": end.rows, "digest": end.digest, "verified": true
    }))
}

/// What a sink of `[events]` has not had stays in the database.
async fn all_sent(desk: &Desk, before: Timestamp) -> Outcome {
    let sinks = desk.read().await?.sinks().await;
    let sinks = sinks.map_err(|e| e.to_string())?;
    let owed = |oldest: &Timestamp| oldest.minus(MARGIN) < before;
    match sinks
        .iter()
        .find(|sink| sink.oldest.as_ref().is_some_and(owed))
    {
        None => Ok(()),
        Some(sink) => Err(format!(
            "the sink `{}` has not had all events of before that day: mend it, or wait until they are given up (`keep_days`)",
            sink.name
        )),
    }
}

/// The beginning of a day in UTC, or a time.
fn day(text: &str) -> Result<Timestamp, String> {
    let day = Timestamp::from_rfc3339(&format!("{text}T00:00:00Z"));
    let time = day.or_else(|| Timestamp::from_rfc3339(text));
    time.ok_or_else(|| format!("`--before {text}` is no day such as 2026-01-31, and no time"))
}

/// Consents and receipts stay as long as a task may rest on them.
fn before_of(kind: RecordKind, before: Timestamp, now: Timestamp) -> Timestamp {
    match kind {
        RecordKind::Event => before,
        RecordKind::Consent | RecordKind::Receipt => before.min(now.minus(history::KEPT)),
    }
}

/// This machine's time or the database's, whichever is earlier: a clock that is ahead takes nothing that must stay.
async fn earlier_now(desk: &Desk) -> Result<Timestamp, String> {
    let now = desk.clock.now();
    let database = desk.store.database_time(DEFAULT_TENANT).await;
    Ok(match database.map_err(|e| e.to_string())? {
        DatabaseTime::Now(database) => now.min(database),
        DatabaseTime::AtLeast(_) => now,
    })
}

/// Whether there was anything. The file has its name only when all of it is on the disk.
async fn write(desk: &Desk, before: Timestamp, path: &Path) -> Result<bool, String> {
    let at = |e: std::io::Error| format!("`{}`: {e}", path.display());
    let now = earlier_now(desk).await?;
    let keys = KeyRing::start(&desk.store, &desk.config, &desk.random, now).await;
    let keys = keys.map_err(|e| e.to_string())?.known();
    let previous = desk.read().await?.last_archive().await;
    let head = ArchiveHead {
        version: VERSION,
        issuer: desk.config.issuer.to_string(),
        before: before.rfc3339(),
        made_at: now.rfc3339(),
        previous: previous.map_err(|e| e.to_string())?,
    };
    let partial = partial(path);
    let mut file = BufWriter::new(private(&partial).map_err(at)?);
    let (mut writer, line) = ArchiveWriter::begin(head).map_err(|e| e.to_string())?;
    file.write_all(line.as_bytes()).map_err(at)?;
    for kind in RecordKind::ALL {
        let before = before_of(kind, before, now);
        let mut place = RecordPlace::START;
        loop {
            let rows = desk.read().await?.record_after(kind, &place, before).await;
            let rows = rows.map_err(|e| e.to_string())?;
            let Some(last) = rows.last() else { break };
            place = RecordPlace::of(last);
            for row in rows {
                let line = writer.row(row).map_err(|e| e.to_string())?;
                file.write_all(line.as_bytes()).map_err(at)?;
            }
        }
    }
    if writer.rows() == 0 {
        drop(file);
        std::fs::remove_file(&partial).map_err(at)?;
        return Ok(false);
    }
    let (line, _) = writer.end(&keys.active, now).map_err(|e| e.to_string())?;
    file.write_all(line.as_bytes()).map_err(at)?;
    let file = file.into_inner().map_err(|e| at(e.into_error()))?;
    file.sync_all().map_err(at)?;
    std::fs::rename(&partial, path).map_err(at)?;
    sync_folder(path).map_err(at)?;
    Ok(true)
}

/// While it is written.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

/// The record names people and what they agreed to.
fn private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// So that the file's name is on the disk, too.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// One event for each archive, written before anything is deleted.
async fn tell(desk: &Desk, head: &ArchiveHead, end: &ArchiveEnd) -> Outcome {
    let last = desk.read().await?.last_archive().await;
    if last.map_err(|e| e.to_string())?.as_deref() == Some(end.digest.as_str()) {
        return Ok(());
    }
    let facts = json!({ "before": head.before, "rows": end.rows, "previous": head.previous });
    let event = Event {
        reason: Some(end.digest.clone()),
        ..desk.change().event(EventName::AuditArchived, facts)
    };
    let mut transaction = desk.begin().await?;
    let written = transaction.insert_event(&event).await;
    written.map_err(|e| e.to_string())?;
    transaction.commit().await.map_err(|e| e.to_string())
}

/// What the file holds, piece by piece; says how many rows were still there.
async fn delete(desk: &Desk, path: &Path) -> Result<u64, String> {
    let mut reader = ArchiveReader::default();
    let mut piece: Vec<ArchivedRow> = Vec::with_capacity(PIECE);
    let mut deleted = 0;
    let mut lines = Lines::of(path)?;
    while let Some(line) = lines.next_line()? {
        let Some(row) = reader.line(&line).map_err(|e| e.to_string())? else {
            continue;
        };
        let is_other = piece.last().is_some_and(|last| last.kind != row.kind);
        if is_other || piece.len() >= PIECE {
            deleted += delete_piece(desk, &piece).await?;
            piece.clear();
        }
        piece.push(row);
    }
    Ok(deleted + delete_piece(desk, &piece).await?)
}

/// Row by row, so that nothing leaves but what the file holds.
async fn delete_piece(desk: &Desk, piece: &[ArchivedRow]) -> Result<u64, String> {
    if piece.is_empty() {
        return Ok(0);
    }
    let began = Instant::now();
    let mut transaction = desk.begin().await?;
    let mut deleted = 0;
    for row in piece {
        let place = RecordPlace::of(row);
        let one = transaction.delete_recorded(row.kind, &place);
        deleted += u64::from(one.await.map_err(|e| e.to_string())?);
    }
    transaction.commit().await.map_err(|e| e.to_string())?;
    sleep(began.elapsed() * REST).await;
    Ok(deleted)
}

fn verified(mut lines: Lines<'_>, keys: &[Jwk]) -> Result<(ArchiveHead, ArchiveEnd), String> {
    let path = lines.path;
    let at = |e: &dyn std::fmt::Display| format!("{}: {e}", named(path));
    let mut reader = ArchiveReader::default();
    while let Some(line) = lines.next_line()? {
        reader.line(&line).map_err(|e| at(&e))?;
    }
    let find = |kid: &str| {
        let jwk = keys.iter().find(|jwk| jwk.kid.as_deref() == Some(kid))?;
        PublicKey::from_jwk(jwk).ok()
    };
    reader.verify(find).map_err(|e| at(&e))
}

type OpenedFile = Result<Box<dyn Read + Send>, String>;

/// The lines of a file, each bounded.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<Box<dyn Read + Send>>,
}

impl<'a> Lines<'a> {
    fn of(path: &'a Path) -> Result<Self, String> {
        Self::opened_by(path, |path| Ok(Box::new(bounded_file::open(path)?)))
    }

    /// The same of what need not be read twice.
    fn given(path: &'a Path) -> Result<Self, String> {
        Self::opened_by(path, bounded_file::open_given)
    }

    fn opened_by(path: &'a Path, open: fn(&Path) -> OpenedFile) -> Result<Self, String> {
        let file = open(path).map_err(|why| format!("{} {why}", named(path)))?;
        let file = BufReader::new(file);
        Ok(Self { path, file })
    }

    fn next_line(&mut self) -> Result<Option<String>, String> {
        let at = |e: &dyn std::fmt::Display| format!("{}: {e}", named(self.path));
        let mut line = String::new();
        let mut bounded = (&mut self.file).take(MAX_LINE);
        if bounded.read_line(&mut line).map_err(|e| at(&e))? == 0 {
            return Ok(None);
        }
        match line.strip_suffix('\n') {
            Some(whole) => Ok(Some(whole.to_owned())),
            None if u64::try_from(line.len()) == Ok(MAX_LINE) => {
                Err(at(&format!("a line is longer than {MAX_LINE} bytes")))
            }
            None => Err(at(&"it ends within a line: writing it was interrupted")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_line_has_a_longest_text_and_an_end() {
        let read = |length: usize, end: &str| {
            let bytes = format!("{}{end}", "x".repeat(length)).into_bytes();
            let mut lines = Lines {
                path: Path::new("archive.jsonl"),
                file: BufReader::new(Box::new(Cursor::new(bytes))),
            };
            lines.next_line().map(|line| line.map(|line| line.len()))
        };
        let most = usize::try_from(MAX_LINE).unwrap();
        assert_eq!(read(most - 1, "\n"), Ok(Some(most - 1)));
        let refused = read(most, "\n").unwrap_err();
        assert!(
            refused.ends_with("a line is longer than 4194304 bytes"),
            "{refused}"
        );
        let refused = read(7, "").unwrap_err();
        assert!(refused.contains("interrupted"), "{refused}");
    }
}
