//! `WWW-Authenticate` of a resource server (RFC 9110 section 11, 6750 section 3, 9449 section 7.1, 9728 section 5.1).

use std::fmt::Write as _;

use crate::error::description;

/// One challenge: a scheme and quoted parameters in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpChallenge {
    pub scheme: String,
    pub parameters: Vec<(String, String)>,
}

impl HttpChallenge {
    pub fn new(scheme: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            parameters: Vec::new(),
        }
    }

    /// Adds a parameter; characters that a quoted string cannot hold are replaced.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), description(value)));
        self
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    pub fn render(&self) -> String {
        let mut text = self.scheme.clone();
        for (place, (name, value)) in self.parameters.iter().enumerate() {
            let gap = if place == 0 { " " } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(text, "{gap}{name}=\"{value}\"");
        }
        text
    }

    /// Parses one challenge of the form `Scheme name="value", ...`. `None` for any other form, such as a list of challenges.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, mut rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        let mut parameters = Vec::new();
        while !rest.trim_start_matches([' ', ',']).is_empty() {
            let (name, after) = rest.trim_start_matches([' ', ',']).split_once('=')?;
            let (value, remaining) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_once(',').unwrap_or((after, "")),
            };
            parameters.push((name.trim().to_owned(), value.trim().to_owned()));
            rest = remaining;
        }
        Some(Self {
            scheme: scheme.to_owned(),
            parameters,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_11_6_1_renders_and_reads_back() {
        let challenge = HttpChallenge::new("DPoP")
            .with("error", "use_dpop_nonce")
            .with("algs", "ES256 PS256");
        assert_eq!(
            challenge.render(),
            r#"DPoP error="use_dpop_nonce", algs="ES256 PS256""#
        );
        assert_eq!(HttpChallenge::parse(&challenge.render()), Some(challenge));
        assert_eq!(
            HttpChallenge::new("Bearer").with("x", "a\"b").render(),
            r#"Bearer x="a'b""#
        );
    }
}
