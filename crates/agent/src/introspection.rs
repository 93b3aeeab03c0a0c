//! Introspection (RFC 7662) for a client that serves a resource.

use http::StatusCode;
use writ_wire::introspection::IntrospectionResponse;
use writ_wire::strict_json;

use crate::agent::{Agent, Parameters};
use crate::error::{Error, protocol, refused};

impl Agent {
    /// What the server says of a token that somebody presented. Inactive also means: not for this client to know.
    pub async fn introspect(&self, token: &str) -> Result<IntrospectionResponse, Error> {
        let form: Parameters = vec![
            ("token", token.to_owned()),
            ("token_type_hint", HINT.to_owned()),
        ];
        let endpoint = &self.metadata.introspection_endpoint;
        let response = self.post(endpoint, &form, None).await?;
        if response.status() != StatusCode::OK {
            return Err(refused(&response));
        }
        let answer: IntrospectionResponse = strict_json::read(response.body())
            .map_err(|_| protocol("the introspection answer cannot be read (RFC 7662 2.2)"))?;
        // An active token without its claims is refused: a caller could not decide by it.
        if answer.active && answer.token.is_none() {
            return Err(protocol("an active token is not described (RFC 7662 2.2)"));
        }
        Ok(answer)
    }
}

const HINT: &str = "access_token";
