//! Mail and webhook: they open the page and say nothing else; quiet hours; what is over disturbs nobody.

use serde_json::{Value, json};
use writ_authority::Types;
use writ_core::id::UserId;
use writ_core::pending::{Delivery, State};
use writ_server::background::sending;
use writ_store::settings::PersonSettings;
use writ_testkit::{
    BANK, Cast, Change, DatabaseKind, HttpReceiver, ISSUER, PASSWORD, TestMailServer, World,
    claims, enrol_plain, payment, plain_file,
};

use crate::approvals::notices::{Told, decide, told as ends_of};
use crate::people::webpush::{self, Phone};

pub(super) async fn settings(world: &World, user: &UserId, settings: PersonSettings) {
    let mut transaction = world.app.begin().await.unwrap();
    transaction
        .save_settings(user, &settings, world.now())
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

/// A world with a mail server and a webhook, on one database.
async fn with_channels(kind: DatabaseKind) -> (World, HttpReceiver, TestMailServer) {
    let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
    let world = configured(kind, (&receiver, &postbox), &[]).await;
    (world, receiver, postbox)
}

pub(super) async fn configured(
    kind: DatabaseKind,
    (receiver, postbox): (&HttpReceiver, &TestMailServer),
    more: &[(&str, &str)],
) -> World {
    let hook = receiver.url("/hook");
    let settings = [
        ("OUTBOUND__TRUSTED", receiver.origin.as_str()),
        ("WEBHOOK__URL", &hook),
        ("MAIL__SMTP", &postbox.url),
        ("MAIL__FROM", "Writ <writ@as.example>"),
        ("ADMIN__EMAIL", "security@as.example"),
    ];
    World::configured(kind, &[&settings, more].concat()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_opens_the_page_and_is_tried_again() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, _receiver, postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        let email = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            ..PersonSettings::default()
        };
        settings(&world, &told.alice, email).await;
        postbox.refuse("451 later");
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert!(postbox.letters().is_empty());
        world.advance(2);
        sending::send_due(&world.app).await.unwrap();
        let letters = postbox.letters();
        let [letter] = letters.as_slice() else {
            panic!("{letters:?}");
        };
        let page = format!("{ISSUER}/app/requests/{}", request.id);
        for part in [
            "RCPT TO:<alice@home.example>",
            "MAIL FROM:<writ@as.example>",
            "Subject: Travel agent asks for your approval",
            "Date: Mon, 21 Sep 2026 14:13:22",
            &page,
        ] {
            assert!(letter.contains(part), "{part}: {letter}");
        }
        assert!(
            !letter.contains("412"),
            "nothing of what is asked: {letter}"
        );
        let ends = ends_of(&world).await;
        let mail = ends.iter().find(|end| end["channel"] == "mail").unwrap();
        assert_eq!(
            (&mail["reached"], &mail["attempts"]),
            (&json!(true), &json!(2))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_are_quiet() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        // It is 14:13:20 UTC, 15:13:20 for alice: quiet for 40 more seconds.
        let quiet = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            quiet_from: Some(15 * 60),
            quiet_until: Some(15 * 60 + 14),
            offset_minutes: Some(60),
            ..PersonSettings::default()
        };
        settings(&world, &told.alice, quiet).await;
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        world.advance(39);
        sending::send_due(&world.app).await.unwrap();
        assert!(postbox.letters().is_empty());
        assert_eq!(receiver.only().path, "/hook", "machines do not sleep");
        let mut reading = world.app.read().await.unwrap();
        let inbox = reading.inbox(&told.alice, world.now(), 10).await.unwrap();
        assert_eq!(inbox.len(), 1, "the inbox shows it all the same");
        drop(reading);
        world.advance(1);
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(postbox.letters().len(), 1, "{}", request.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_hours_follow_the_zone_and_mail_the_language() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, _receiver, postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        // It is 14:13:20 UTC, in summer 16:13:20 for alice; by the offset of winter it would not be quiet.
        let quiet = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            quiet_from: Some(16 * 60),
            quiet_until: Some(16 * 60 + 14),
            offset_minutes: Some(60),
            time_zone: Some("Europe/Berlin".to_owned()),
            ..PersonSettings::default()
        };
        settings(&world, &told.alice, quiet).await;
        let mut phone = world.phone_of("alice").await;
        let german = [
            ("setting", "preferences".to_owned()),
            ("language", "de".to_owned()),
            ("time_zone", "Europe/Berlin".to_owned()),
            ("from", "16:00".to_owned()),
            ("until", "16:14".to_owned()),
        ];
        phone.post("/app/settings", &german).await;
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        world.advance(39);
        sending::send_due(&world.app).await.unwrap();
        assert!(postbox.letters().is_empty());
        world.advance(1);
        sending::send_due(&world.app).await.unwrap();
        let letters = postbox.letters();
        let [letter] = letters.as_slice() else {
            panic!("{letters:?}");
        };
        let subject = "Subject: Travel agent bittet um Ihre Zustimmung";
        assert!(letter.contains(subject), "{letter}");
        // The last page that was used counts: another browser of hers speaks English.
        let mut other = world.phone_of("alice").await;
        other.browser.open("/app").await;
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        let letters = postbox.letters();
        let subject = "Subject: Travel agent asks for your approval";
        assert!(letters.last().unwrap().contains(subject), "{letters:?}");
        let kept = world.begin().await.settings(&told.alice).await.unwrap();
        let kept = kept.unwrap();
        assert_eq!(kept.language.as_deref(), Some("en"));
        assert!(kept.email.is_some() && kept.quiet_from.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_disturbed_for_what_is_over() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        decide(&world, &request, State::Denied).await;
        sending::send_due(&world.app).await.unwrap();
        assert!(receiver.heard().is_empty() && postbox.letters().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_is_signed_by_our_key() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, _postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        let request = told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        let claims = signed(&world, &receiver, "/hook").await;
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(claims["aud"], receiver.url("/hook"));
        assert_eq!(claims["event"], "approval.requested");
        assert_eq!(claims["approval"], request.id.as_str());
        assert_eq!(claims["people"], json!([told.alice]));
        let mut said = claims.clone();
        // Its port may hold any digits.
        said["aud"].take();
        assert!(!said.to_string().contains("412"), "{claims}");
    }
}

/// "This was not me": the admin hears of it, also where it is the agent's owner who says so.
#[tokio::test(flavor = "multi_thread")]
async fn not_me_tells_the_admin() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, postbox) = with_channels(kind).await;
        let cast = Cast::of(&world).await;
        let mut alice = world.phone_of("alice").await;
        // The planner is alice's own.
        for (agent, event, words) in [
            (
                &cast.stranger,
                "agent.reported",
                "agt_stranger was reported",
            ),
            (&cast.planner, "agent.reported", "agt_planner was reported"),
        ] {
            let token = cast.granted(&world, agent, &cast.request(), BANK).await;
            let question = cast.question_within(&token.access_token());
            let asked = agent.asked(&world, &question).await;
            sending::send_due(&world.app).await.unwrap();
            let claims = signed(&world, &receiver, "/hook").await;
            assert_eq!(claims["event"], "approval.requested");
            let page = alice.look(&world.request_id(&asked).await).await;
            alice.refuse(&page, "not_me").await;
            sending::send_due(&world.app).await.unwrap();
            let claims = signed(&world, &receiver, "/hook").await;
            assert_eq!(claims["event"], event);
            assert_eq!(claims["client_id"], json!(agent.id));
            assert_eq!(claims["people"], json!([cast.alice]));
            let letters = postbox.letters();
            let letter = letters
                .iter()
                .find(|letter| letter.contains(&format!("Subject: {words}")));
            let letter = letter.unwrap_or_else(|| panic!("{words}: {letters:?}"));
            assert!(letter.contains("RCPT TO:<security@as.example>"), "{letter}");
        }
    }
}

/// Of who decides for another the admin hears too, and that nothing else was stopped.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_an_approver_tells_the_admin_what_was_not_stopped() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, postbox) = with_channels(kind).await;
        let cast = Cast::of(&world).await;
        world.add_user("bob", PASSWORD).await;
        world
            .change_client("agt_planner", |file| {
                file["agent"]["approvers"] = json!([{ "of": ["bob"], "need": 1 }]);
            })
            .await;
        // Within a task that covers what is asked, he decides, not she.
        let covers = json!([payment("300.00")]).to_string();
        let form = cast.request().with("authorization_details", covers);
        let task = cast.granted(&world, &cast.planner, &form, BANK).await;
        let question = cast.question_within(&task.access_token());
        let asked = cast.planner.asked(&world, &question).await;
        sending::send_due(&world.app).await.unwrap();
        signed(&world, &receiver, "/hook").await;
        let mut bob = world.phone_of("bob").await;
        let page = bob.look(&world.request_id(&asked).await).await;
        bob.refuse(&page, "not_me").await;
        sending::send_due(&world.app).await.unwrap();
        let claims = signed(&world, &receiver, "/hook").await;
        assert_eq!(claims["event"], "agent.reported");
        let letters = postbox.letters();
        let mut reports = letters.iter();
        let report = reports.find(|letter| letter.contains("agt_planner was reported"));
        let report = report.unwrap_or_else(|| panic!("{letters:?}"));
        assert!(report.contains("nothing else was stopped"), "{report}");
    }
}

async fn signed(world: &World, receiver: &HttpReceiver, path: &str) -> Value {
    let heard = receiver.only();
    assert_eq!(
        (heard.path.as_str(), heard.header("content-type")),
        (path, "application/jwt")
    );
    let text = heard.text();
    let token = writ_jose::jws::UnverifiedJwt::parse(&text).unwrap();
    assert!(token.typ_is("writ-notice+jwt"));
    let keys = world.app.keys().await.unwrap();
    let key = keys.find(token.header().kid.as_deref().unwrap()).unwrap();
    token.verify(&key).unwrap()
}

/// The titles that may stand on a locked screen are those of our types.
#[test]
fn a_type_has_a_title() {
    let types = Types::from_documents([include_str!("../../config/types/payment.json").to_owned()]);
    assert_eq!(
        types.unwrap().by_name("payment").unwrap().title("en"),
        "Payment"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stolen_refresh_token_is_told_to_its_person() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (receiver, postbox) = (HttpReceiver::start().await, TestMailServer::start().await);
        let hosts = [("PUSH__HOSTS", receiver.origin.as_str())];
        let world = configured(kind, (&receiver, &postbox), &hosts).await;
        let cast = Cast::of(&world).await;
        let email = PersonSettings {
            email: Some("alice@home.example".to_owned()),
            // At any hour.
            quiet_from: Some(0),
            quiet_until: Some(24 * 60 - 1),
            ..PersonSettings::default()
        };
        let alice = UserId::from_text(cast.alice.clone());
        settings(&world, &alice, email).await;
        let browser = webpush::Phone::logged_in(&world, "alice").await;
        browser.subscribe(&world, &receiver.url("/push/1")).await;
        // Of the browser itself she hears too.
        sending::send_due(&world.app).await.unwrap();
        receiver.heard();
        postbox.letters();
        let app = enrol_plain(&world, plain_file("app")).await;
        let first = app.granted(&world, &cast, Some(&app.dpop)).await;
        for _ in 0..3 {
            world.advance(1);
            let grant = "refresh_token".to_owned();
            let form = [
                ("grant_type", grant),
                ("refresh_token", first.member("refresh_token")),
            ];
            app.send(&world, "/token", &form).await;
        }
        sending::send_due(&world.app).await.unwrap();
        let heard = receiver.heard();
        let at = |path: &str| heard.iter().find(|one| one.path == path).unwrap();
        let pushed = webpush::plain(at("/push/1"));
        assert_eq!(pushed["title"], json!("Der Zugriff von app wurde beendet"));
        assert_eq!(pushed["url"], json!("/app/activity"));
        let hook = claims(&at("/hook").text());
        assert_eq!(hook["event"], json!("task.revoked"));
        assert_eq!(hook["client_id"], json!("app"));
        assert_eq!(hook["people"], json!([cast.alice]));
        let letter = postbox.letters().pop().unwrap();
        let page = format!("{ISSUER}/app/activity");
        for part in ["Access of app was ended", "alice@home.example", &page] {
            assert!(letter.contains(part), "{part}: {letter}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_trusted_for_the_webhook_is_no_push_service() {
    for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
        let (world, receiver, _postbox) = with_channels(kind).await;
        let told = Told::of(&world, "poll", None).await;
        let phone = Phone::logged_in(&world, "alice").await;
        for path in ["/admin/x?y", "/hook", ""] {
            let reply = phone.subscribe(&world, &receiver.url(path)).await;
            assert_eq!(reply.status, 400, "{path}");
        }
        told.ask(&world, Delivery::Poll, &[&told.alice]).await;
        sending::send_due(&world.app).await.unwrap();
        assert_eq!(receiver.only().path, "/hook");
    }
}
