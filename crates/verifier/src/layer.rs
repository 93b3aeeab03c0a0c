//! The verifier as a tower layer: a request reaches the service with its [`Caller`](crate::Caller) among its
//! extensions, or is answered with the refusal. A browser's preflight is answered without a token.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower::{Layer, Service};
use writ_platform::BoxFuture;

use crate::cross_origin::CrossOrigin;
use crate::verifier::Verifier;

/// Puts a [`VerifierService`] before a service.
#[derive(Clone)]
pub struct VerifierLayer {
    verifier: Verifier,
    cross_origin: CrossOrigin,
}

impl VerifierLayer {
    /// Open to clients that run in a browser.
    pub const fn new(verifier: Verifier) -> Self {
        Self {
            verifier,
            cross_origin: CrossOrigin::Open,
        }
    }

    pub fn with_cross_origin(self, cross_origin: CrossOrigin) -> Self {
        Self {
            cross_origin,
            ..self
        }
    }
}

impl<S> Layer<S> for VerifierLayer {
    type Service = VerifierService<S>;

    fn layer(&self, inner: S) -> VerifierService<S> {
        VerifierService {
            verifier: self.verifier.clone(),
            cross_origin: self.cross_origin,
            inner,
        }
    }
}

/// Calls the inner service for accepted requests only.
#[derive(Clone)]
pub struct VerifierService<S> {
    verifier: Verifier,
    cross_origin: CrossOrigin,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for VerifierService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    B: Send + 'static,
    R: From<Bytes> + Send + 'static,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<R>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (verifier, cross_origin) = (self.verifier.clone(), self.cross_origin);
        // The one that said it is ready is called; its clone waits for the next request.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if let Some(answer) = cross_origin.preflight(&parts.method, &parts.headers) {
                return Ok(answer.map(R::from));
            }
            let mut response = match verifier.verify(&parts).await {
                Ok(caller) => {
                    parts.extensions.insert(caller);
                    inner.call(Request::from_parts(parts, body)).await?
                }
                Err(refused) => refused.into_response().map(R::from),
            };
            cross_origin.allow(response.headers_mut());
            Ok(response)
        })
    }
}
