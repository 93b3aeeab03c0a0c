//! A client of one node, in this process or in another one; and requests that are signed first and sent later.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use tokio::sync::Barrier;
use writ_platform::{Transport, TransportError};

use crate::cast::TestAgent;
use crate::reply::TestReply;
use crate::world::World;

/// An address that answers for the issuer.
#[derive(Clone)]
pub struct NodeClient {
    transport: Arc<dyn Transport>,
    origin: String,
}

/// A form that is ready to be sent, through any door.
#[derive(Clone, Debug)]
pub struct Ready {
    path: String,
    form: Vec<(String, String)>,
    headers: Vec<(&'static str, String)>,
}

impl NodeClient {
    pub fn new(transport: Arc<dyn Transport>, origin: &str) -> Self {
        Self {
            transport,
            origin: origin.to_owned(),
        }
    }

    pub async fn send(&self, ready: &Ready) -> TestReply {
        self.try_send(ready).await.unwrap()
    }

    pub async fn try_send(&self, ready: &Ready) -> Result<TestReply, TransportError> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&ready.form)
            .finish();
        let mut request = Request::builder()
            .method("POST")
            .uri(format!("{}{}", self.origin, ready.path))
            .header("content-type", "application/x-www-form-urlencoded");
        for (name, value) in &ready.headers {
            request = request.header(*name, value);
        }
        let request = request.body(Bytes::from(body)).unwrap();
        Ok(TestReply::of(self.transport.send(request).await?))
    }

    /// A JSON body with these headers.
    pub async fn send_json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> TestReply {
        self.try_send_json(method, path, headers, body)
            .await
            .unwrap()
    }

    /// The same, where the node may be gone.
    pub async fn try_send_json(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<TestReply, TransportError> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.origin))
            .header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body)).unwrap();
        Ok(TestReply::of(self.transport.send(request).await?))
    }

    pub async fn try_get(&self, path: &str) -> Result<TestReply, TransportError> {
        self.try_get_with(path, &[]).await
    }

    /// The same with these headers.
    pub async fn try_get_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<TestReply, TransportError> {
        let mut request = Request::builder().uri(format!("{}{path}", self.origin));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::new()).unwrap();
        Ok(TestReply::of(self.transport.send(request).await?))
    }
}

impl Ready {
    pub fn new(path: &str, form: &[(&str, String)]) -> Self {
        Self {
            path: path.to_owned(),
            form: form
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            headers: Vec::new(),
        }
    }

    /// With this header instead of any other of its name.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With this parameter instead of any other of its name.
    pub fn parameter(mut self, name: &str, value: &str) -> Self {
        self.form.retain(|(other, _)| other != name);
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl TestAgent {
    /// The form with a fresh assertion and a fresh proof.
    pub fn ready(&self, world: &World, path: &str, form: &[(&str, String)]) -> Ready {
        Ready {
            path: path.to_owned(),
            form: self.signed(world, form),
            headers: Vec::new(),
        }
        .header("dpop", &self.proof(world, path))
    }
}

/// Starts all of them at the same moment; their results in order.
pub async fn at_once<F>(racers: Vec<F>) -> Vec<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let start = Arc::new(Barrier::new(racers.len()));
    let running: Vec<_> = racers
        .into_iter()
        .map(|racer| {
            let start = start.clone();
            tokio::spawn(async move {
                start.wait().await;
                racer.await
            })
        })
        .collect();
    let mut results = Vec::new();
    for racer in running {
        results.push(racer.await.unwrap());
    }
    results
}
