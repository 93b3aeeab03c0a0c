//! From where a question comes, behind a proxy and without one: what the approver reads.

use std::net::IpAddr;

use writ_testkit::{BANK, Cast, Change, Fields, World, both, both_with};

const PROXY: &str = "10.0.0.1";
const CLIENT: &str = "203.0.113.7";

/// What is shown of a question that comes over a connection from `peer` with these headers.
async fn shown(world: &World, cast: &Cast, peer: &str, headers: &[(&str, &str)]) -> Option<String> {
    let planner = &cast.planner;
    let form = planner.signed(world, &cast.question());
    let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let proof = planner.proof(world, "/bc-authorize");
    let mut all = vec![("dpop", proof.as_str())];
    all.extend_from_slice(headers);
    let peer: IpAddr = peer.parse().unwrap();
    let reply = world.post_from(peer, "/bc-authorize", &form, &all).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    world
        .waiting(&reply.member("auth_req_id"))
        .await
        .asked
        .address
}

const LIST: &str = "x-forwarded-for";

both_with!(
    behind_a_trusted_proxy_its_header_counts,
    &[
        ("SERVER__TRUSTED_PROXIES", "10.0.0.1, 10.0.0.2, 2001:db8::1"),
        ("PROMPTS__PER_PAIR", "100"),
    ],
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        let client = Some(CLIENT.to_owned());
        for (headers, expected) in [
            (&[(LIST, CLIENT)][..], client.clone()),
            // The client made some of it up.
            (
                &[(LIST, "192.0.2.1, 10.0.0.2, 203.0.113.7")],
                client.clone(),
            ),
            (
                &[(LIST, "192.0.2.1"), (LIST, "203.0.113.7, 10.0.0.2")],
                client.clone(),
            ),
            (
                &[(LIST, CLIENT), ("forwarded", "for=192.0.2.1")],
                client.clone(),
            ),
            (
                &[(LIST, "[2001:db8:cafe::17]:4711")],
                Some("2001:db8:cafe::17".to_owned()),
            ),
            (&[(LIST, "\u{e9}, 203.0.113.7")], client.clone()),
            // What a proxy wrote and nobody can read counts as the proxy.
            (
                &[(LIST, "192.0.2.1, junk, 10.0.0.2")],
                Some("10.0.0.2".to_owned()),
            ),
            (&[(LIST, "10.0.0.2")], Some("10.0.0.2".to_owned())),
            (&[("forwarded", "for=203.0.113.7")], None),
            (&[("x-real-ip", CLIENT)], None),
            (&[], None),
        ] {
            for proxy in [PROXY, "::ffff:10.0.0.1", "2001:db8::1"] {
                let found = shown(&world, &cast, proxy, headers).await;
                assert_eq!(found, expected, "{proxy} {headers:?}");
            }
        }
        // Whoever is no proxy is where the connection comes from, whatever is claimed.
        for headers in [
            &[(LIST, "192.0.2.1")][..],
            &[("forwarded", "for=192.0.2.1")],
            &[],
        ] {
            assert_eq!(shown(&world, &cast, CLIENT, headers).await, client);
        }
        // The approver reads it.
        shown(&world, &cast, PROXY, &[(LIST, "192.0.2.1, 203.0.113.7")]).await;
        let mut alice = world.phone_of("alice").await;
        let waiting = alice.inbox().await;
        let page = alice.look(&waiting[0]).await;
        page.says(CLIENT);
        page.does_not_say("192.0.2.1");
    }
);

both_with!(
    rfc_7239_if_configured_forwarded_and_nothing_else,
    &[
        ("SERVER__TRUSTED_PROXIES", PROXY),
        ("SERVER__FORWARDED_HEADER", "forwarded"),
    ],
    |world| async {
        let cast = Cast::of(&world).await;
        cast.token(&world).await;
        for (headers, expected) in [
            (
                &[("forwarded", "for=192.0.2.1, for=203.0.113.7;proto=https")][..],
                Some(CLIENT),
            ),
            (
                &[("forwarded", "for=203.0.113.7;host=\"x, for=192.0.2.1\"")],
                Some(CLIENT),
            ),
            (
                &[("forwarded", "for=\"\u{e9}, for=203.0.113.7")],
                Some(CLIENT),
            ),
            (&[("forwarded", "for=unknown"), (LIST, CLIENT)], Some(PROXY)),
            (&[(LIST, CLIENT)], None),
        ] {
            let found = shown(&world, &cast, PROXY, headers).await;
            assert_eq!(found.as_deref(), expected, "{headers:?}");
        }
    }
);

both!(without_a_trusted_proxy_no_header_is_read, |world| async {
    let cast = Cast::of(&world).await;
    cast.token(&world).await;
    for peer in [PROXY, "127.0.0.1"] {
        let found = shown(
            &world,
            &cast,
            peer,
            &[(LIST, CLIENT), ("forwarded", "for=192.0.2.1")],
        )
        .await;
        assert_eq!(found.as_deref(), Some(peer));
    }
});

both!(
    /// RFC 8628 section 5.4: whose terminal is it? Its address stands on the screen too.
    rfc_8628_5_4_a_device_says_from_where,
    |world| async {
        let cast = Cast::of(&world).await;
        let planner = &cast.planner;
        let form: Fields = Fields::new().with("scope", "accounts:read").with("resource", BANK);
        let form = planner.signed(&world, &form);
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let proof = planner.proof(&world, "/device_authorization");
        let headers = [("dpop", proof.as_str())];
        let peer: IpAddr = CLIENT.parse().unwrap();
        let reply = world.post_from(peer, "/device_authorization", &form, &headers).await;
        let mut alice = world.phone_of("alice").await;
        let page = crate::client::device::types(&mut alice, &reply.member("user_code")).await;
        page.says(CLIENT);
    }
);
