//! A grant that one person gave meets the rule of the day wherever it is used (docs/design/approval.md); and a resource's verifier
//! compares who decided with the type.

use serde_json::json;
use writ_testkit::{BANK, Cast, Change, PASSWORD, authorize_url, both_with};

use crate::laws::requirements::{Rule, at, bank_takes, column, open_bank, opened, outcome, types};

/// What was granted by the subject alone meets the rule of the day when it is used.
const LATER: &str = "
    way       | Subject   | Bob           | BobAndCarol   | Passkey
    code      | subject 1 | invalid_grant | invalid_grant | invalid_grant
    refresh   | subject 1 | invalid_grant | invalid_grant | invalid_grant
    narrow    | subject 1 | ask people    | ask people    | ask people
    hand over | subject 1 | ask people    | ask people    | ask people";

both_with!(
    /// The type changes after the grant, on the next node first.
    what_one_person_granted_meets_the_rule_of_the_day_on_every_later_way,
    &[],
    |world| async {
        let cast = Cast::of(&world).await;
        open_bank(&world, &cast);
        for rule in [Rule::Subject, Rule::Bob, Rule::BobAndCarol, Rule::Passkey] {
            let folder = types(rule);
            let node = world.node_with(&[("TYPES__PATH", folder.as_str())]).await;
            let code = cast.code(&world).await;
            let code = cast.redeem_form(&code);
            // A grant for each: what is used once is used once.
            let mut tokens = Vec::new();
            for _ in 0..3 {
                tokens.push(cast.granted(&world, &cast.planner, &cast.request(), BANK).await);
            }
            let refresh = cast.planner.refresh_form(&tokens[0].member("refresh_token"));
            let narrow = cast.exchange_form(&tokens[1].access_token(), None);
            let assertion = cast.booker.actor_assertion(&world, &cast.planner.id);
            let hand_over = cast.exchange_form(&tokens[2].access_token(), Some(&assertion));
            let forms = [
                code.with("resource", BANK),
                refresh.with("resource", BANK),
                narrow,
                hand_over,
            ];
            for ((way, expected), form) in column(LATER, rule).into_iter().zip(forms) {
                let reply = at(&node, &world, &cast.planner, ("/token", &form)).await;
                let key = match way {
                    "hand over" => &cast.booker.dpop,
                    _ => &cast.planner.dpop,
                };
                let found = outcome(&world, &reply, Some(key), "100.00").await;
                assert_eq!(found, expected, "{way} under {rule:?}");
                world.advance(1);
            }
        }
    }
);

both_with!(
    /// By tokens that the server's own key signed: what a fault of the server, or an older version, could make.
    a_bank_compares_who_decided_with_the_type,
    &[("TYPES__PATH", types(Rule::BobAndCarol).as_str())],
    |world| async {
        let scene = opened(&world, Rule::BobAndCarol).await;
        let (decided, token) = scene.ciba(&world).await;
        assert_eq!(decided, "both 3");
        let cases = [
            (json!({ "by": "both", "people": 3 }), true),
            (json!({ "by": "designated", "people": 2 }), true),
            (json!({ "by": "both", "people": 2 }), false),
            (json!({ "by": "designated", "people": 1 }), false),
            (json!({ "by": "subject", "people": 1 }), false),
            (json!({ "by": "subject", "people": 5 }), false),
            (json!({ "by": null, "people": null }), false),
        ];
        for (says, taken) in cases {
            let changed = world
                .resigned(&token, |claims| {
                    claims["jti"] = json!(scene.agent.dpop.jti());
                    for member in ["by", "people"] {
                        claims["approval"][member] = says[member].clone();
                    }
                })
                .await;
            let key = &scene.agent.dpop;
            // A bank that has seen no payment yet: what is used once is used once.
            open_bank(&world, &scene.cast);
            assert_eq!(bank_takes(&world, key, &changed, "300.00").await, taken, "{says}");
        }
    }
);

both_with!(
    /// What a node remembers of the types may be seconds old; whether the person may decide is not judged by it.
    a_type_that_a_newer_node_brought_is_known_at_the_click,
    &[],
    |world| async {
        let cast = Cast::of(&world).await;
        let folder = types(Rule::Nobody);
        let node = world.node_with(&[("TYPES__PATH", folder.as_str())]).await;
        let pushed = at(&node, &world, &cast.planner, ("/par", &cast.request())).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let url = authorize_url(&cast.planner.id, &pushed.member("request_uri"));
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        assert!(back.query_pairs().any(|(name, _)| name == "code"), "{back}");
    }
);
