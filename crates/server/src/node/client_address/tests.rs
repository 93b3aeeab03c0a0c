//! Which proxies' headers are believed, and which headers are ignored.

use http::{HeaderName, HeaderValue};

use super::*;

const CLIENT: &str = "203.0.113.7";
const PROXIES: [&str; 3] = ["10.0.0.1", "10.0.0.2", "2001:db8::1"];

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn headers(name: &'static str, fields: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for field in fields {
        let value = HeaderValue::from_bytes(field.as_bytes()).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn found(
    peer: &str,
    name: &'static str,
    fields: &[&str],
    header: ForwardedHeader,
) -> Option<IpAddr> {
    let headers = headers(name, fields);
    let proxies = PROXIES.map(|text| ip(text).into()).into_iter().collect();
    origin(ip(peer), &headers, header, &proxies)
}

/// Behind the first proxy.
fn list(fields: &[&str]) -> Option<IpAddr> {
    found(
        "10.0.0.1",
        "x-forwarded-for",
        fields,
        ForwardedHeader::XForwardedFor,
    )
}

fn forwarded(fields: &[&str]) -> Option<IpAddr> {
    found("10.0.0.1", "forwarded", fields, ForwardedHeader::Forwarded)
}

#[test]
fn headers_of_an_untrusted_peer_are_ignored() {
    for header in [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded] {
        for (name, field) in [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ] {
            assert_eq!(found(CLIENT, name, &[field], header), Some(ip(CLIENT)));
        }
    }
    // An IPv4 address on a socket of both kinds is the same address.
    let mapped = found(
        "::ffff:203.0.113.7",
        "x-forwarded-for",
        &["192.0.2.1"],
        ForwardedHeader::default(),
    );
    assert_eq!(mapped, Some(ip(CLIENT)));
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_proxy() {
    for fields in [
        &[CLIENT][..],
        &["192.0.2.1, 203.0.113.7"],
        &["192.0.2.1, 203.0.113.7, 10.0.0.2"],
        &["10.0.0.2, 203.0.113.7,10.0.0.2 ,\t2001:db8::1"],
        &["192.0.2.1", CLIENT, "10.0.0.2"],
        &["junk, , \"", "  203.0.113.7  "],
        &[
            "192.0.2.1, ::ffff:203.0.113.7",
            "[2001:db8::1]:443, ::ffff:10.0.0.2",
        ],
        &["203.0.113.7:50123, 10.0.0.2:80"],
    ] {
        assert_eq!(list(fields), Some(ip(CLIENT)), "{fields:?}");
    }
    let of_six = Some(ip("2001:db8:cafe::17"));
    for text in [
        "2001:db8:cafe::17",
        "[2001:db8:cafe::17]",
        "[2001:DB8:CAFE:0::17]:4711",
    ] {
        assert_eq!(list(&[text]), of_six, "{text}");
    }
}

/// The proxy that spoke to this server.
const HOP: &str = "10.0.0.1";

#[test]
fn what_a_proxy_wrote_and_nobody_can_read_counts_as_the_proxy() {
    assert_eq!(list(&[]), None, "it says nothing at all");
    for text in [
        "",
        " ",
        ",",
        "203.0.113.7,",
        "unknown",
        "localhost",
        "203.0.113",
        "203.0.113.7.1",
        "203.0.113.256",
        "203.0.113.7:",
        "203.0.113.7:99999",
        "203.0.113.7 10.0.0.2",
        "[203.0.113.7]",
        "[2001:db8::17",
        "2001:db8::17]",
        "[2001:db8::17]443",
        "fe80::1%eth0",
        "\"203.0.113.7\"",
        "http://203.0.113.7",
        "203.0.113.7, x",
        "0xcb007107",
        "\u{e9}",
        "203.0.113.7, \u{e9}",
        // Only proxies: the last one names nobody.
        HOP,
    ] {
        assert_eq!(list(&[text]), Some(ip(HOP)), "{text}");
    }
    assert_eq!(
        list(&[CLIENT, "x"]),
        Some(ip(HOP)),
        "never the one to the left instead"
    );
    for text in ["203.0.113.7, x, 10.0.0.2", "10.0.0.2", "\u{e9}, 10.0.0.2"] {
        assert_eq!(list(&[text]), Some(ip("10.0.0.2")), "{text}");
    }
}

#[test]
fn no_bytes_of_a_client_hide_what_the_proxy_appends() {
    for claim in [
        "\u{e9}",
        "\u{20ac}, \"",
        "\"",
        "a\tb",
        "x\\",
        "\\\"",
        ";,=\u{fc}",
    ] {
        let appended = format!("{claim}, {CLIENT}");
        assert_eq!(list(&[&appended]), Some(ip(CLIENT)), "{claim}");
        assert_eq!(list(&[claim, CLIENT]), Some(ip(CLIENT)), "{claim}");
        for element in [
            "for=203.0.113.7",
            "for=\"203.0.113.7:4711\"",
            "host=\"\u{e9}, for=192.0.2.1\";for=203.0.113.7",
        ] {
            let appended = format!("for={claim}, {element}");
            assert_eq!(forwarded(&[&appended]), Some(ip(CLIENT)), "{appended}");
            assert_eq!(forwarded(&[claim, element]), Some(ip(CLIENT)), "{claim}");
        }
    }
    let mut latin = HeaderMap::new();
    let value = HeaderValue::from_bytes(b"\xe9, 203.0.113.7").unwrap();
    latin.insert("x-forwarded-for", value);
    let proxies = PROXIES.map(|text| ip(text).into()).into_iter().collect();
    let found = origin(ip(HOP), &latin, ForwardedHeader::XForwardedFor, &proxies);
    assert_eq!(found, Some(ip(CLIENT)));
}

#[test]
fn the_number_of_hops_is_bounded() {
    let behind = |proxies: usize| format!("{CLIENT}{}", ", 10.0.0.2".repeat(proxies));
    assert_eq!(list(&[&behind(MOST_HOPS - 1)]), Some(ip(CLIENT)));
    assert_eq!(list(&[&behind(MOST_HOPS)]), Some(ip("10.0.0.2")));
}

#[test]
fn behind_a_translator_people_are_told_apart_by_ipv4() {
    let four = ip("203.0.113.7");
    for (same, why) in [
        ("203.0.113.7", "itself"),
        ("::ffff:203.0.113.7", "mapped"),
        ("64:ff9b::203.0.113.7", "RFC 6052 section 2.1"),
        ("64:ff9b:1::203.0.113.7", "RFC 8215"),
        ("::ffff:0:203.0.113.7", "RFC 2765 section 2.1"),
        ("2002:cb00:7107:1::1", "RFC 3056 section 2"),
    ] {
        assert_eq!(network(ip(same)), four, "{why}");
        assert_eq!(site(ip(same)), ip("203.0.113.0"), "{why}");
    }
    assert_ne!(
        network(ip("64:ff9b::203.0.113.7")),
        network(ip("64:ff9b::203.0.113.8"))
    );
    for other in ["2001:db8::203.0.113.7", "64:ff9b:2::203.0.113.7"] {
        assert!(network(ip(other)).is_ipv6(), "{other}");
    }
}

#[test]
fn only_the_configured_header_is_read() {
    let (list, one) = (ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded);
    assert_eq!(
        found("10.0.0.1", "forwarded", &["for=203.0.113.7"], list),
        None
    );
    assert_eq!(found("10.0.0.1", "x-forwarded-for", &[CLIENT], one), None);
    for name in [
        "x-real-ip",
        "x-client-ip",
        "cf-connecting-ip",
        "true-client-ip",
    ] {
        assert_eq!(found("10.0.0.1", name, &[CLIENT], list), None, "{name}");
    }
}

#[test]
fn rfc_7239_4_for_of_the_last_element() {
    for fields in [
        &["for=203.0.113.7"][..],
        &["For=\"203.0.113.7:47011\";proto=https;by=10.0.0.1"],
        &["proto=http; host=\"x, for=192.0.2.1\"; FOR=203.0.113.7"],
        &["for=192.0.2.1, for=203.0.113.7;host=\"a;for=192.0.2.2;b\""],
        &["for=203.0.113.7;host=\"a\\\",for=192.0.2.9;x=\""],
        &[
            "for=192.0.2.1",
            "for=203.0.113.7, for=10.0.0.2",
            "for=\"[2001:db8::1]\"",
        ],
        &["for=\"unbalanced", "for=203.0.113.7"],
    ] {
        assert_eq!(forwarded(fields), Some(ip(CLIENT)), "{fields:?}");
    }
    let of_six = Some(ip("2001:db8:cafe::17"));
    assert_eq!(forwarded(&["for=\"[2001:db8:cafe::17]:4711\""]), of_six);
    for field in [
        "for=unknown",
        "for=_hidden",
        "for=",
        "for",
        "by=203.0.113.7",
        "for=203.0.113.7;for=192.0.2.1",
        "for=\"203.0.113.7",
        "for=203.0.113.7\"",
        "for=192.0.2.1, for=203.0.113.7\"",
        "203.0.113.7",
        "for=203.0.113.7, for=unknown",
        "for=203.0.113.7,",
    ] {
        assert_eq!(forwarded(&[field]), Some(ip(HOP)), "{field}");
    }
}
