//! Clients that take their time, at the true deadlines of a process: a head or a body byte by byte, no byte at all, an answer that nobody
//! reads. The server ends each of them, counts why, and answers others meanwhile.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

use super::descriptors::{IN_TIME, connect, heard, is_answered, server};
use crate::process::Process;

const A_BYTE_EACH: Duration = Duration::from_millis(500);
/// Looks of others while the slow ones are still there: the deadlines are 20 seconds.
const LOOKS: usize = 16;
const HEAD: &[u8] = b"POST /token HTTP/1.1\r\nhost: a\r\n\
    content-type: application/x-www-form-urlencoded\r\ncontent-length: 100000\r\n\r\n";
/// Its answer has some kilobytes.
const DOCUMENT: &[u8] = b"GET /.well-known/oauth-authorization-server HTTP/1.1\r\nhost: a\r\n\r\n";
/// Bytes of answers that the client's system takes, though nobody reads them.
const TAKEN: u32 = 4096;

/// Sends these bytes one after the other, as long as they are taken; what it hears.
async fn drip(server: &Process, at_once: &[u8], then: &'static [u8]) -> String {
    let mut stream = connect(server).await;
    stream.write_all(at_once).await.unwrap();
    let (reading, mut writing) = stream.into_split();
    let dripping = tokio::spawn(async move {
        for byte in then.iter().cycle() {
            tokio::time::sleep(A_BYTE_EACH).await;
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
        }
    });
    let heard = heard(reading).await;
    dripping.abort();
    heard
}

/// Asks again and again and reads nothing, until the server ends the connection.
async fn unread(server: &Process) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(TAKEN).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let asking = async { while stream.write_all(DOCUMENT).await.is_ok() {} };
    let ended = tokio::time::timeout(IN_TIME, asking).await;
    ended.expect("the connection ends");
}

async fn others(server: &Process) {
    for _ in 0..LOOKS {
        is_answered(server).await;
        tokio::time::sleep(A_BYTE_EACH).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_is_ended_and_counted_and_others_are_answered() {
    let (_world, server) = server().await;
    let head = drip(&server, b"GET /jwks HTTP/1.1\r\n", b"x: y\r\n");
    let body = drip(&server, HEAD, b"grant_type=x&");
    let silent = async { heard(connect(&server).await).await };
    let (head, body, silent, (), ()) =
        tokio::join!(head, body, silent, unread(&server), others(&server));
    assert_eq!((&*head, &*silent), ("", ""));
    assert!(body.starts_with("HTTP/1.1 408 Request Timeout"), "{body}");
    is_answered(&server).await;
    let metrics = server.operators.try_get("/metrics").await.unwrap().text();
    for (reason, times) in [("late_head", 2), ("late_body", 1), ("unread", 1)] {
        let line = format!("writ_connections_cut_total{{reason=\"{reason}\"}} {times}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
}
