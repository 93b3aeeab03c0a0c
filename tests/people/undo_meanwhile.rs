//! What happens between the stop of an agent and its undoing: a later stop stays, and the page says what is true.

use writ_core::id::ClientId;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::suspend::{resume_agent, suspend_agent};
use writ_testkit::{BANK, Cast, PASSWORD, Phone, World, both, claims};

use super::undo::{is_active, offered, stop, undo};

/// What alice stops after the planner, in whose task the booker acts.
#[derive(Clone, Copy, Debug)]
enum Later {
    Nothing,
    /// It has no part in that task.
    Other,
    Booker,
    /// "Deny and stop this agent", on a question in a task of its own.
    BookerByDenial,
    Task,
}

async fn carry_out(later: Later, alice: &mut Phone, task: &str, question: &str) {
    match later {
        Later::Nothing => {}
        Later::Other => {
            stop(alice, "agt_stranger").await.says("had already ended");
        }
        Later::Booker => {
            stop(alice, "agt_booker").await;
        }
        Later::BookerByDenial => {
            let page = alice.look(question).await;
            alice.refuse(&page, "stop").await;
        }
        Later::Task => {
            let page = alice.post("/app/stop", &[("task", task.to_owned())]).await;
            page.says("That task had already ended");
        }
    }
}

both!(
    /// Whatever alice stops after it stays stopped: then the stop before it cannot be taken back.
    a_later_stop_of_what_it_would_resume_stays,
    |world| async {
        let cast = Cast::of(&world).await;
        for (later, goes_on) in [
            (Later::Nothing, true),
            (Later::Other, true),
            (Later::Booker, false),
            (Later::BookerByDenial, false),
            (Later::Task, false),
        ] {
            let token = cast.token(&world).await;
            let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
            let below = below.access_token();
            let own = cast.granted(&world, &cast.booker, &cast.request(), BANK).await;
            let question = cast.question_within(&own.access_token());
            let question = cast.booker.asked(&world, &question).await;
            let question = world.request_id(&question).await;
            let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
            let mut alice = world.phone_of("alice").await;
            let id = offered(&stop(&mut alice, "agt_planner").await);
            carry_out(later, &mut alice, &task, &question).await;
            let page = undo(&mut alice, &id, &[("password", PASSWORD)]).await;
            page.says(match goes_on {
                true => "Undone. It goes on.",
                false => "can no longer be undone",
            });
            assert_eq!(is_active(&world, &cast, &below).await, goes_on, "{later:?}");
            assert_eq!(is_active(&world, &cast, &token).await, goes_on, "{later:?}");
            world.advance(3600);
        }
    }
);

both!(nobody_elses_stop_takes_the_undo_away, |world| async {
    let cast = Cast::of(&world).await;
    let token = cast.token(&world).await;
    let task = claims(&token)["mission"]["id"].as_str().unwrap().to_owned();
    let mut alice = world.phone_of("alice").await;
    let mut mallory = world.phone_of("mallory").await;
    let id = offered(&stop(&mut alice, "agt_planner").await);
    mallory.post("/app/stop", &[("task", task)]).await;
    stop(&mut mallory, "agt_planner").await;
    undo(&mut alice, &id, &[("password", PASSWORD)])
        .await
        .says("Undone. It goes on.");
    assert!(is_active(&world, &cast, &token).await);
});

async fn suspend(world: &World, agent: &str) {
    let mut transaction = world.begin().await;
    let change = world.change();
    let id = ClientId::from_text(agent.to_owned());
    assert!(suspend_agent(&mut transaction, &id, change).await.unwrap());
    transaction.commit().await.unwrap();
}

both!(
    /// The agent itself, or the one above it in whose task it acts.
    what_is_undone_may_still_be_stopped_by_others,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let below = cast.hand(&world, &cast.planner, &token, &cast.booker).await;
        let below = below.access_token();
        let mut alice = world.phone_of("alice").await;
        for suspended in ["agt_planner", "agt_booker"] {
            let id = offered(&stop(&mut alice, "agt_booker").await);
            suspend(&world, suspended).await;
            let page = undo(&mut alice, &id, &[("password", PASSWORD)]).await;
            page.says("Undone, but it still can't act for you");
            assert!(!is_active(&world, &cast, &below).await, "{suspended}");
            let mut transaction = world.begin().await;
            let change = world.change();
            let id = ClientId::from_text(suspended.to_owned());
            assert!(resume_agent(&mut transaction, &id, change).await.unwrap());
            transaction.commit().await.unwrap();
            assert!(is_active(&world, &cast, &below).await, "{suspended}");
        }
    }
);

both!(
    /// For good: nothing of it lives again.
    a_removed_agent_does_not_go_on,
    |world| async {
        let cast = Cast::of(&world).await;
        let token = cast.token(&world).await;
        let mut alice = world.phone_of("alice").await;
        let id = offered(&stop(&mut alice, "agt_planner").await);
        let catalogue = world.app.catalogue().await.unwrap();
        let planner = ClientId::from_text("agt_planner");
        let registrar = world.registry(&catalogue.types);
        registrar.remove_client(ClientKind::Agent, &planner).await.unwrap();
        let page = undo(&mut alice, &id, &[("password", PASSWORD)]).await;
        page.says("can no longer be undone");
        assert!(!is_active(&world, &cast, &token).await);
        assert!(world.events_named("task.resumed").await.is_empty());
    }
);
