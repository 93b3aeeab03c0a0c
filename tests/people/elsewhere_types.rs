//! A type demands that a consent with it is given on another device of the person, whoever asks; every other answer about it needs the passkey.

use serde_json::{Value, json};
use writ_testkit::{Cast, Change, PASSWORD, Web, both_with, front_url, payment};

use super::elsewhere::{Asking, Scene, code, is_elsewhere, told_phone};

/// `TYPES__PATH` of payments that are decided elsewhere, whoever asks.
fn types() -> String {
    let folder = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = folder.join(format!("types-elsewhere-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let shipped = include_str!("../../config/types/payment.json");
    let mut payment: Value = serde_json::from_str(shipped).unwrap();
    payment["elsewhere"] = json!(true);
    let new = folder.join(format!("{:?}.new", std::thread::current().id()));
    std::fs::write(&new, payment.to_string()).unwrap();
    std::fs::rename(&new, folder.join("payment.json")).unwrap();
    let calendar = include_str!("../../config/types/calendar.json");
    std::fs::write(&new, calendar).unwrap();
    std::fs::rename(&new, folder.join("calendar.json")).unwrap();
    folder.to_str().unwrap().to_owned()
}

both_with!(
    a_type_can_demand_it_of_every_registered_client,
    &[
        ("APPROVAL__ELSEWHERE", "never"),
        ("TYPES__PATH", types().as_str())
    ],
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let details = json!([payment("10.00")]).to_string();
        let asked = front_url(&web.request().with("authorization_details", details));
        let mut browser = world.browser();
        let page = browser.open(&asked).await;
        let back = browser.log_in(&page, "alice", PASSWORD).await;
        let error = back.query("error");
        assert_eq!(
            error.as_deref(),
            Some("unmet_authentication_requirements"),
            "{}",
            back.url
        );
        let mut scene = Scene {
            phone: told_phone(&world).await,
            cast,
        };
        let (browser, page) = world.consent_page(&asked).await;
        let mut asking = Asking { browser, page };
        assert!(is_elsewhere(&asking.page));
        let number = asking.starts().await;
        let screen = scene.look().await;
        scene.answers(&screen, &number).await;
        code(&asking.looks_again().await);
        // The same without such an object is decided here.
        let (_, page) = world.consent_page(&front_url(&web.request())).await;
        assert!(!is_elsewhere(&page));
        // Asked by CIBA, a password is not enough either. The web client's consent is none to the planner, so its record names alice.
        let mut file = writ_testkit::agent_file("agt_asks", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = writ_testkit::enrol(&world, file).await;
        agent.asked(&world, &scene.cast.question()).await;
        let screen = scene.look().await;
        assert!(!screen.reply.text().contains("type=\"password\""));
        let shown = scene.phone.approve_by_password(&screen).await;
        assert_eq!(shown.reply.status, 422);
        let receipt = scene.phone.approve_by_passkey(&screen).await;
        assert!(receipt.url.path().starts_with("/app/receipts/"));
    }
);
