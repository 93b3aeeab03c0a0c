//! Requests over keep-alive connections, a thread each: what is sent was made before, so the sender costs little.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use writ_platform::Clock;

use crate::Outcome;
use crate::server::Server;

/// How long an answer may take; longer than a long poll.
const PATIENCE: Duration = Duration::from_secs(40);
/// The largest answer that is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

/// A request or an answer.
pub struct Message {
    /// Its first line.
    pub first: String,
    headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Message {
    /// Of an answer.
    pub fn status(&self) -> Option<u16> {
        self.first.split_ascii_whitespace().nth(1)?.parse().ok()
    }

    pub fn is_ok(&self) -> bool {
        self.status() == Some(200)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.iter().filter_map(move |line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> Outcome<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Sends all of them, shared out over the connections, until `limit` microseconds are over. Latencies in microseconds;
/// anything but 200 is an error.
pub fn drive(
    server: &Server,
    requests: Vec<Vec<u8>>,
    connections: usize,
    limit: u64,
) -> Outcome<Vec<i64>> {
    let address = server.address;
    let share = requests.len().div_ceil(connections).max(1);
    let send = |requests: &[Vec<u8>]| -> Result<Vec<i64>, String> {
        let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
        let started = Clock::System.now();
        let mut latencies = Vec::with_capacity(requests.len());
        for request in requests {
            let sent = Clock::System.now();
            if started.until(sent).as_micros() > u128::from(limit) {
                break;
            }
            let answer = exchange(&mut stream, request).map_err(|e| e.to_string())?;
            latencies.push(Clock::System.now().micros() - sent.micros());
            if !answer.is_ok() {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("{}: {body}", answer.first));
            }
        }
        Ok(latencies)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = requests
            .chunks(share)
            .map(|requests| scope.spawn(move || send(requests)))
            .collect();
        let mut latencies = Vec::with_capacity(requests.len());
        for thread in threads {
            latencies.extend(thread.join().map_err(|_| "a connection broke")??);
        }
        Ok(latencies)
    })
}

/// Sends so many each second over these connections. Each has its turn at fixed times, and a request counts from its time on, also when
/// the one before it was late. Latencies in microseconds; anything but 200 is an error.
pub fn drive_steadily(
    server: &Server,
    requests: &[Vec<u8>],
    connections: usize,
    rate: u64,
) -> Outcome<Vec<i64>> {
    let (address, start) = (server.address, Clock::System.now().micros());
    let send = |first: usize| -> Result<Vec<i64>, String> {
        let mut stream = TcpStream::connect(address).map_err(|e| e.to_string())?;
        let mut latencies = Vec::new();
        let own = requests.iter().enumerate().skip(first);
        for (place, request) in own.step_by(connections) {
            let after = place as u64 * 1_000_000 / rate;
            let due = start + i64::try_from(after).map_err(|e| e.to_string())?;
            wait_until(due);
            let answer = exchange(&mut stream, request).map_err(|e| e.to_string())?;
            latencies.push(Clock::System.now().micros() - due);
            if !answer.is_ok() {
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                return Err(format!("{}: {body}", answer.first));
            }
        }
        Ok(latencies)
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|first| scope.spawn(move || send(first)))
            .collect();
        let mut latencies = Vec::with_capacity(requests.len());
        for thread in threads {
            latencies.extend(thread.join().map_err(|_| "a connection broke")??);
        }
        Ok(latencies)
    })
}

/// Until this moment, in microseconds of the clock.
pub fn wait_until(due: i64) {
    loop {
        let left = due - Clock::System.now().micros();
        match u64::try_from(left) {
            Ok(left) if left > 0 => std::thread::park_timeout(Duration::from_micros(left)),
            _ => return,
        }
    }
}

/// One request, one answer.
pub fn exchange(stream: &mut TcpStream, request: &[u8]) -> Outcome<Message> {
    send(stream, request)?;
    answer(stream)
}

pub fn send(stream: &mut TcpStream, request: &[u8]) -> Outcome<()> {
    stream.set_nodelay(true)?;
    Ok(stream.write_all(request)?)
}

pub fn answer(stream: &mut TcpStream) -> Outcome<Message> {
    stream.set_read_timeout(Some(PATIENCE))?;
    // Nothing is read ahead of the next answer, because nothing was asked yet.
    let message = message(&mut BufReader::new(stream))?;
    message.ok_or_else(|| "the connection was closed".into())
}

/// The next one; `None` at the end.
pub fn message(reader: &mut impl BufRead) -> Outcome<Option<Message>> {
    let mut message = Message {
        first: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    if reader.read_line(&mut message.first)? == 0 {
        return Ok(None);
    }
    message.first.truncate(message.first.trim_end().len());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            header => message.headers.push(header.to_owned()),
        }
    }
    let length = message.header("content-length").ok_or("no length")?;
    let length: usize = length.parse()?;
    if length > MAX_BODY {
        return Err("a very large message".into());
    }
    message.body.resize(length, 0);
    reader.read_exact(&mut message.body)?;
    Ok(Some(message))
}

/// What a token says; it came from the server itself.
pub fn claims(token: &str) -> Outcome<Value> {
    let payload = token.split('.').nth(1).ok_or("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}
