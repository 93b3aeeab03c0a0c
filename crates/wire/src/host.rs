//! The host of a URL as hosts are compared: one text for all spellings of it (URL standard; RFC 9110 section 4.2.3).

use url::{Host, Url};

/// Lower case, as punycode, without the dot that may end a name (RFC 1034 section 3.1); an IPv4 address in dotted decimal, also where
/// it is mapped into IPv6 (RFC 4291 section 2.5.5.2). `None` where there is none.
pub fn host_name(url: &Url) -> Option<String> {
    let name = match url.host()? {
        Host::Domain(name) => name.trim_end_matches('.').to_owned(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.to_string(),
            None => url.host_str()?.to_owned(),
        },
    };
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_of_a_host_is_that_host() {
        for (spelled, name) in [
            ("https://evil.example/", Some("evil.example")),
            ("https://EVIL.example/", Some("evil.example")),
            ("https://evil.example./", Some("evil.example")),
            ("https://evil.example../", Some("evil.example")),
            ("https://evil.example:8443/", Some("evil.example")),
            ("https://%65vil.example/", Some("evil.example")),
            ("https://evil%2eexample/", Some("evil.example")),
            ("https://evil\u{3002}example\u{ff0e}/", Some("evil.example")),
            (
                "https://\u{ff45}\u{ff56}\u{ff49}\u{ff4c}.example/",
                Some("evil.example"),
            ),
            ("https://evil.ex\u{ad}ample/", Some("evil.example")),
            ("https://ev\til.exam\nple/", Some("evil.example")),
            ("https:evil.example", Some("evil.example")),
            (
                "https:\\\\evil.example\\@good.example",
                Some("evil.example"),
            ),
            ("https://good.example@evil.example/", Some("evil.example")),
            (
                "https://b\u{fc}cher.example/",
                Some("xn--bcher-kva.example"),
            ),
            ("https://localhost./", Some("localhost")),
            ("https://127.0.0.1/", Some("127.0.0.1")),
            ("https://127.0.0.1./", Some("127.0.0.1")),
            ("https://127.1/", Some("127.0.0.1")),
            ("https://0x7f.1/", Some("127.0.0.1")),
            ("https://0177.0.0.1/", Some("127.0.0.1")),
            ("https://2130706433/", Some("127.0.0.1")),
            ("https://[::ffff:127.0.0.1]/", Some("127.0.0.1")),
            ("https://[0:0:0:0:0:ffff:7f00:1]/", Some("127.0.0.1")),
            ("https://[::1]/", Some("[::1]")),
            ("https://[0:0::0:1]/", Some("[::1]")),
            ("https://./", None),
            ("mailto:a@evil.example", None),
        ] {
            let url = Url::parse(spelled).unwrap();
            assert_eq!(host_name(&url).as_deref(), name, "{spelled}");
        }
        for no_url in [
            "https://[::1%25lo]/",
            "https://[fe80::1%eth0]/",
            "https://evil.example%00/",
            "https://evil.example%2f/",
            "https://1.2.3.4.5/",
            "https://256.0.0.1/",
            "https:///",
        ] {
            let host = Url::parse(no_url).ok().and_then(|url| host_name(&url));
            assert_eq!(host, None, "{no_url}");
        }
    }
}
