//! The reverse proxies in front of this server, and the header in which they name the client: `server.trusted_proxies`,
//! `server.forwarded_header`.

use std::net::IpAddr;

/// The one header from which client addresses are read, and only from trusted proxies: any client can send the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// As a header's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// In the form that addresses of connections are compared with.
pub(super) fn proxies(texts: &[String], problems: &mut Vec<String>) -> Vec<IpAddr> {
    let mut found = Vec::new();
    for text in texts {
        match text.parse::<IpAddr>() {
            Ok(address) => found.push(address.to_canonical()),
            Err(_) => problems.push(format!(
                "`server.trusted_proxies`: `{text}` is no IP address"
            )),
        }
    }
    found
}

pub(super) fn header(text: Option<&str>, problems: &mut Vec<String>) -> ForwardedHeader {
    let all = [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded];
    let Some(text) = text else {
        return ForwardedHeader::default();
    };
    let found = all.into_iter().find(|header| header.as_str() == text);
    found.unwrap_or_else(|| {
        problems.push(
            "`server.forwarded_header` is neither `x-forwarded-for` nor `forwarded`".to_owned(),
        );
        ForwardedHeader::default()
    })
}
