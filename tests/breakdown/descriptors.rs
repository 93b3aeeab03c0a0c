//! A server that may open no more files, and silent connections that have them all: whoever comes with a request is answered, and the
//! log says it once a second.

use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use writ_platform::Clock;
use writ_testkit::{DatabaseKind, World};

use crate::process::Process;

/// What the system lets the server open from now on: a few more than it has open.
const OPEN_FILES: u32 = 64;
const SILENT: usize = 120;
/// A deadline is 20 seconds; a loaded machine has more.
pub(super) const IN_TIME: Duration = Duration::from_secs(90);

const ASKED: &[u8] = b"GET /jwks HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

pub(super) async fn server() -> (World, Process) {
    let world = World::new(DatabaseKind::Sqlite).await;
    world.clock.set(Clock::System.now());
    let server = Process::start(&world, &[]).await;
    (world, server)
}

pub(super) async fn connect(server: &Process) -> TcpStream {
    TcpStream::connect(server.address).await.unwrap()
}

/// All that comes until the connection ends, however it ends.
pub(super) async fn heard(mut stream: impl AsyncReadExt + Unpin) -> String {
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(IN_TIME, stream.read_to_end(&mut answer));
    drop(reading.await.expect("the connection ends"));
    String::from_utf8(answer).unwrap()
}

pub(super) async fn is_answered(server: &Process) {
    let mut stream = connect(server).await;
    stream.write_all(ASKED).await.unwrap();
    let answer = heard(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

fn limit_descriptors(server: &Process) {
    let limited = Command::new("prlimit")
        .args(["--pid", &server.id().to_string()])
        .arg(format!("--nofile={OPEN_FILES}"))
        .status();
    assert!(limited.unwrap().success(), "prlimit of util-linux");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_files_answers_and_says_it_once_a_second() {
    let (_world, server) = server().await;
    let began = Instant::now();
    limit_descriptors(&server);
    let mut silent = Vec::new();
    for number in 0..SILENT {
        silent.push(connect(&server).await);
        if number % 40 == 39 {
            is_answered(&server).await;
        }
    }
    let mut said = server.lines();
    said.retain(|line| line["message"] == "no connection accepted");
    let refused: u64 = said
        .iter()
        .map(|line| line["times"].as_u64().unwrap())
        .sum();
    let most = began.elapsed().as_secs() + 1;
    let said = u64::try_from(said.len()).unwrap();
    assert!(
        refused > said && said <= most,
        "{said} of {refused} in {most} s"
    );
}
