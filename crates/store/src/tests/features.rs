//! People, logins, clients, resources, types: what is written reads back, and what is taken is told.

use writ_core::client::User;
use writ_core::id::ClientId;
use writ_wire::resource::ResourceUri;

use crate::client::NewAgent;
use crate::session::NewUserSession;
use crate::testing::{self, DatabaseKind};
use crate::tests::world::{HOUR, NOW, TENANT, bank, planner, user, world};
use crate::{Store, StoreError};

on_both! {
    a_name_is_one_person_s,
    a_login_is_found_until_it_ends,
    clients_come_with_the_people_behind_them,
    resources_are_replaced_and_types_kept,
    urls_that_cannot_be_are_refused_with_a_sentence,
}

async fn a_name_is_one_person_s(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let found = transaction.user_by_name("alice").await.unwrap().unwrap();
    assert_eq!(
        (found.user, found.password_hash.as_str()),
        (user("alice"), "argon2id...")
    );
    assert!(
        !transaction
            .insert_user(&user("alice"), "other", NOW)
            .await
            .unwrap()
    );
    assert!(transaction.user_by_name("Alice").await.unwrap().is_none());
}

async fn a_login_is_found_until_it_ends(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let alice = user("alice").id;
    for (digest, for_request) in [("one", None), ("two", Some("q"))] {
        let new = NewUserSession {
            digest,
            user: &alice,
            authenticated_at: NOW,
            level: writ_authority::Level::Password,
            opened_by: writ_core::authorize::OpenedBy::Password,
            for_request,
            expires_at: NOW.plus(HOUR),
            user_agent: None,
            address: None,
            upstream: None,
        };
        transaction.insert_session(new).await.unwrap();
        let found = transaction.session(digest, NOW).await.unwrap().unwrap();
        assert_eq!(
            (found.user, found.for_request.as_deref()),
            (user("alice"), for_request)
        );
        assert_eq!(found.authenticated_at, NOW);
    }
    assert!(
        transaction
            .session("one", NOW.plus(HOUR))
            .await
            .unwrap()
            .is_none()
    );
    assert!(transaction.end_session("one", NOW).await.unwrap());
    assert!(transaction.session("one", NOW).await.unwrap().is_none());
    assert!(transaction.disable_user(&alice, NOW).await.unwrap());
    assert!(transaction.session("two", NOW).await.unwrap().is_none());
}

async fn clients_come_with_the_people_behind_them(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let plain = ClientId::from_text("reports");
    assert!(
        transaction
            .insert_client(&plain, r#"{"a":1}"#, Some("digest"), NOW)
            .await
            .unwrap()
    );
    let found = transaction.client(&plain).await.unwrap().unwrap();
    assert_eq!(
        (found.metadata.as_str(), found.secret_digest.as_deref()),
        (r#"{"a":1}"#, Some("digest"))
    );
    assert!(found.owner.is_none() && found.sponsor.is_none() && !found.stopped);
    let found = transaction.client(&planner()).await.unwrap().unwrap();
    assert_eq!(
        (found.owner, found.sponsor),
        (Some(user("olga")), Some(user("olga")))
    );
    assert!(
        transaction
            .disable_user(&user("olga").id, NOW)
            .await
            .unwrap()
    );
    assert!(transaction.stop_client(&planner(), NOW).await.unwrap());
    let found = transaction.client(&planner()).await.unwrap().unwrap();
    assert!(found.stopped);
    assert_eq!(
        found.owner,
        Some(User {
            disabled: true,
            ..user("olga")
        })
    );
    // An agent whose owner is gone is an error, not an agent without owner.
    let (gone, olga) = (user("gone").id, user("olga").id);
    let agent = NewAgent {
        client: &plain,
        owner: &gone,
        sponsor: &olga,
        publisher: "Acme",
    };
    transaction.insert_agent(agent, NOW).await.unwrap();
    assert!(matches!(
        transaction.client(&plain).await,
        Err(StoreError::Corrupt(_))
    ));
}

async fn resources_are_replaced_and_types_kept(kind: DatabaseKind) {
    let database = world(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    let api = ResourceUri::parse("https://api.example").unwrap();
    transaction
        .put_resource(&bank(), "one", None, NOW)
        .await
        .unwrap();
    transaction
        .put_resource(&api, "api", Some(&planner()), NOW)
        .await
        .unwrap();
    transaction
        .put_resource(&bank(), "two", Some(&planner()), NOW)
        .await
        .unwrap();
    assert_eq!(transaction.resources().await.unwrap(), ["api", "two"]);
    let later = NOW.plus(HOUR);
    assert!(
        transaction
            .insert_type("h2", "payment", "version 1", NOW)
            .await
            .unwrap()
    );
    assert!(
        transaction
            .insert_type("h1", "payment", "version 2", later)
            .await
            .unwrap()
    );
    assert!(
        !transaction
            .insert_type("h2", "payment", "again", later)
            .await
            .unwrap()
    );
    assert_eq!(
        transaction.types().await.unwrap(),
        ["version 1", "version 2"]
    );
    assert_eq!(
        transaction.type_document("h2").await.unwrap().as_deref(),
        Some("version 1")
    );
    assert_eq!(transaction.type_document("h3").await.unwrap(), None);
}

async fn urls_that_cannot_be_are_refused_with_a_sentence(kind: DatabaseKind) {
    let database = testing::fresh(kind).await;
    for url in [
        "sqlite::memory:",
        "sqlite:",
        "sqlite://?mode=memory",
        "mysql://u:secret@h/d",
        "writ.db",
        "sqlite:/no/such/folder/writ.db",
        "postgres://u:secret@:x/",
    ] {
        let refused = Store::connect(url).await.err().unwrap();
        assert!(matches!(refused, StoreError::Url(_)), "{url}: {refused}");
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
    let again = Store::connect(&database.url).await.unwrap();
    assert!(again.read(TENANT).await.is_ok());
    again.close().await;
}
