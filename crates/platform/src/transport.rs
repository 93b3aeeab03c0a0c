//! The HTTP client of the agent kit and the verifier kit: responses bounded in size and time, redirects not followed.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

/// The largest response body that is read, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A request extension: added to the usual timeout, for a long poll whose answer the server may delay (`Prefer: wait`,
/// RFC 7240 section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraTimeout(pub Duration);

/// An HTTP client. `Https` is the one over the network; tests have one that calls a server in the same process.
pub trait Transport: Send + Sync {
    /// Sends a request with an absolute URI. Every status is `Ok`, also a redirect, which is not followed.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;
}

/// Why there is no response. It does not name the URL, which may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    #[error("the server could not be reached: {0}")]
    Unreachable(String),
    #[error("the answer is larger than {MAX_RESPONSE_BYTES} bytes")]
    TooLarge,
}

#[cfg(feature = "https")]
pub use https::Https;

#[cfg(feature = "https")]
mod https {
    use std::time::Duration;

    use super::{
        BoxFuture, Bytes, ExtraTimeout, MAX_RESPONSE_BYTES, Request, Response, Transport,
        TransportError,
    };

    /// From the start of a request to the last byte of its response.
    const TIMEOUT: Duration = Duration::from_secs(10);

    /// HTTP and HTTPS by reqwest with rustls.
    #[derive(Clone, Debug)]
    pub struct Https(reqwest::Client);

    impl Https {
        pub fn new() -> Result<Self, TransportError> {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIMEOUT)
                .build()
                .map(Self)
                .map_err(unreachable)
        }
    }

    impl Transport for Https {
        fn send(
            &self,
            request: Request<Bytes>,
        ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
            Box::pin(async move {
                let (parts, body) = request.into_parts();
                let extra = parts.extensions.get::<ExtraTimeout>();
                let mut answer = self
                    .0
                    .request(parts.method, parts.uri.to_string())
                    .timeout(TIMEOUT + extra.map_or(Duration::ZERO, |extra| extra.0))
                    .headers(parts.headers)
                    .body(body)
                    .send()
                    .await
                    .map_err(unreachable)?;
                let mut collected = Vec::new();
                while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
                    if collected.len() + chunk.len() > MAX_RESPONSE_BYTES {
                        return Err(TransportError::TooLarge);
                    }
                    collected.extend_from_slice(&chunk);
                }
                let mut response = Response::new(Bytes::from(collected));
                *response.status_mut() = answer.status();
                *response.headers_mut() = std::mem::take(answer.headers_mut());
                Ok(response)
            })
        }
    }

    fn unreachable(error: reqwest::Error) -> TransportError {
        TransportError::Unreachable(error.without_url().to_string())
    }

    #[cfg(test)]
    mod tests {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        use tokio::net::TcpListener;

        use super::*;

        #[tokio::test]
        async fn an_answer_has_a_largest_size() {
            for (length, is_read) in [(MAX_RESPONSE_BYTES, true), (MAX_RESPONSE_BYTES + 1, false)] {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}/", listener.local_addr().unwrap());
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                let answer = [answer.into_bytes(), vec![b'x'; length]].concat();
                tokio::spawn(async move {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                    // Whoever has read enough goes away.
                    let _ = stream.write_all(&answer).await;
                });
                let request = Request::get(url).body(Bytes::new()).unwrap();
                match Https::new().unwrap().send(request).await {
                    Ok(answer) => assert!(is_read && answer.body().len() == length),
                    Err(refused) => {
                        assert!(!is_read, "{refused}");
                        assert!(matches!(refused, TransportError::TooLarge), "{refused}");
                    }
                }
            }
        }
    }
}
