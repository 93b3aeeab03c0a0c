//! HTTP as the two kits use it: one request, one answer, bounded in size and time, no redirects.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

/// The largest answer that is read, in bytes.
pub const MAX_RESPONSE_BYTES: usize = 1024 * 1024;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An extension of a request that the other side may hold (RFC 7240 section 4.3): so much longer than usual may the
/// answer take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience(pub Duration);

/// Sends a request. Two implementations: [`Https`] and the in-process one of `testkit`.
pub trait Transport: Send + Sync {
    /// The URI is absolute. Any answer is a success; redirects are not followed.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>>;
}

/// No answer came.
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
        BoxFuture, Bytes, MAX_RESPONSE_BYTES, Patience, Request, Response, Transport,
        TransportError,
    };

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
                let held = parts.extensions.get::<Patience>();
                let mut answer = self
                    .0
                    .request(parts.method, parts.uri.to_string())
                    .timeout(TIMEOUT + held.map_or(Duration::ZERO, |held| held.0))
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
}
