//! Whom an operator's act concerns, as the records and types are now.

use serde_json::{Value, json};
use writ_authority::Types;
use writ_core::operator::ActTarget;
use writ_server::operate::act_target::act_target;
use writ_testkit::{Cast, PASSWORD, World, agent_file, both, enrol};

/// The payments of the shipped type, about which these decide.
fn payments(approvers: Value) -> Types {
    let shipped = include_str!("../../config/types/payment.json");
    let mut document: Value = serde_json::from_str(shipped).unwrap();
    document["approvers"] = approvers;
    Types::from_documents([document.to_string()]).unwrap()
}

async fn target(world: &World, types: &Types, name: &str) -> ActTarget {
    let mut transaction = world.begin().await;
    let stored = transaction.user_by_name(name).await.unwrap().unwrap();
    act_target(&mut transaction, types, &stored).await.unwrap()
}

both!(
    who_decides_for_others_is_no_ordinary_person,
    |world| async {
        Cast::of(&world).await;
        for name in ["bob", "carol", "owner", "sponsor"] {
            world.add_user(name, PASSWORD).await;
        }
        let nobody = payments(json!([]));
        for name in ["bob", "carol", "owner", "sponsor"] {
            assert_eq!(
                target(&world, &nobody, name).await,
                ActTarget::Ordinary,
                "{name}"
            );
        }
        let bob =
            payments(json!([{ "of": ["@subject"], "need": 1 }, { "of": ["bob"], "need": 1 }]));
        assert_eq!(target(&world, &bob, "bob").await, ActTarget::Approver);
        assert_eq!(target(&world, &bob, "carol").await, ActTarget::Ordinary);
        // By the record of an agent: by name, and by what they are to it.
        let mut file = agent_file("agt_new", "owner");
        file["agent"]["sponsor"] = json!("sponsor");
        file["agent"]["approvers"] = json!([{ "of": ["carol", "@sponsor"], "need": 1 }]);
        enrol(&world, file).await;
        for (name, expected) in [
            ("carol", ActTarget::Approver),
            ("sponsor", ActTarget::Approver),
            ("owner", ActTarget::Ordinary),
            ("bob", ActTarget::Ordinary),
        ] {
            assert_eq!(target(&world, &nobody, name).await, expected, "{name}");
        }
        // A type that names the owner means that of each agent.
        let owners = payments(json!([{ "of": ["@owner"], "need": 1 }]));
        assert_eq!(target(&world, &owners, "owner").await, ActTarget::Approver);
        assert_eq!(target(&world, &owners, "bob").await, ActTarget::Ordinary);
        world.give_role("bob", "helpdesk").await;
        world.give_role("carol", "admin").await;
        for name in ["bob", "carol"] {
            assert_eq!(
                target(&world, &nobody, name).await,
                ActTarget::Operator,
                "{name}"
            );
        }
    }
);
