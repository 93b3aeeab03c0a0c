//! Codes of the device flow that wait have a limit for each client (RFC 8628 section 5.1). Anybody may ask in the name of a public
//! client: so one address alone does not use all of it up.

use writ_core::device::{MAX_DEVICES_OF_ADDRESS, MAX_DEVICES_OF_SITE, MAX_WAITING_DEVICES};
use writ_testkit::{Cast, TestReply, World, both};

use crate::client::device::{poll, terminal};

const MOST: u64 = MAX_DEVICES_OF_ADDRESS.unsigned_abs();

async fn command_line(world: &World) -> String {
    Cast::of(world).await;
    terminal(world).await.id
}

async fn ask(world: &World, address: &str) -> TestReply {
    let form = [("client_id", "terminal"), ("scope", "accounts:read")];
    let path = "/device_authorization";
    world
        .post_from(address.parse().unwrap(), path, &form, &[])
        .await
}

async fn fill(world: &World, address: impl Fn(u64) -> String) {
    for number in 0..MOST {
        let reply = ask(world, &address(number)).await;
        assert_eq!(reply.status, 200, "{number}: {}", reply.text());
    }
}

both!(
    one_address_does_not_use_up_the_codes_of_a_client,
    |world| async {
        assert_eq!(command_line(&world).await, "terminal");
        fill(&world, |_| "203.0.113.7".to_owned()).await;
        let more = ask(&world, "203.0.113.7").await;
        assert_eq!(more.error(), "temporarily_unavailable", "one more");
        let mapped = ask(&world, "::ffff:203.0.113.7").await;
        assert_eq!(
            mapped.error(),
            "temporarily_unavailable",
            "the same address"
        );
        assert_eq!(ask(&world, "203.0.113.8").await.status, 200);
        world.advance(600);
        assert_eq!(ask(&world, "203.0.113.7").await.status, 200);
    }
);

both!(one_network_of_ipv6_is_one_address, |world| async {
    assert_eq!(command_line(&world).await, "terminal");
    fill(&world, |number| format!("2001:db8:0:1::{number:x}")).await;
    let more = ask(&world, "2001:db8:0:1:ffff::1").await;
    assert_eq!(
        more.error(),
        "temporarily_unavailable",
        "RFC 4291 2.5.4: one link"
    );
    assert_eq!(ask(&world, "2001:db8:0:2::1").await.status, 200);
});

both!(
    whose_address_nobody_knows_is_counted_by_client_alone,
    |world| async {
        assert_eq!(command_line(&world).await, "terminal");
        let form = [("client_id", "terminal"), ("scope", "accounts:read")];
        for number in 0..=MOST {
            let reply = world.post("/device_authorization", &form, &[]).await;
            assert_eq!(reply.status, 200, "{number}: {}", reply.text());
        }
    }
);

/// Each network of a site asks for as many as it may, until the site has no more.
async fn fill_from_site(world: &World, site: u32) {
    for number in 0..MAX_DEVICES_OF_SITE.unsigned_abs() {
        let address = format!("2001:db8:{site:x}:{:x}::1", number / MOST);
        let reply = ask(world, &address).await;
        assert_eq!(reply.status, 200, "{address}: {}", reply.text());
    }
    let more = ask(world, &format!("2001:db8:{site:x}:ffff::1")).await;
    assert_eq!(more.error(), "temporarily_unavailable");
}

both!(
    who_asks_for_many_codes_ends_their_own_and_not_an_older_one_of_another,
    |world| async {
        Cast::of(&world).await;
        let terminal = terminal(&world).await;
        let hers = ask(&world, "203.0.113.7").await;
        world.advance(1);
        let sites = MAX_WAITING_DEVICES / u32::try_from(MAX_DEVICES_OF_SITE).unwrap();
        let first = ask(&world, "2001:db8:f:1::1").await;
        world.advance(1);
        for site in 0..=sites {
            fill_from_site(&world, site).await;
        }
        let poll = async |asked: &TestReply| {
            let form = poll(&asked.member("device_code"));
            terminal.send(&world, "/token", &form).await.error()
        };
        assert_eq!(poll(&hers).await, "authorization_pending");
        assert_eq!(poll(&first).await, "authorization_pending");
        let last = ask(&world, "198.51.100.1").await;
        assert_eq!(poll(&last).await, "authorization_pending");
    }
);

both!(
    what_anybody_can_ask_for_is_on_record_when_somebody_types_the_code,
    |world| async {
        assert_eq!(command_line(&world).await, "terminal");
        let asked = ask(&world, "203.0.113.7").await;
        assert!(world.events_named("approval.requested").await.is_empty());
        let mut alice = world.phone_of("alice").await;
        let typed = [("user_code", asked.member("user_code"))];
        for _ in 0..2 {
            let page = alice.post("/device", &typed).await;
            assert!(
                page.url.path().starts_with("/app/requests/"),
                "{}",
                page.url
            );
        }
        let requested = world.events_named("approval.requested").await;
        assert_eq!(requested.len(), 1, "once");
        assert!(requested[0].subject.is_some());
        assert_eq!(world.events_named("approval.notified").await.len(), 1);
    }
);
