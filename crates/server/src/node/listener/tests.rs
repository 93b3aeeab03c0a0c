//! Clients that are slow, silent or many, by sockets on loopback. ClientDeadlines of the listener are short here; the test's own are long, and
//! only end a test that fails.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::routing::{get, post};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);
const SOON: Duration = Duration::from_millis(200);
const NEVER: Duration = Duration::from_secs(3600);

const PATIENT: ClientDeadlines = ClientDeadlines {
    head: NEVER,
    body: NEVER,
    idle: NEVER,
    write: NEVER,
};

const HELLO: &str = "GET /hello HTTP/1.1\r\nhost: a\r\n\r\n";

struct Server {
    address: std::net::SocketAddr,
    counters: ConnectionCounters,
    _running: watch::Sender<bool>,
}

fn patient(most: usize) -> ListenerBounds {
    ListenerBounds {
        deadlines: PATIENT,
        most,
        ..ListenerBounds::default()
    }
}

async fn start(routes: Router, most: usize, deadlines: ClientDeadlines) -> Server {
    let bounds = ListenerBounds {
        deadlines,
        ..patient(most)
    };
    start_with(routes, bounds).await
}

async fn start_with(routes: Router, bounds: ListenerBounds) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counters = bounds.counters.clone();
    let (running, stopped) = watch::channel(false);
    let routes = routes.route("/hello", get(|| async { "hello" }));
    tokio::spawn(serve(listener, routes, bounds, stopped));
    Server {
        address,
        counters,
        _running: running,
    }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn sends(&self, text: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(text.as_bytes()).await.unwrap();
        stream
    }

    async fn answers(&self) -> bool {
        let mut stream = self.sends(HELLO).await;
        read_until(&mut stream, "hello").await
    }
}

async fn within<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("nothing happens")
}

/// Everything until the server ends the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end too.
    let _ = within(stream.read_to_end(&mut text)).await;
    String::from_utf8(text).unwrap()
}

/// Whether the text comes before the end.
async fn read_until(stream: &mut TcpStream, wanted: &str) -> bool {
    let (mut all, mut some) = (Vec::new(), [0; 1024]);
    loop {
        match within(stream.read(&mut some)).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => all.extend(&some[..count]),
        }
        if String::from_utf8_lossy(&all).contains(wanted) {
            return true;
        }
    }
}

#[tokio::test]
async fn a_head_that_does_not_come_in_time_ends_the_connection() {
    let head = SOON;
    let server = start(Router::new(), 10, ClientDeadlines { head, ..PATIENT }).await;
    for (sent, after) in [
        ("", "nothing"),
        ("GET /hello HT", "a part"),
        (
            "GET /hello HTTP/1.1\r\nhost: a\r\nx: y\r\n",
            "all but the end",
        ),
    ] {
        let mut stream = server.sends(sent).await;
        assert_eq!(rest(&mut stream).await, "", "{after}");
    }
    let mut second = server.sends(HELLO).await;
    assert!(read_until(&mut second, "hello").await);
    second.write_all(b"GET /").await.unwrap();
    assert_eq!(rest(&mut second).await, "", "of the second request");
    assert_eq!(server.counters.cuts(CutConnection::LateHead), 4);
    assert!(server.answers().await);
}

#[tokio::test]
async fn a_head_that_begins_behind_a_request_is_as_late() {
    let head = SOON;
    let server = start(Router::new(), 10, ClientDeadlines { head, ..PATIENT }).await;
    // Nothing is behind these.
    let absolute = "GET http://a/hello HTTP/1.1\r\nhost: a\r\n\r\n";
    let mut idle = Vec::new();
    for whole in [HELLO, absolute] {
        let mut stream = server.sends(whole).await;
        assert!(read_until(&mut stream, "hello").await);
        idle.push(stream);
    }
    for behind in ["GET /hel", "GET /hello HTTP/1.1\r\nhost: a\r\n"] {
        let mut stream = server.sends(&format!("{HELLO}{behind}")).await;
        assert!(rest(&mut stream).await.ends_with("hello"), "{behind}");
    }
    assert_eq!(server.counters.cuts(CutConnection::LateHead), 2);
    for mut stream in idle {
        stream.write_all(HELLO.as_bytes()).await.unwrap();
        assert!(read_until(&mut stream, "hello").await);
    }
}

#[tokio::test]
async fn a_head_byte_by_byte_is_as_late() {
    let head = SOON;
    let server = start(Router::new(), 10, ClientDeadlines { head, ..PATIENT }).await;
    let (mut reading, mut writing) = server.connect().await.into_split();
    let drips = tokio::spawn(async move {
        while writing.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
            tokio::time::sleep(SOON / 20).await;
        }
    });
    let mut text = Vec::new();
    let _ = within(reading.read_to_end(&mut text)).await;
    within(drips).await.unwrap();
    assert_eq!(server.counters.cuts(CutConnection::LateHead), 1);
}

#[tokio::test]
async fn a_connection_without_a_further_request_ends() {
    let idle = SOON;
    let server = start(Router::new(), 10, ClientDeadlines { idle, ..PATIENT }).await;
    let mut stream = server.sends(HELLO).await;
    assert!(rest(&mut stream).await.ends_with("hello"));
    assert_eq!(server.counters.cuts(CutConnection::Idle), 1);
}

#[tokio::test]
async fn rfc_9110_15_5_9_a_body_that_does_not_come_in_time_is_answered_by_408() {
    let routes = Router::new().route(
        "/length",
        post(|body: Bytes| async move { body.len().to_string() }),
    );
    let body = SOON;
    let server = start(routes, 10, ClientDeadlines { body, ..PATIENT }).await;
    let slow = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc";
    let mut stream = server.sends(slow).await;
    let answer = rest(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert!(answer.contains(r#""error":"invalid_request""#), "{answer}");
    assert_eq!(server.counters.cuts(CutConnection::LateBody), 1);
    let mut right = server.sends(&format!("{slow}defghi")).await;
    assert!(read_until(&mut right, "\r\n\r\n9").await);
}

/// Without end; says when it is dropped.
struct Endless {
    _dropped: oneshot::Sender<()>,
}

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 65_536])))))
    }
}

#[tokio::test]
async fn an_answer_that_its_client_does_not_read_ends_the_connection() {
    let (dropped, gone) = oneshot::channel();
    let body = Arc::new(std::sync::Mutex::new(Some(Endless { _dropped: dropped })));
    let routes = Router::new().route(
        "/endless",
        get(move || async move { Body::new(body.lock().unwrap().take().unwrap()) }),
    );
    let write = SOON;
    let server = start(routes, 10, ClientDeadlines { write, ..PATIENT }).await;
    let stream = server
        .sends("GET /endless HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert!(within(gone).await.is_err());
    assert!(server.answers().await);
    assert_eq!(server.counters.cuts(CutConnection::Unread), 1);
    drop(stream);
}

#[tokio::test]
async fn who_waits_longest_leaves_when_there_is_no_room() {
    let server = start(Router::new(), 2, PATIENT).await;
    let mut first = server.sends("GET /hel").await;
    let mut second = server.sends(HELLO).await;
    assert!(read_until(&mut second, "hello").await);
    // Each waits now; the second since its answer.
    assert!(server.answers().await);
    assert_eq!(rest(&mut first).await, "");
    assert_eq!(server.counters.cuts(CutConnection::ForAnother), 1);
    second.write_all(HELLO.as_bytes()).await.unwrap();
    assert!(read_until(&mut second, "hello").await);
}

#[tokio::test]
async fn many_idle_connections_keep_nobody_out() {
    let server = start(Router::new(), 64, PATIENT).await;
    let mut idle = Vec::new();
    for count in 0..300 {
        idle.push(server.sends("GET").await);
        if count % 100 == 99 {
            assert!(server.answers().await);
        }
    }
    assert!(server.counters.now_open() <= 64 + 2);
}

#[tokio::test]
async fn a_request_under_way_is_not_ended_for_another() {
    let (began, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begins, goes_on) = (began.clone(), go_on.clone());
    let routes = Router::new().route(
        "/slow",
        get(move || async move {
            begins.notify_one();
            goes_on.notified().await;
            "done"
        }),
    );
    let server = start(routes, 1, PATIENT).await;
    let mut slow = server.sends("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
    within(began.notified()).await;
    let mut other = server.sends(HELLO).await;
    assert_eq!(rest(&mut other).await, "");
    assert_eq!(server.counters.cuts(CutConnection::NoRoom), 1);
    go_on.notify_one();
    assert!(read_until(&mut slow, "done").await);
}

/// So many bytes of a head that does not end.
fn part(bytes: usize) -> String {
    let line = "GET /hello HTTP/1.1\r\nx: ";
    format!("{line}{}", "y".repeat(bytes - line.len()))
}

#[tokio::test]
async fn parts_of_requests_have_a_bound_in_all() {
    let bounds = ListenerBounds {
        most_unfinished: 100_000,
        ..patient(10)
    };
    let routes = Router::new().route(
        "/length",
        post(|body: Bytes| async move { body.len().to_string() }),
    );
    let server = start_with(routes, bounds).await;
    let mut silent = server.connect().await;
    let mut parts = Vec::new();
    for _ in 0..2 {
        parts.push(server.sends(&part(45_000)).await);
    }
    // Also a body that is on its way.
    let body = "POST /length HTTP/1.1\r\nhost: a\r\ncontent-length: 99999\r\n\r\n";
    parts.push(server.sends(&format!("{body}{}", "z".repeat(45_000))).await);
    let mut first = parts.remove(0);
    assert_eq!(rest(&mut first).await, "");
    assert_eq!(server.counters.cuts(CutConnection::Unfinished), 1);
    assert!(server.answers().await, "what comes whole finds room");
    // The others, and who sent nothing, are still there.
    parts[0].write_all(b"\r\nhost: a\r\n\r\n").await.unwrap();
    assert!(read_until(&mut parts[0], "hello").await);
    silent.write_all(HELLO.as_bytes()).await.unwrap();
    assert!(read_until(&mut silent, "hello").await);
    assert_eq!(server.counters.cuts(CutConnection::Unfinished), 1);
}

#[tokio::test]
async fn the_buffer_of_a_long_request_leaves_with_its_connection() {
    let server = start(Router::new(), 10, PATIENT).await;
    for (bytes, ends) in [(LONG_REQUEST - 100, false), (LONG_REQUEST + 100, true)] {
        let head = format!("{}\r\nhost: a\r\n\r\n", part(bytes));
        let mut stream = server.sends(&head).await;
        assert!(read_until(&mut stream, "hello").await);
        let _ = stream.write_all(HELLO.as_bytes()).await;
        assert_eq!(read_until(&mut stream, "hello").await, !ends, "{bytes}");
    }
}

mod by_address;
mod heads;
