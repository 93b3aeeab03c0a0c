//! Codes of the device flow that wait have a limit for each client (RFC 8628 section 5.1). Anybody may ask in the name of a public
//! client: so one address alone does not use all of it up.

use writ_core::device::MAX_DEVICES_OF_ADDRESS;
use writ_testkit::{Cast, TestReply, World, both};

use crate::client::device::terminal;

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
        "RFC 6177: one household"
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
