//! What a resource server that lies can do to others (docs/threats.md): use up nothing of theirs, and say nothing in their place.

use http::Method;
use serde_json::{Value, json};
use writ_core::budget::{MOST_PER_PAIR, MOST_PER_PERSON, MOST_PER_RESOURCE};
use writ_testkit::{BANK, Cast, World, both, reason, run_key};

use super::access_scene::{
    NOTES, REQUESTS, ResourceServer, Scene, WIKI, agent, denied, problem, staged, token,
};
use crate::client::access_spenders::Spenders;

/// One more deletion at this resource, of this token.
fn another(server: &ResourceServer, token: &str, number: u64) -> Value {
    let title = json!({ "title": format!("Note {number}") });
    server.evaluation(token, "delete_note", title)
}

both!(
    /// With default limits: all that one resource may ask a person within an hour, by two agents.
    a_flood_of_one_resource_leaves_others_theirs,
    |world| async {
        let scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let (second, third) = (agent(&world, "agt_second").await, agent(&world, "agt_third").await);
        let others = token(&world, &scene.cast, &second, NOTES).await;
        for number in 0..MOST_PER_RESOURCE {
            let token = if number < MOST_PER_PAIR { &scene.token } else { &others };
            let wanted = another(&scene.notes, token, number);
            let id = scene.notes.asked(&world, &wanted).await;
            assert_eq!(scene.notes.cancel(&world, &id).await.status, 200);
        }
        let here = token(&world, &scene.cast, &third, NOTES).await;
        let refused = scene.notes.ask(&world, &another(&scene.notes, &here, 90)).await;
        assert_eq!(problem(&refused), (429, "too-many".to_owned()));
        // Neither the person's prompts nor another agent's are used up.
        const { assert!(MOST_PER_RESOURCE < MOST_PER_PERSON) };
        let there = token(&world, &scene.cast, &third, WIKI).await;
        wiki.asked(&world, &another(&wiki, &there, 91)).await;
        let there = token(&world, &scene.cast, &second, WIKI).await;
        wiki.asked(&world, &another(&wiki, &there, 92)).await;
    }
);

both!(a_pause_of_one_resource_is_not_anothers, |world| async {
    let mut scene = staged(&world).await;
    let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
    let other = agent(&world, "agt_other").await;
    for title in ["One", "Two"] {
        let id = scene.notes.asked(&world, &scene.deletion(title)).await;
        let page = scene.alice.look(&id).await;
        scene.alice.refuse(&page, "deny").await;
    }
    let here = token(&world, &scene.cast, &other, NOTES).await;
    let paused = scene
        .notes
        .ask(&world, &another(&scene.notes, &here, 1))
        .await;
    assert_eq!(problem(&paused), (429, "too-many".to_owned()));
    let there = token(&world, &scene.cast, &other, WIKI).await;
    wiki.asked(&world, &another(&wiki, &there, 1)).await;
});

const HEADING: &str = "Claude, through Notes, wants to: Delete the note “A”, once";

/// Where this begins among the words of a page.
fn place(words: &str, part: &str) -> usize {
    let part: String = part.chars().filter(|c| !c.is_whitespace()).collect();
    let found = words.find(&part);
    found.unwrap_or_else(|| panic!("`{part}` is not on the page: {words}"))
}

both!(
    /// Its words are one quotation under its name, whatever they look like; everything else on the screen is as without them.
    what_it_words_stands_in_its_own_place,
    |world| async {
        let mut scene = staged(&world).await;
        let plain = scene.notes.asked(&world, &scene.deletion("A")).await;
        let plain = scene.alice.look(&plain).await.words();
        for says in [
            "Wiki, through Notes, wants to: read the note “A”",
            "</blockquote><h1>Verified by Writ</h1>",
            "\u{202e}.eton eht etirw\u{202c}",
            "Acme\u{200b} has verified this. Published by Acme",
            "раypal says yes",
        ] {
            let wanted = scene.deletion("A");
            let mut body = scene.notes.submission(&world, &wanted).await;
            body["context"]["says"] = json!(says);
            // The same question would be the same task.
            body["requested_access"] = json!({ "urn:writ:call_again": true });
            let asked = scene.notes.send(&world, REQUESTS, &body).await;
            assert_eq!(asked.status, 202, "{says:?}: {}", asked.text());
            let id = asked.json()["task"]["id"].as_str().unwrap().to_owned();
            let page = scene.alice.look(&id).await;
            let html = page.reply.text();
            assert!(!html.contains("<h1>Verified"), "{says:?}");
            for hidden in ['\u{202e}', '\u{202c}', '\u{200b}'] {
                assert!(!html.contains(hidden), "{says:?}");
            }
            let words = page.words();
            // Whatever decides is where it is without it; what it says comes later.
            let heading = place(&words, HEADING);
            assert_eq!(heading, place(&plain, HEADING), "{says:?}");
            assert!(heading < place(&words, "Notes says"), "{says:?}");
            assert!(place(&words, "Notes says") < place(&words, "We did not check these words."));
            assert_eq!(scene.notes.cancel(&world, &id).await.status, 200);
        }
    }
);

both!(
    /// A denial, a token and a key of another resource server are good for nothing, and say nothing.
    of_another_resource_it_uses_nothing,
    |world| async {
        let scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let wanted = scene.deletion("A");
        let body = scene.notes.submission(&world, &wanted).await;
        // The same denial, sent along by the other server: with its own token or with this one.
        let own = another(&wiki, &there, 1);
        let mut stolen = wiki.submission(&world, &own).await;
        stolen["denial"] = body["denial"].clone();
        for body in [&stolen, &body] {
            let refused = wiki.send(&world, REQUESTS, body).await;
            let unbound = (400, "invalid_denial_binding".to_owned());
            assert_eq!(problem(&refused), unbound);
        }
        // Its own denial, about a call of the other's token.
        let mut theirs = wiki.submission(&world, &own).await;
        theirs["context"]["access_token"] = json!(scene.token);
        let refused = wiki.send(&world, REQUESTS, &theirs).await;
        assert_eq!(problem(&refused), (400, "not_requestable".to_owned()));
        assert_eq!(denied(&wiki.look(&world, &wanted).await), "token_invalid");
        // A key is its client's: whoever draws the same one learns of no question of another.
        let key = [("idempotency-key", "7b8d0f0d-65a1-4af1")];
        let mut tasks = Vec::new();
        for (server, body) in [
            (&scene.notes, &body),
            (&wiki, &wiki.submission(&world, &own).await),
        ] {
            let to = (Method::POST, REQUESTS);
            let asked = server.send_with(&world, to, body, &key).await;
            assert_eq!(asked.status, 202, "{}", asked.text());
            tasks.push(asked.json()["task"]["id"].clone());
        }
        assert_ne!(tasks[0], tasks[1]);
    }
);

/// The object of this token stands at another resource alone.
async fn moved(world: &World, spenders: &Spenders) -> String {
    let moved = world.resigned(spenders.token(0), |claims| {
        claims["authorization_details"][0]["locations"] = json!(["https://other.example"]);
    });
    moved.await
}

both!(
    it_spends_only_objects_that_are_located_at_it,
    |world| async {
        let cast = Cast::of(&world).await;
        let spenders = Spenders::of(&world, &cast, 3).await;
        let bank = spenders.server(0, world.door());
        let mut body = spenders.call(&world, 0, 1);
        body["context"]["access_token"] = json!(moved(&world, &spenders).await);
        assert_eq!(body["resource"]["id"], BANK);
        assert_eq!(reason(&bank.look(&body).await), "not_covered");
        let decided = bank.decide(&body, &run_key(&world)).await;
        assert_eq!(reason(&decided), "not_covered");
        // Nor what stands at both, with a token that is the other's.
        let others = spenders.call(&world, 1, 1);
        let decided = bank.decide(&others, &run_key(&world)).await;
        assert_eq!(reason(&decided), "token_invalid");
        assert_eq!(spenders.spent(&world).await, "0");
    }
);

both!(
    /// A look and a decision about tokens that are not for it are one and the same answer, which names nobody.
    it_learns_nothing_of_tokens_for_others,
    |world| async {
        let scene: Scene = staged(&world).await;
        let wiki = ResourceServer::add(&world, WIKI, "Wiki").await;
        let there = token(&world, &scene.cast, &scene.claude, WIKI).await;
        let arguments = json!({ "title": "A" });
        let mut answers = Vec::new();
        for token in [there.as_str(), "eyJ.made.up"] {
            let mut body = scene
                .notes
                .evaluation(&scene.token, "delete_note", arguments.clone());
            body["context"]["access_token"] = json!(token);
            let mut answer = scene.notes.look(&world, &body).await;
            let id = answer["context"]["evaluation_id"].take();
            assert!(id.as_str().unwrap().starts_with("evl_"));
            answers.push(answer);
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(denied(&answers[0]), "token_invalid");
        assert!(answers[0]["context"].get("access_request").is_none());
        assert_eq!(wiki.uri, WIKI);
    }
);
