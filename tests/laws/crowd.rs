//! A real server with few open files, and more silent connections than it may have: it answers who sends a request, and neither its log
//! nor its memory grows with those who do not.

use std::fs;
use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use writ_platform::Clock;
use writ_server::node::listener::ListenerBounds;
use writ_testkit::{DatabaseKind, World};

use crate::process::{Process, binary};

/// What the system lets the server open.
const OPEN_FILES: u32 = 256;
/// More than all its open files; fewer than this process may have.
const SILENT: usize = 400;
const PATIENCE: Duration = Duration::from_secs(60);
const LOG_BYTES: usize = 64 * 1024;
/// Resident, of a debug build.
const MEMORY_KIB: u64 = 256 * 1024;

async fn start(world: &World) -> Process {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("ulimit -n {OPEN_FILES}; exec \"$0\" serve"))
        .arg(binary());
    Process::run(command, world, &[]).await
}

fn resident_kib(server: &Process) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let mut words = line.unwrap().split_whitespace();
    words.nth(1).unwrap().parse().unwrap()
}

/// Over a connection of its own.
async fn is_answered(server: &Process) -> bool {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = b"GET /jwks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
    read.expect("an answer comes").is_ok() && answer.starts_with("HTTP/1.1 200 OK")
}

#[tokio::test(flavor = "multi_thread")]
async fn more_silent_connections_than_open_files_keep_nobody_out() {
    // This process needs as many.
    drop(ListenerBounds::default());
    let world = World::new(DatabaseKind::Sqlite).await;
    world.clock.set(Clock::System.now());
    let server = start(&world).await;
    let mut silent = Vec::new();
    for number in 0..SILENT {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Half of them say nothing at all; some are cut already.
        if number % 2 == 0 {
            let _ = stream.write_all(b"GET /jwks HTTP/1.1\r\nhost: a\r\n").await;
        }
        silent.push(stream);
        if number % 50 == 49 {
            assert!(is_answered(&server).await, "after {number}");
        }
    }
    let log = server.text();
    assert!(log.len() < LOG_BYTES, "{log}");
    let resident = resident_kib(&server);
    assert!(resident < MEMORY_KIB, "{resident} KiB");
}
