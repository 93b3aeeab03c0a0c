//! What is counted as one: network, site, minute, hour.

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn holder(address: &str, now: Timestamp) -> Option<String> {
    let limits = RateLimit::of_address(address.parse().unwrap(), now);
    limits.into_iter().next().map(|limit| limit.holder)
}

/// Of what is counted by address, how, for how many of one address and for how many of one site.
type SiteCase = (fn(IpAddr) -> Vec<RateLimit>, i64, i64);

const BY_SITE: [SiteCase; 4] = [
    (|from| RateLimit::of_address(from, NOW), 300, 48_000),
    (
        |from| RateLimit::of_devices(&ClientId::from_text("app"), from, NOW),
        32,
        256,
    ),
    (|from| RateLimit::of_registrations_from(from, 3, NOW), 3, 48),
    (|from| RateLimit::of_management_from(from, NOW), 300, 4800),
];

#[test]
fn a_site_is_counted_over_its_networks() {
    for (of, most, most_of_site) in BY_SITE {
        let ends = |address: &str| {
            let limits = of(address.parse().unwrap()).into_iter();
            let limits: Vec<_> = limits.map(|limit| (limit.holder, limit.most)).collect();
            (
                limits.first().cloned().unwrap(),
                limits.last().cloned().unwrap(),
            )
        };
        for (one, neighbour, other) in [
            ("2001:db8:1:2::a", "2001:db8:1:3::a", "2001:db8:2:2::a"),
            ("203.0.113.7", "203.0.113.8", "203.0.114.7"),
            ("203.0.113.0", "203.0.113.255", "203.0.112.0"),
        ] {
            let (network, site) = ends(one);
            assert_eq!((network.1, site.1), (most, most_of_site));
            assert_ne!(ends(neighbour).0, network, "{neighbour}");
            assert_eq!(ends(neighbour).1, site, "{neighbour}");
            assert_ne!(ends(other).1, site, "{other}");
        }
    }
}

#[test]
fn an_address_is_counted_by_network_and_minute() {
    let one = holder("2001:db8:1:2::a", NOW);
    assert!(one.is_some());
    assert_eq!(holder("2001:db8:1:2:ffff::1", NOW), one);
    assert_ne!(holder("2001:db8:1:3::a", NOW), one);
    let four = holder("203.0.113.7", NOW);
    assert_ne!(holder("203.0.113.8", NOW), four);
    let minute = Duration::from_secs(60);
    assert_ne!(holder("203.0.113.7", NOW.plus(minute)), four);
    // It is 20 seconds past the minute.
    assert_eq!(
        holder("203.0.113.7", NOW.plus(Duration::from_secs(39))),
        four
    );
    assert_ne!(
        holder("203.0.113.7", NOW.plus(Duration::from_secs(40))),
        four
    );
    let ends = RateLimit::of_address("203.0.113.7".parse().unwrap(), NOW);
    let ends: Vec<i64> = ends
        .iter()
        .map(|limit| limit.kept_until.seconds())
        .collect();
    let hour = 1_790_002_800;
    assert_eq!(ends, [1_790_000_040, hour, hour], "minute and hours");
    for local in ["127.0.0.1", "127.8.8.8", "::1"] {
        assert_eq!(holder(local, NOW), None);
    }
}
