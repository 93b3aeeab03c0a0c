//! The turns of everybody who waits for a hash.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::node::passwords::HashHolder;

impl HashingQueue {
    /// Waits for a turn.
    async fn enter(self: &Arc<Self>, by: HashFor) -> Result<HashingSlot, PasswordPoolFull> {
        self.reserve(by)?.come().await
    }
}

fn alice() -> HashFor {
    HashFor::SignedIn(HashHolder::of("alice"))
}

fn bob() -> HashFor {
    HashFor::SignedIn(HashHolder::of("bob"))
}

fn known() -> HashFor {
    HashFor::KnownBrowser(HashHolder::of("alice"))
}

type Entering = Pin<Box<dyn Future<Output = Result<HashingSlot, PasswordPoolFull>>>>;

fn entering(queue: &Arc<HashingQueue>, by: HashFor) -> Entering {
    let queue = queue.clone();
    let mut entering: Entering = Box::pin(async move { queue.enter(by).await });
    assert!(look(&mut entering).is_none(), "nothing is free");
    entering
}

fn look(entering: &mut Entering) -> Option<Result<HashingSlot, PasswordPoolFull>> {
    match entering
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(entered) => Some(entered),
        Poll::Pending => None,
    }
}

async fn busy() -> (Arc<HashingQueue>, HashingSlot) {
    let queue = Arc::new(HashingQueue::new(1, HashingMetrics::default()));
    let slot = queue.enter(HashFor::Stranger(None)).await.ok().unwrap();
    (queue, slot)
}

fn from(address: &str) -> HashFor {
    HashFor::Stranger(Some(address.parse().unwrap()))
}

#[tokio::test]
async fn whoever_is_signed_in_is_served_before_strangers_who_waited_longer() {
    let (queue, slot) = busy().await;
    let mut stranger = entering(&queue, HashFor::Stranger(None));
    let mut known = entering(&queue, known());
    let mut signed_in = entering(&queue, alice());
    assert_eq!(queue.waiting(), 3);
    drop(slot);
    let served = look(&mut signed_in).unwrap().ok().unwrap();
    assert!(look(&mut known).is_none());
    drop(served);
    let served = look(&mut known).unwrap().ok().unwrap();
    assert!(look(&mut stranger).is_none());
    drop(served);
    assert!(look(&mut stranger).is_some());
    assert_eq!(queue.waiting(), 0);
}

#[tokio::test]
async fn who_has_room_and_is_not_ready_yet_keeps_nobody_from_a_turn() {
    let queue = Arc::new(HashingQueue::new(1, HashingMetrics::default()));
    let reserved: Vec<_> = (0..ROOM_OF_STRANGERS)
        .map(|_| queue.reserve(HashFor::Stranger(None)).ok().unwrap())
        .collect();
    // They take part of the room all the same.
    assert!(queue.reserve(HashFor::Stranger(None)).is_err());
    let slot = queue.enter(alice()).await.ok().unwrap();
    let mut turns: Vec<Entering> = Vec::new();
    for one in reserved {
        turns.push(Box::pin(one.come()));
    }
    assert!(turns.iter_mut().all(|turn| look(turn).is_none()));
    assert!(queue.reserve(HashFor::Stranger(None)).is_err());
    drop(slot);
    assert!(look(&mut turns[0]).is_some());
    // Room that is given back unused is the next one's.
    drop(turns);
    for _ in 0..=ROOM_OF_STRANGERS {
        drop(queue.reserve(HashFor::Stranger(None)).ok().unwrap());
    }
}

#[tokio::test]
async fn strangers_fill_their_own_room_alone() {
    let (queue, _slot) = busy().await;
    let room = (0..ROOM_OF_STRANGERS).map(|_| entering(&queue, HashFor::Stranger(None)));
    let waiting: Vec<_> = room.collect();
    assert!(queue.enter(HashFor::Stranger(None)).await.is_err());
    drop(entering(&queue, known()));
    drop(entering(&queue, alice()));
    drop(waiting);
    drop(entering(&queue, HashFor::Stranger(None)));
}

#[tokio::test]
async fn people_who_proved_something_fill_their_own_room_alone() {
    type Kind = fn(HashHolder) -> HashFor;
    for (kind, room, other) in [
        (HashFor::SignedIn as Kind, ROOM_OF_SIGNED_IN, known()),
        (HashFor::KnownBrowser, ROOM_OF_KNOWN, alice()),
    ] {
        let (queue, _slot) = busy().await;
        let of = |number: usize| kind(HashHolder::of(&number.to_string()));
        let people = (0..room).map(|number| entering(&queue, of(number)));
        let mut waiting: Vec<_> = people.collect();
        assert!(queue.enter(of(room)).await.is_err(), "{room}");
        drop(entering(&queue, other));
        drop(entering(&queue, HashFor::Stranger(None)));
        waiting.pop();
        drop(entering(&queue, of(room)));
    }
}

#[tokio::test]
async fn who_waits_and_who_is_refused_is_counted() {
    let metrics = HashingMetrics::default();
    let queue = Arc::new(HashingQueue::new(1, metrics.clone()));
    assert_eq!(metrics.seen("stranger"), (0, 0, 0));
    let slot = queue.enter(alice()).await.ok().unwrap();
    let room = (0..ROOM_OF_STRANGERS).map(|_| entering(&queue, HashFor::Stranger(None)));
    let waiting: Vec<_> = room.collect();
    assert!(queue.enter(HashFor::Stranger(None)).await.is_err());
    let known = entering(&queue, known());
    let room = i64::try_from(ROOM_OF_STRANGERS).unwrap();
    assert_eq!(metrics.seen("stranger"), (1, room, 1));
    assert_eq!(metrics.seen("known_browser"), (1, 1, 0));
    assert_eq!(metrics.seen("signed_in"), (1, 0, 0));
    drop((waiting, known, slot));
    for who in ["stranger", "known_browser", "signed_in"] {
        let (busy, waiting, _) = metrics.seen(who);
        assert_eq!((busy, waiting), (0, 0), "{who}");
    }
}

#[tokio::test]
async fn one_network_has_a_part_of_the_room() {
    let (queue, _slot) = busy().await;
    let room = (0..ROOM_OF_NETWORK).map(|at| entering(&queue, from(&format!("2001:db8::{at}"))));
    let _waiting: Vec<_> = room.collect();
    assert!(queue.enter(from("2001:db8::ffff:1")).await.is_err());
    drop(entering(&queue, from("2001:db8:0:1::1")));
    drop(entering(&queue, from("203.0.113.7")));
    let local = (0..=ROOM_OF_NETWORK).map(|_| entering(&queue, from("127.0.0.1")));
    let _local: Vec<_> = local.collect();
}

#[tokio::test]
async fn whoever_goes_away_takes_no_turn() {
    let (queue, slot) = busy().await;
    let gone = entering(&queue, alice());
    let mut stays = entering(&queue, HashFor::Stranger(None));
    let mut served_and_gone = entering(&queue, alice());
    drop(gone);
    drop(slot);
    assert!(look(&mut stays).is_none());
    assert!(
        served_and_gone
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    );
    drop(served_and_gone);
    assert!(look(&mut stays).is_some());
    // Nothing of the pool was lost on the way.
    drop(stays);
    assert!(queue.enter(HashFor::Stranger(None)).await.is_ok());
}

#[tokio::test]
async fn a_turn_that_nobody_takes_up_is_the_next_ones() {
    let (queue, slot) = busy().await;
    let gone = entering(&queue, alice());
    let mut next = entering(&queue, HashFor::Stranger(None));
    drop(slot);
    // It has its turn by now, and goes away without having looked.
    drop(gone);
    assert!(look(&mut next).is_some());
}

/// Who gets the next turns, while somebody waits in each place.
async fn served(turns: usize, waiters: Vec<(&str, HashFor)>) -> Vec<String> {
    let (queue, slot) = busy().await;
    let named = |(name, by): (&str, HashFor)| (name.to_owned(), entering(&queue, by));
    let mut waiting: Vec<_> = waiters.into_iter().map(named).collect();
    let mut slot = Some(slot);
    let mut names = Vec::new();
    for _ in 0..turns {
        drop(slot.take());
        for at in 0..waiting.len() {
            if let Some(entered) = look(&mut waiting[at].1) {
                slot = entered.ok();
                names.push(waiting.remove(at).0);
                break;
            }
        }
    }
    names
}

#[tokio::test]
async fn nobody_behind_waits_for_ever_and_nobody_in_front_for_more_than_two() {
    let people = ["a", "b", "c", "d"];
    let mut waiters: Vec<(&str, HashFor)> = Vec::new();
    for name in people {
        waiters.push(("stranger", HashFor::Stranger(None)));
        waiters.push(("known", HashFor::KnownBrowser(HashHolder::of(name))));
        waiters.push(("signed in", HashFor::SignedIn(HashHolder::of(name))));
    }
    let four = ["signed in", "signed in", "known", "stranger"];
    let eight = [four, four].concat();
    assert_eq!(served(8, waiters).await, eight);
    // A turn of whom nobody waits for is the next one's.
    let waiters = vec![
        ("stranger", HashFor::Stranger(None)),
        ("signed in", alice()),
        ("signed in", bob()),
        ("signed in", HashFor::SignedIn(HashHolder::of("carol"))),
        ("signed in", HashFor::SignedIn(HashHolder::of("dan"))),
    ];
    let expected = [
        "signed in",
        "signed in",
        "signed in",
        "stranger",
        "signed in",
    ];
    assert_eq!(served(5, waiters).await, expected);
}

#[tokio::test]
async fn one_person_and_one_client_have_a_part_of_the_room() {
    let (queue, _slot) = busy().await;
    let client = || HashFor::Client(HashHolder::of("alice"));
    for (by, part) in [
        (alice(), ROOM_OF_PERSON),
        (known(), ROOM_OF_PERSON),
        (client(), ROOM_OF_CLIENT),
    ] {
        let mut waiting: Vec<_> = (0..part).map(|_| entering(&queue, by)).collect();
        assert!(queue.enter(by).await.is_err(), "{by:?}");
        drop(entering(&queue, bob()));
        waiting.pop();
        drop(entering(&queue, by));
    }
}

#[tokio::test]
async fn one_site_has_half_of_the_strangers_room() {
    for (here, elsewhere) in [
        ("2001:db8:1", "2001:db8:2::1"),
        ("203.0.113", "198.51.100.1"),
    ] {
        let (queue, _slot) = busy().await;
        let address = |at: usize| match here.contains(':') {
            true => from(&format!("{here}:{at:x}::1")),
            false => from(&format!("{here}.{at}")),
        };
        let _waiting: Vec<_> = (0..ROOM_OF_SITE)
            .map(|at| entering(&queue, address(at)))
            .collect();
        assert!(queue.enter(address(ROOM_OF_SITE)).await.is_err(), "{here}");
        drop(entering(&queue, from(elsewhere)));
    }
}
