//! Requests over keep-alive connections, a thread each: what is sent was made before, so the sender costs little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use writ_outside::Clock;

use crate::Outcome;
use crate::server::Server;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes.
const MAX_BODY: usize = 1024 * 1024;

pub struct Answer {
    status: u16,
    headers: Vec<String>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn is_ok(&self) -> bool {
        self.status == 200
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found
                .eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
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
                return Err(format!("status {}: {body}", answer.status));
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

/// One request, one answer.
pub fn exchange(stream: &mut TcpStream, request: &[u8]) -> Outcome<Answer> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    // Nothing is read ahead of the next answer, because nothing was asked yet.
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let status = first.split_ascii_whitespace().nth(1).ok_or("no status")?;
    let mut answer = Answer {
        status: status.parse()?,
        headers: Vec::new(),
        body: Vec::new(),
    };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            header => answer.headers.push(header.to_owned()),
        }
    }
    let length = answer.header("content-length").ok_or("no length")?;
    let length: usize = length.parse()?;
    if length > MAX_BODY {
        return Err("a very large answer".into());
    }
    answer.body.resize(length, 0);
    reader.read_exact(&mut answer.body)?;
    Ok(answer)
}

/// What a token says; it came from the server itself.
pub fn claims(token: &str) -> Outcome<Value> {
    let payload = token.split('.').nth(1).ok_or("no JWT")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?)
}
