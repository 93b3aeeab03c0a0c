//! Bounds by addresses that no socket of a test can have.

use std::net::IpAddr;

use super::*;
use crate::node::listener::places::{Place, Places};

fn places(most: usize, most_of_address: usize) -> Arc<Places> {
    Arc::new(Places::new(bounds(most, most_of_address, most)))
}

fn bounds(most: usize, most_of_address: usize, most_of_site: usize) -> ListenerBounds {
    let exempt = ["10.0.0.0/8".parse().unwrap()];
    ListenerBounds {
        most,
        most_of_address,
        most_of_site,
        exempt: exempt.into_iter().collect(),
        ..ListenerBounds::default()
    }
}

fn take(places: &Arc<Places>, address: &str) -> Option<Place> {
    places.take(address.parse::<IpAddr>().unwrap())
}

/// Whether it was told to leave.
fn is_told(place: &Place) -> bool {
    let mut told = Box::pin(place.must_leave());
    let mut context = Context::from_waker(std::task::Waker::noop());
    told.as_mut().poll(&mut context).is_ready()
}

#[test]
fn a_network_has_its_own_bound() {
    let places = places(100, 2);
    let first = take(&places, "2001:db8:1:2::a").unwrap();
    let second = take(&places, "2001:db8:1:2::b").unwrap();
    let other = take(&places, "2001:db8:1:3::a").unwrap();
    let third = take(&places, "2001:db8:1:2::c").unwrap();
    assert!(is_told(&first));
    second.works();
    third.works();
    assert!(take(&places, "2001:db8:1:2::d").is_none());
    assert!(!is_told(&second) && !is_told(&third) && !is_told(&other));
    // What ends makes room.
    drop(first);
    assert!(take(&places, "2001:db8:1:2::d").is_none());
    drop(third);
    assert!(take(&places, "2001:db8:1:2::d").is_some());
}

#[test]
fn a_site_has_its_own_bound_whatever_networks_it_has() {
    for (first, second, neighbour, other) in [
        (
            "2001:db8:1:2::a",
            "2001:db8:1:3::a",
            "2001:db8:1:ffff::a",
            "2001:db8:2:2::a",
        ),
        (
            "203.0.113.0",
            "203.0.113.7",
            "::ffff:203.0.113.255",
            "203.0.114.7",
        ),
    ] {
        let bounds = bounds(100, 2, 2);
        let counters = bounds.counters.clone();
        let places = Arc::new(Places::new(bounds));
        let first = take(&places, first).unwrap();
        let second = take(&places, second).unwrap();
        let third = take(&places, neighbour).unwrap();
        assert!(is_told(&first) && !is_told(&second), "{neighbour}");
        second.works();
        third.works();
        assert!(take(&places, neighbour).is_none(), "{neighbour}");
        assert_eq!(counters.cuts(CutConnection::OfSite), 1, "{neighbour}");
        let elsewhere = take(&places, other).unwrap();
        assert!(!is_told(&second) && !is_told(&third) && !is_told(&elsewhere));
        drop(second);
        assert!(take(&places, neighbour).is_some(), "what ends makes room");
    }
}

#[test]
fn one_site_leaves_most_of_the_room_to_others() {
    let usual = ListenerBounds::default();
    assert_eq!(usual.most_of_site, usual.most.div_ceil(SHARES_OF_SITES));
    let places = Arc::new(Places::new(bounds(400, 100, 100)));
    let take_of = |site: u32| {
        let networks = (0..1000).map(|network| format!("2001:db8:{site:x}:{network:x}::1"));
        let taken = networks.filter_map(|address| take(&places, &address));
        let taken: Vec<Place> = taken.inspect(Place::works).collect();
        taken
    };
    let all: Vec<Place> = (1..4).flat_map(take_of).collect();
    assert_eq!(all.len(), 300);
    assert!(take(&places, "203.0.113.7").is_some());
}

#[test]
fn proxies_and_this_machine_are_not_counted_by_address() {
    let places = places(100, 1);
    for address in ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3"] {
        let taken = [take(&places, address), take(&places, address)];
        assert!(
            taken.iter().flatten().all(|place| !is_told(place)),
            "{address}"
        );
        assert_eq!(taken.iter().flatten().count(), 2, "{address}");
    }
}

#[test]
fn three_thousand_parts_of_heads_keep_to_the_bound() {
    let places = places(5000, 5000);
    // Of as many sites: one address has less.
    let address = |site: usize| format!("{}.{}.113.7", 20 + site / 250, site % 250);
    let all: Vec<Place> = (0..3000)
        .map(|site| take(&places, &address(site)).unwrap())
        .collect();
    for place in &all {
        for bytes in [1, 50 * 1024, 100 * 1024] {
            place.holds(bytes);
        }
    }
    let left = all.iter().filter(|place| !is_told(place)).count();
    assert_eq!(left, MAX_UNFINISHED / (100 * 1024));
    assert!(!is_told(&all[2999]), "the newest stays");
    // What is whole, or gone, counts no more.
    let last = take(&places, "203.0.113.8").unwrap();
    drop(all);
    // The share of one address.
    last.holds(MAX_UNFINISHED / 8);
    assert!(!is_told(&last));
    last.works();
    last.waits();
    last.holds(1);
    // A proxy has no share of its own.
    let next = take(&places, "10.0.0.1").unwrap();
    next.holds(MAX_UNFINISHED);
    assert!(is_told(&last), "its request began first");
    assert!(!is_told(&next));
}

#[test]
fn strangers_leave_before_proxies() {
    let places = places(2, 10);
    let proxy = take(&places, "10.0.0.1").unwrap();
    let stranger = take(&places, "203.0.113.7").unwrap();
    let next = take(&places, "203.0.113.8").unwrap();
    assert!(is_told(&stranger) && !is_told(&proxy));
    drop(stranger);
    next.works();
    let last = take(&places, "203.0.113.9").unwrap();
    assert!(is_told(&proxy) && !is_told(&next) && !is_told(&last));
}

#[test]
fn parts_of_requests_have_a_bound_by_network_and_by_site() {
    let bounds = ListenerBounds {
        most_unfinished: 8_000,
        ..bounds(100, 100, 100)
    };
    let counters = bounds.counters.clone();
    let places = Arc::new(Places::new(bounds));
    // An eighth is of one network, a quarter of one site.
    let honest = take(&places, "198.51.100.9").unwrap();
    honest.holds(900);
    let first = take(&places, "2001:db8:1:2::a").unwrap();
    first.holds(600);
    let second = take(&places, "2001:db8:1:2::b").unwrap();
    second.holds(400);
    assert!(!is_told(&first));
    second.holds(401);
    assert!(is_told(&first) && !is_told(&second));
    let third = take(&places, "2001:db8:1:3::a").unwrap();
    third.holds(1_000);
    let fourth = take(&places, "2001:db8:1:4::a").unwrap();
    fourth.holds(599);
    assert!(!is_told(&second));
    fourth.holds(600);
    assert!(is_told(&second) && !is_told(&third));
    // What came whole is no part any more.
    third.holds_nothing();
    fourth.holds(1_000);
    let fifth = take(&places, "2001:db8:1:5::a").unwrap();
    fifth.holds(1_000);
    for place in [&honest, &third, &fourth, &fifth] {
        assert!(!is_told(place));
    }
    assert_eq!(counters.cuts(CutConnection::Unfinished), 2);
}
