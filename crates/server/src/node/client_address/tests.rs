//! Which proxies' headers are believed, and which headers are ignored.

use http::HeaderName;

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

#[test]
fn an_unreadable_list_leaves_the_address_unknown() {
    assert_eq!(list(&[]), None);
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
        "203.0.113.7, x, 10.0.0.2",
        "0xcb007107",
        "\u{e9}",
        // Only proxies: the client is not named.
        "10.0.0.2",
        "10.0.0.1, 2001:db8::1",
    ] {
        assert_eq!(list(&[text]), None, "{text}");
    }
    assert_eq!(
        list(&[CLIENT, "x"]),
        None,
        "never the one to the left instead"
    );
}

#[test]
fn the_number_of_hops_is_bounded() {
    let behind = |proxies: usize| format!("{CLIENT}{}", ", 10.0.0.2".repeat(proxies));
    assert_eq!(list(&[&behind(MOST_HOPS - 1)]), Some(ip(CLIENT)));
    assert_eq!(list(&[&behind(MOST_HOPS)]), None);
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
        "for=\"evil, for=203.0.113.7",
        "203.0.113.7",
        "for=203.0.113.7, for=unknown",
        "for=203.0.113.7,",
    ] {
        assert_eq!(forwarded(&[field]), None, "{field}");
    }
}
