//! A form of an agent, with its assertion and its proof, ready to be sent (RFC 7523, 9449).

use crate::Outcome;
use crate::agent::BenchAgent;
use crate::server::Server;

pub type Pairs = Vec<(&'static str, String)>;

pub struct SignedPost<'a> {
    pub agent: &'a BenchAgent,
    pub server: &'a Server,
    pub path: &'static str,
    /// Empty before one is known.
    pub nonce: &'a str,
}

impl SignedPost<'_> {
    /// `headers` end their lines.
    pub fn bytes(&self, mut form: Pairs, headers: &str) -> Outcome<Vec<u8>> {
        let (issuer, address, path) = (&self.server.issuer, self.server.address, self.path);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        form.push(("client_assertion_type", kind.to_owned()));
        form.push(("client_assertion", self.agent.client_assertion(issuer)?));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let proof = self.agent.proof(&format!("{issuer}{path}"), self.nonce)?;
        let length = body.len();
        Ok(format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             {headers}dpop: {proof}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes())
    }
}
