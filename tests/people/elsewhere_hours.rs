//! Quiet hours, and the question for which its person pressed a button.

use serde_json::json;
use writ_core::id::UserId;
use writ_server::background::sending;
use writ_store::settings::PersonSettings;
use writ_testkit::{Cast, agent_file, both_heard, enrol};

use super::channels::settings;
use super::elsewhere::{Scene, tell_at};
use super::webpush;

both_heard!(
    quiet_hours_keep_no_question_back_that_she_asked_for,
    |world, receiver| async {
        let cast = Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 1).await;
        tell_at(&mut phone, &receiver.url("/push/1")).await;
        let quiet = PersonSettings {
            quiet_from: Some(0),
            quiet_until: Some(24 * 60 - 1),
            ..PersonSettings::default()
        };
        settings(&world, &UserId::from_text(cast.alice.clone()), quiet).await;
        sending::send_due(&world.app).await.unwrap();
        receiver.heard();
        let mut file = agent_file("agt_asks", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        agent.asked(&world, &cast.question()).await;
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty(), "what an agent wants waits");
        let scene = Scene { cast, phone };
        let mut asking = scene.asking(&world).await;
        asking.starts().await;
        sending::send_due(&world.app).await.unwrap();
        let message = webpush::plain(&receiver.only());
        let url = message["url"].as_str().unwrap();
        assert!(url.starts_with("/app/requests/"), "{message}");
    }
);
