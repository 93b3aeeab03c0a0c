//! Clients that run in a browser (Fetch section 3.3): a preflight carries no token and is answered without one, and every answer
//! may be read from any origin. The browser adds no credentials of its own, so whoever reads an answer had the token.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

/// Whether clients that run in a browser may call the resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CrossOrigin {
    /// From every origin, without cookies.
    #[default]
    Open,
    /// No answer says so: for an application whose own layer, outside of the verifier's, does.
    Closed,
}

impl CrossOrigin {
    /// The answer to a preflight, which needs no token; `None` for every other request.
    pub fn preflight(self, method: &Method, headers: &HeaderMap) -> Option<Response<Bytes>> {
        let is_preflight = *method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        is_preflight.then(|| self.preflight_answer())
    }

    /// Lets the browser's client read an answer, if the application has not decided about it.
    pub fn allow(self, headers: &mut HeaderMap) {
        if self == Self::Open && !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            add(headers, &ANSWER);
        }
    }

    pub(crate) fn preflight_answer(self) -> Response<Bytes> {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        if self == Self::Open {
            add(response.headers_mut(), &ANSWER);
            add(response.headers_mut(), &PREFLIGHT);
        }
        response
    }
}

fn add(headers: &mut HeaderMap, fields: &[(HeaderName, &'static str)]) {
    for (name, value) in fields {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
}

/// `*` counts because there are no credentials; the challenge and the nonce are named for older browsers.
const ANSWER: [(HeaderName, &str); 2] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "dpop-nonce, www-authenticate, retry-after, mcp-session-id, *",
    ),
];

/// `*` leaves `Authorization` out (Fetch section 4.9), so it is named.
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (
        header::ACCESS_CONTROL_ALLOW_METHODS,
        "GET, HEAD, POST, PUT, PATCH, DELETE",
    ),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "authorization, dpop, content-type, accept, mcp-protocol-version, mcp-session-id, *",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "7200"),
];
