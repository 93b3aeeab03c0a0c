//! Two agents hand over to each other at the same moment, with keys that nobody has seen: both get their token, and
//! neither waits for the other in a circle.

use serde_json::json;
use writ_testkit::{Cast, Forge, TestAgent, World, agent_file, at_once, both};

const KEYS: usize = 16;

/// An agent with many keys of which it has used none.
struct ManyKeys {
    id: &'static str,
    keys: Vec<Forge>,
}

impl ManyKeys {
    async fn enrol(world: &World, id: &'static str) -> Self {
        let keys: Vec<Forge> = (0..KEYS).map(|_| Forge::new(&world.random)).collect();
        let mut file = agent_file(id, "alice");
        let jwks: Vec<_> = keys.iter().map(Forge::jwk).collect();
        file["jwks"] = json!({ "keys": jwks });
        file["agent"]["onward"] = json!({ "agents": ["agt_left", "agt_right"], "depth": 3 });
        world.add_client(file).await;
        Self { id, keys }
    }

    /// Signs with that key; its tokens are bound to one of its own.
    fn with(&self, place: usize, dpop: &Forge) -> TestAgent {
        TestAgent {
            id: self.id.to_owned(),
            assertion: self.keys[place].clone(),
            dpop: dpop.clone(),
        }
    }
}

both!(
    two_agents_hand_over_to_each_other_with_new_keys,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let left = ManyKeys::enrol(&world, "agt_left").await;
        let right = ManyKeys::enrol(&world, "agt_right").await;
        let (node, other) = (world.door(), world.node().await.door());
        let bound = [Forge::new(&world.random), Forge::new(&world.random)];
        let mut tokens = Vec::new();
        for (who, dpop) in [&left, &right].into_iter().zip(&bound) {
            let first = who.with(0, dpop);
            let bank = writ_testkit::BANK;
            let reply = cast.granted(&world, &first, &cast.request(), bank).await;
            tokens.push(reply.access_token());
        }
        let mut racers = Vec::new();
        for place in 1..KEYS {
            let fresh = [Forge::new(&world.random), Forge::new(&world.random)];
            let agents = [(&left, &right), (&right, &left)];
            for (turn, (from, to)) in agents.into_iter().enumerate() {
                let from = from.with(place, &bound[turn]);
                let assertion = to
                    .with(place, &fresh[turn])
                    .actor_assertion(&world, &from.id);
                let form = cast.exchange_form(&tokens[turn], Some(&assertion));
                let ready = from.ready(&world, "/token", &form);
                let door = [&node, &other][turn].clone();
                racers.push(async move { door.send(&ready).await });
            }
        }
        for reply in at_once(racers).await {
            assert_eq!(reply.status, 200, "{}", reply.text());
        }
    }
);
