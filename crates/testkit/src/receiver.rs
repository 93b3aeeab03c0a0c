//! Servers that the server calls, on loopback: an HTTP receiver and a mail server that record what they receive.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tower::ServiceExt;
use writ_server::node::listener::{ListenerBounds, serve};
use writ_server::router::router;

use crate::world::World;

/// One request as it came.
#[derive(Clone, Debug)]
pub struct ReceivedRequest {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ReceivedRequest {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .unwrap_or_else(|| panic!("no `{name}`"))
            .to_str()
            .unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

/// Answers 204, unless told otherwise.
#[derive(Clone)]
pub struct HttpReceiver {
    pub origin: String,
    memory: Arc<Memory>,
    /// Dropped with the last clone: the receiver ends.
    _running: Arc<watch::Sender<bool>>,
}

#[derive(Default)]
struct Memory {
    heard: Mutex<Vec<ReceivedRequest>>,
    answers: Mutex<VecDeque<Answer>>,
}

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl HttpReceiver {
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", socket.local_addr().unwrap());
        let memory = Arc::new(Memory::default());
        let router = Router::new().fallback(hear).with_state(memory.clone());
        let (running, stopped) = watch::channel(false);
        tokio::spawn(serve(socket, router, ListenerBounds::default(), stopped));
        Self {
            origin,
            memory,
            _running: Arc::new(running),
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The next answer that is not given yet.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)]) {
        self.answer_with(status, headers, String::new());
    }

    /// The same, with a body.
    pub fn answer_with(&self, status: u16, headers: &[(&'static str, &str)], body: String) {
        let headers = headers.iter().map(|(n, v)| (*n, (*v).to_owned()));
        let answer = Answer {
            status,
            headers: headers.collect(),
            body,
        };
        self.memory.answers.lock().unwrap().push_back(answer);
    }

    /// Everything since the last call.
    pub fn heard(&self) -> Vec<ReceivedRequest> {
        std::mem::take(&mut *self.memory.heard.lock().unwrap())
    }

    /// The one request since the last call.
    #[track_caller]
    pub fn only(&self) -> ReceivedRequest {
        let mut heard = self.heard();
        assert_eq!(heard.len(), 1, "{heard:?}");
        heard.remove(0)
    }
}

async fn hear(State(memory): State<Arc<Memory>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    memory.heard.lock().unwrap().push(ReceivedRequest {
        path: parts.uri.to_string(),
        headers: parts.headers,
        body,
    });
    let next = memory.answers.lock().unwrap().pop_front();
    let answer = next.unwrap_or(Answer {
        status: 204,
        headers: Vec::new(),
        body: String::new(),
    });
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// A mail server (RFC 5321) without TLS: for loopback.
#[derive(Clone)]
pub struct TestMailServer {
    pub url: String,
    letters: Arc<Mutex<Vec<String>>>,
    refusals: Arc<Mutex<VecDeque<&'static str>>>,
}

impl TestMailServer {
    pub async fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", socket.local_addr().unwrap());
        let postbox = Self {
            url,
            letters: Arc::default(),
            refusals: Arc::default(),
        };
        let inside = postbox.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = socket.accept().await {
                let inside = inside.clone();
                tokio::spawn(async move { inside.talk(stream).await });
            }
        });
        postbox
    }

    /// The next letter is answered so: `451 later`.
    pub fn refuse(&self, answer: &'static str) {
        self.refusals.lock().unwrap().push_back(answer);
    }

    /// Envelopes and letters since the last call.
    pub fn letters(&self) -> Vec<String> {
        std::mem::take(&mut *self.letters.lock().unwrap())
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let (reading, mut writing) = stream.into_split();
        let mut lines = BufReader::new(reading).lines();
        writing.write_all(b"220 postbox\r\n").await.ok()?;
        let mut letter = String::new();
        let mut inside = false;
        while let Some(line) = lines.next_line().await.ok()? {
            letter.push_str(&line);
            letter.push('\n');
            let answer = match (inside, line.get(..4).unwrap_or(&line)) {
                (true, ".") => {
                    inside = false;
                    self.take(&mut letter)
                }
                (true, _) => continue,
                (false, "DATA") => {
                    inside = true;
                    "354 go on"
                }
                (false, _) => "250 fine",
            };
            let answer = format!("{answer}\r\n");
            writing.write_all(answer.as_bytes()).await.ok()?;
        }
        Some(())
    }

    fn take(&self, letter: &mut String) -> &'static str {
        let letter = std::mem::take(letter);
        match self.refusals.lock().unwrap().pop_front() {
            Some(refusal) => refusal,
            None => {
                self.letters.lock().unwrap().push(letter);
                "250 taken"
            }
        }
    }
}

/// A streamed response, read piece by piece.
pub struct ResponseStream {
    pub status: u16,
    pub headers: HeaderMap,
    body: Body,
}

impl ResponseStream {
    pub async fn start(world: &World, path: &str, cookie: &str) -> Self {
        let request = Request::builder()
            .uri(path)
            .header("cookie", cookie)
            .body(Body::empty())
            .unwrap();
        let answer = router(world.app.clone()).oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }

    /// The next piece; `None` at the end. Ends the test when nothing comes.
    pub async fn next(&mut self) -> Option<String> {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
        let frame = frame.expect("nothing comes")?;
        let data = frame.unwrap().into_data().unwrap();
        Some(String::from_utf8(data.to_vec()).unwrap())
    }
}

/// Longer than anything on this machine takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// As `both!`, with a receiver that the operator trusts, also as a push service:
/// `both_heard!(name, |world, receiver| async { ... })`.
#[macro_export]
macro_rules! both_heard {
    ($(#[$doc:meta])* $name:ident, |$world:ident, $receiver:ident| $scene:expr) => {
        $(#[$doc])*
        mod $name {
            #[expect(unused_imports, reason = "not every scene uses its file's imports")]
            use super::*;

            async fn scene(kind: $crate::DatabaseKind) {
                let $receiver = $crate::HttpReceiver::start().await;
                let settings = ["OUTBOUND__TRUSTED", "PUSH__HOSTS"];
                let settings = settings.map(|key| (key, $receiver.origin.as_str()));
                let $world = $crate::World::configured(kind, &settings).await;
                $scene.await
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn sqlite() {
                scene($crate::DatabaseKind::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn postgres() {
                scene($crate::DatabaseKind::Postgres).await;
            }
        }
    };
}
