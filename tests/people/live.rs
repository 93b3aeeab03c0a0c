//! `/app/live`: the inbox says when something changed, to its own person, as long as the login lasts.

use writ_core::pending::Delivery;
use writ_server::people::live::{self, MAX_OF_PERSON};
use writ_testkit::{PASSWORD, ResponseStream, World, both};

use crate::approvals::notices::Told;
use crate::people::webpush::Phone;

async fn logged_in(world: &World, person: &str) -> String {
    Phone::logged_in(world, person).await.cookie
}

/// An open stream that showed its first heartbeat.
async fn listening(world: &World, cookie: &str) -> ResponseStream {
    let mut stream = ResponseStream::start(world, "/app/live", cookie).await;
    assert_eq!(stream.status, 200);
    let first = stream.next().await.unwrap();
    assert!(first.starts_with(':'), "{first}");
    stream
}

both!(a_change_is_told_to_its_people_alone, |world| async {
    let told = Told::of(&world, "poll", None).await;
    let mallory = world.add_user("mallory", PASSWORD).await;
    let mallory = writ_core::id::UserId::from_text(mallory["id"].as_str().unwrap());
    let mut hers = listening(&world, &logged_in(&world, "alice").await).await;
    let mut others = listening(&world, &logged_in(&world, "mallory").await).await;
    assert!(
        hers.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    assert_eq!(hers.headers["cache-control"], "no-store");
    let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
    world.app.waiting.announce_request(&request);
    let news = hers.next().await.unwrap();
    assert!(news.starts_with("event: inbox\n"), "{news}");
    assert!(
        !news.contains(request.id.as_str()),
        "it says that, not what"
    );
    let quiet = tokio::time::timeout(std::time::Duration::from_millis(50), others.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    world.app.waiting.announce_person(&mallory);
    assert!(others.next().await.unwrap().starts_with("event: inbox\n"));
});

both!(a_stream_ends_with_its_login, |world| async {
    let told = Told::of(&world, "poll", None).await;
    assert_eq!(
        ResponseStream::start(&world, "/app/live", "").await.status,
        401
    );
    let phone = Phone::logged_in(&world, "alice").await;
    let mut stream = listening(&world, &phone.cookie).await;
    let form = [("csrf", phone.csrf.as_str())];
    let reply = world
        .post("/logout", &form, &[("cookie", &phone.cookie)])
        .await;
    assert_ne!(reply.status, 403);
    world.app.waiting.announce_person(&told.alice);
    assert_eq!(stream.next().await, None);
});

both!(a_stream_ends_when_the_login_has_expired, |world| async {
    let told = Told::of(&world, "poll", None).await;
    let cookie = logged_in(&world, "alice").await;
    let mut stream = listening(&world, &cookie).await;
    world.advance(8 * 3600);
    world.app.waiting.announce_person(&told.alice);
    assert_eq!(stream.next().await, None);
    assert_eq!(
        ResponseStream::start(&world, "/app/live", &cookie)
            .await
            .status,
        401
    );
});

both!(a_person_has_only_so_many_streams, |world| async {
    Told::of(&world, "poll", None).await;
    let cookie = logged_in(&world, "alice").await;
    let mut streams = Vec::new();
    for _ in 0..MAX_OF_PERSON {
        streams.push(listening(&world, &cookie).await);
    }
    assert_eq!(
        ResponseStream::start(&world, "/app/live", &cookie)
            .await
            .status,
        429
    );
    assert_eq!(world.app.live.streams(), MAX_OF_PERSON);
    drop(streams);
    while world.app.live.streams() > 0 {
        tokio::task::yield_now().await;
    }
    listening(&world, &cookie).await;
});

both!(
    streams_do_not_hold_up_the_end_of_the_server,
    |world| async {
        Told::of(&world, "poll", None).await;
        let mut stream = listening(&world, &logged_in(&world, "alice").await).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let closing = tokio::spawn(live::close_with(world.app.clone(), stopped));
        stop.send(true).unwrap();
        closing.await.unwrap();
        assert_eq!(stream.next().await, None);
    }
);

both!(
    what_another_node_did_is_told_to_everybody_it_concerns,
    |world| async {
        let told = Told::of(&world, "poll", None).await;
        let many = (0..=1000).map(|n| writ_core::id::UserId::from_text(format!("usr_~{n:04}")));
        let many: Vec<_> = many.collect();
        let mut last = world.app.waiting.watch_inbox(many.last().unwrap());
        let steps: Vec<_> = many.iter().collect();
        told.ask(&world, Delivery::Poll, &steps).await;
        let patience = std::time::Duration::from_secs(10);
        let woken = tokio::time::timeout(patience, last.changed()).await;
        woken.unwrap().unwrap();
    }
);
