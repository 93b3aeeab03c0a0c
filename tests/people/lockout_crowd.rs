//! Nobody buys a count of alice's back: not with names that are made up, not with tries that were sent away, and one network has only so
//! many names.

use std::net::IpAddr;

use writ_core::password::MAX_PASSWORD_TRIES_OF_NETWORK;
use writ_server::background::sweep_once;
use writ_server::node::password_limits::{PasswordLimits, PasswordTrier};
use writ_server::node::passwords::HashFor;
use writ_store::attempts::{Admission, MOST_ROWS};
use writ_testkit::{Cast, PASSWORD, World, both};
use writ_wire::time::Timestamp;

/// Of the documentation networks (RFC 5737, RFC 3849); where many sites are wanted, of those of benchmarks (RFC 2544).
const GUESSER: &str = "203.0.113.9";
const ELSEWHERE: &str = "198.51.100.9";
/// Those of one network that have room in the line, before one of them is hashed.
const ROOM: usize = 16;
const DAY: i64 = 24 * 3600;

/// And when to come again.
async fn tried(world: &World, from: &str, name: &str, password: &str) -> (u16, Option<String>) {
    let mut browser = world.browser_at(from);
    let page = browser.open("/login").await;
    let page = browser.log_in(&page, name, password).await;
    match page.url.path() {
        "/app" => (303, None),
        _ => (
            page.reply.status,
            page.reply.header("retry-after").map(str::to_owned),
        ),
    }
}

/// What a stranger's try is counted against.
async fn admitted(world: &World, from: &str, name: &str) -> Admission {
    let address = Some(from.parse().unwrap());
    let trier = PasswordTrier::Stranger { name, address };
    let limits = PasswordLimits::of(trier, world.now());
    world.app.admit_password(&limits).await.unwrap()
}

async fn counted(world: &World) -> usize {
    let dump = world.database.dump().await;
    dump.lines()
        .filter(|row| row.starts_with("attempts "))
        .count()
}

both!(names_that_are_made_up_buy_no_count_back, |world| async {
    Cast::of(&world).await;
    for network in 0..20 {
        for _ in 0..5 {
            let from = format!("198.18.{network}.9");
            assert_eq!(admitted(&world, &from, "alice").await, Admission::Admitted);
        }
    }
    assert_eq!(tried(&world, ELSEWHERE, "alice", PASSWORD).await.0, 429);
    let tomorrow = Timestamp::from_seconds((world.now().seconds().div_euclid(DAY) + 1) * DAY);
    let made_up = i64::from(MOST_ROWS) + 4_000;
    for kind in ["login", "login_of_day"] {
        world.database.crowd_attempts(kind, made_up, tomorrow).await;
    }
    let mut swept = 0;
    loop {
        match sweep_once(&world.app).await.unwrap() {
            0 => break,
            more => swept += more,
        }
    }
    assert!(swept >= 8_000, "{swept}");
    assert_eq!(tried(&world, ELSEWHERE, "alice", PASSWORD).await.0, 429);
});

both!(
    one_site_uses_up_the_day_of_a_name_for_itself_alone,
    |world| async {
        Cast::of(&world).await;
        for (here, there, elsewhere) in [
            ("2001:db8:1:", "2001:db8:1:ffff::9", "2001:db8:2:1::9"),
            ("203.0.113.", "203.0.113.255", "198.51.100.9"),
        ] {
            let mut statuses = Vec::new();
            for network in 1..=8 {
                let end = if here.contains(':') { "::9" } else { "" };
                let from = format!("{here}{network}{end}");
                for _ in 0..5 {
                    statuses.push(admitted(&world, &from, "alice").await == Admission::Admitted);
                }
            }
            let looked_at = statuses.iter().filter(|admitted| **admitted).count();
            assert_eq!(looked_at, 30, "{here}");
            assert_eq!(tried(&world, there, "alice", PASSWORD).await.0, 429);
            assert_eq!(tried(&world, there, "mallory", PASSWORD).await.0, 303);
            assert_eq!(tried(&world, elsewhere, "alice", PASSWORD).await.0, 303);
        }
    }
);

both!(
    one_network_tries_only_so_many_names_in_an_hour,
    |world| async {
        Cast::of(&world).await;
        for at in 1..MAX_PASSWORD_TRIES_OF_NETWORK {
            let name = format!("nobody-{at}");
            assert_eq!(admitted(&world, GUESSER, &name).await, Admission::Admitted);
        }
        // What succeeds is taken back.
        for name in ["alice", "mallory"] {
            assert_eq!(tried(&world, GUESSER, name, PASSWORD).await.0, 303);
        }
        assert_eq!(tried(&world, GUESSER, "alice", "wrong").await.0, 422);
        let before = counted(&world).await;
        // Until the hour ends: it is 14:13:20.
        let again = Some("2800".to_owned());
        for name in ["alice", "mallory", "zelda"] {
            let refused = tried(&world, GUESSER, name, PASSWORD).await;
            assert_eq!(refused, (429, again.clone()), "{name}");
        }
        assert_eq!(counted(&world).await, before);
        assert_eq!(tried(&world, ELSEWHERE, "alice", PASSWORD).await.0, 303);
        world.advance(2800);
        assert_eq!(tried(&world, GUESSER, "alice", PASSWORD).await.0, 303);
    }
);

both!(a_try_that_was_sent_away_leaves_no_row, |world| async {
    Cast::of(&world).await;
    let address: IpAddr = GUESSER.parse().unwrap();
    let room = || world.app.passwords.room(HashFor::Stranger(Some(address)));
    let full: Vec<_> = (0..ROOM).map(|_| room().unwrap()).collect();
    for name in ["alice", "zelda"] {
        let sent_away = tried(&world, GUESSER, name, "wrong").await;
        assert_eq!((sent_away.0, sent_away.1.is_some()), (503, true), "{name}");
    }
    assert_eq!(counted(&world).await, 0);
    drop(full);
    assert_eq!(tried(&world, GUESSER, "alice", "wrong").await.0, 422);
    let counts = "name and network, name, name and site, network, site";
    assert_eq!(counted(&world).await, 5, "{counts}");
    assert_eq!(tried(&world, GUESSER, "alice", PASSWORD).await.0, 303);
    let left = counted(&world).await;
    assert_eq!(
        left, 4,
        "one failure by name, by name and site, by network and by site"
    );
});

both!(
    /// Whoever is paused learns when to come again, however many wait for a hash; who is not is told to try again.
    a_pause_is_told_while_all_places_are_taken,
    |world| async {
        Cast::of(&world).await;
        for _ in 0..5 {
            assert_eq!(tried(&world, GUESSER, "alice", "wrong").await.0, 422);
        }
        let paused = tried(&world, GUESSER, "alice", PASSWORD).await;
        assert_eq!((paused.0, paused.1.is_some()), (429, true));
        let address: IpAddr = GUESSER.parse().unwrap();
        let room = || world.app.passwords.room(HashFor::Stranger(Some(address)));
        let full: Vec<_> = (0..ROOM).map(|_| room().unwrap()).collect();
        let before = counted(&world).await;
        assert_eq!(tried(&world, GUESSER, "alice", PASSWORD).await, paused);
        assert_eq!(tried(&world, GUESSER, "zelda", PASSWORD).await.0, 503);
        assert_eq!(counted(&world).await, before);
        drop(full);
        assert_eq!(tried(&world, GUESSER, "alice", PASSWORD).await, paused);
    }
);
