//! The client notification endpoint (CIBA sections 10.2 and 10.3): a listener on loopback that records when each message was read.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use serde_json::Value;
use writ_platform::Clock;

use super::asker::NOTIFICATION_TOKEN;
use crate::{Outcome, load};

/// How long a message may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct NotificationReceiver {
    pub origin: String,
    heard: mpsc::Receiver<ReceivedNotification>,
}

pub struct ReceivedNotification {
    /// Microseconds of the clock.
    pub at: i64,
    authorization: String,
    pub body: Value,
}

impl NotificationReceiver {
    pub fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let origin = format!("http://{}", listener.local_addr()?);
        let (tell, heard) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let tell = tell.clone();
                // A broken connection is ignored here: `next` reports what is missing.
                std::thread::spawn(move || listen(stream, &tell).ok());
            }
        });
        Ok(Self { origin, heard })
    }

    /// What comes next, with the token that this client gave.
    pub fn next(&mut self) -> Outcome<ReceivedNotification> {
        let heard = self.heard.recv_timeout(PATIENCE);
        let heard = heard.map_err(|_| "nothing was delivered in time")?;
        if heard.authorization != format!("Bearer {NOTIFICATION_TOKEN}") {
            return Err("a message without the notification token".into());
        }
        Ok(heard)
    }
}

fn listen(mut stream: TcpStream, tell: &Sender<ReceivedNotification>) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(message) = load::message(&mut reader)? {
        let at = Clock::System.now().micros();
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
        let authorization = message.header("authorization").unwrap_or_default();
        tell.send(ReceivedNotification {
            at,
            authorization: authorization.to_owned(),
            body: message.json()?,
        })?;
    }
    Ok(())
}
