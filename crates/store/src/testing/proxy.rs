//! A line between a node and PostgreSQL that tests can make silent or cut.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;

use super::{TestDatabaseError, unique};
use crate::error::StoreError;

/// What happens to what is sent over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    Up,
    /// Each answer comes so much later.
    Slow(Duration),
    /// Nothing arrives, and nothing ends.
    Silent,
    /// Every connection ends, and none is made.
    Cut,
}

/// Gone with the test.
pub struct DatabaseLine {
    /// Of the same database, over this line.
    pub url: String,
    folder: PathBuf,
    line: watch::Sender<Line>,
}

impl DatabaseLine {
    /// A line to the database of this URL.
    pub fn to(url: &str) -> Result<Self, TestDatabaseError> {
        let options = PgConnectOptions::from_str(url).map_err(StoreError::from)?;
        let folder = Path::new("/tmp").join(unique());
        std::fs::create_dir_all(&folder)?;
        let port = options.get_port();
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")))?;
        let line = watch::Sender::new(Line::Up);
        tokio::spawn(accept(listener, options.clone(), line.subscribe()));
        Ok(Self {
            url: options.socket(&folder).to_url_lossy().to_string(),
            folder,
            line,
        })
    }

    pub fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

impl Drop for DatabaseLine {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn accept(listener: UnixListener, options: PgConnectOptions, line: watch::Receiver<Line>) {
    while let Ok((near, _)) = listener.accept().await {
        if *line.borrow() == Line::Cut {
            continue;
        }
        let (near_in, near_out) = near.into_split();
        match options.get_socket() {
            Some(folder) => {
                let path = folder.join(format!(".s.PGSQL.{}", options.get_port()));
                let Ok(far) = UnixStream::connect(path).await else {
                    continue;
                };
                let (far_in, far_out) = far.into_split();
                tokio::spawn(forward(near_in, far_out, Sent::Question, line.clone()));
                tokio::spawn(forward(far_in, near_out, Sent::Answer, line.clone()));
            }
            None => {
                let address = (options.get_host(), options.get_port());
                let Ok(far) = TcpStream::connect(address).await else {
                    continue;
                };
                let (far_in, far_out) = far.into_split();
                tokio::spawn(forward(near_in, far_out, Sent::Question, line.clone()));
                tokio::spawn(forward(far_in, near_out, Sent::Answer, line.clone()));
            }
        }
    }
}

/// What is forwarded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Question,
    Answer,
}

/// Until either end is gone, or the line is cut.
async fn forward(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kind: Sent,
    line: watch::Receiver<Line>,
) {
    let mut buffer = vec![0; 16 * 1024];
    let (mut cut, mut silent) = (line.clone(), line);
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = cut.wait_for(|line| *line == Line::Cut) => return,
        };
        let sent = match read {
            Ok(0) | Err(_) => return,
            Ok(sent) => sent,
        };
        let Ok(now) = silent
            .wait_for(|line| *line != Line::Silent)
            .await
            .map(|line| *line)
        else {
            return;
        };
        match (now, kind) {
            (Line::Cut, _) => return,
            (Line::Slow(delay), Sent::Answer) => tokio::time::sleep(delay).await,
            (Line::Up | Line::Silent | Line::Slow(_), _) => {}
        }
        let Some(bytes) = buffer.get(..sent) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
