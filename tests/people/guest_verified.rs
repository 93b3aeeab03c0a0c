//! "Domain verified" is said for two things alone: a key that the document still has signed the pushed request, or the code goes to an
//! https address on the document's very host (draft-ietf-oauth-client-id-metadata-document-03 section 6).

use serde_json::{Value, json};
use writ_testkit::{
    DEVICE_REDIRECT, Forge, GUEST, GUEST_REDIRECT, TestGuest, World, authorize_url,
    both_with_guests, front_url,
};

const KEY_SET: &str = "https://client.example/jwks";
const BELOW: &str = "https://app.client.example/cb";

type Keys<'a> = &'a [&'a Forge];

/// A document with these keys; without any it is of a public client.
fn with_keys(keys: Keys<'_>) -> Value {
    let keys: Vec<Value> = keys.iter().map(|key| key.jwk()).collect();
    let redirects = json!([GUEST_REDIRECT, DEVICE_REDIRECT, BELOW]);
    TestGuest::document(match keys.is_empty() {
        true => json!({ "redirect_uris": redirects }),
        false => json!({
            "redirect_uris": redirects,
            "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": keys }
        }),
    })
}

/// The same with the keys elsewhere.
fn with_key_set() -> Value {
    TestGuest::document(json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEY_SET
    }))
}

/// What the page of a request that was pushed says, and what its consent leaves on record.
async fn assurance(world: &World, link: &str) -> String {
    let (mut browser, page) = world.consent_page(link).await;
    let badge = page.words().contains("Domainverified");
    assert_ne!(badge, page.words().contains("Notverified"), "one of both");
    let back = browser.submit(&page, "consent-approve", &[]).await;
    assert!(
        back.query("code").is_some(),
        "{}: {}",
        back.url,
        back.reply.text()
    );
    let given = world.events_named("consent.given").await;
    let client = given.last().unwrap().data["client"].clone();
    let evidence = if badge { json!(["domain"]) } else { json!([]) };
    assert_eq!(client["evidence"], evidence, "{client}");
    client["assurance"].as_str().unwrap().to_owned()
}

/// The link of a request of this guest, which signs if it has a key.
async fn pushed(world: &World, guest: &TestGuest) -> String {
    let reply = guest.send_to(world, "/par", &guest.request(), None).await;
    assert_eq!(reply.status, 201, "{}", reply.text());
    authorize_url(GUEST, &reply.member("request_uri"))
}

both_with_guests!(
    a_domain_is_verified_by_a_key_that_the_document_still_has,
    [],
    |world| async {
        TestGuest::visit(&world).await;
        let [one, two] = [Forge::new(&world.random), Forge::new(&world.random)];
        // Keys at the push, who signed it, keys when the person is asked.
        let table: [(Keys<'_>, Option<&Forge>, Keys<'_>, &str); 7] = [
            (&[&one], Some(&one), &[&one], "verified"),
            (&[&one], Some(&one), &[&one, &two], "verified"),
            (&[&one, &two], Some(&two), &[&two], "verified"),
            (&[&one], Some(&one), &[&two], "unverified"),
            (&[&one, &two], Some(&two), &[&one], "unverified"),
            (&[&one], Some(&one), &[], "unverified"),
            // Nobody signed it: a document that has keys now says nothing about then.
            (&[], None, &[&one], "unverified"),
        ];
        for (place, (then, signs, now, expected)) in table.into_iter().enumerate() {
            world.publish_later(GUEST, &with_keys(then)).await;
            let guest = TestGuest {
                key: signs.cloned(),
                ..TestGuest::at(DEVICE_REDIRECT)
            };
            let link = pushed(&world, &guest).await;
            world.advance(1);
            world.publish(GUEST, &with_keys(now)).await;
            assert_eq!(assurance(&world, &link).await, expected, "{place}");
        }
    }
);

both_with_guests!(
    keys_that_are_published_apart_verify_as_those_in_the_document,
    [],
    |world| async {
        TestGuest::visit(&world).await;
        let [one, two] = [Forge::new(&world.random), Forge::new(&world.random)];
        for (now, expected) in [(&one, "verified"), (&two, "unverified")] {
            world.publish_later(GUEST, &with_key_set()).await;
            world
                .publish_keys(KEY_SET, &json!({ "keys": [one.jwk()] }))
                .await;
            let guest = TestGuest {
                key: Some(one.clone()),
                ..TestGuest::at(DEVICE_REDIRECT)
            };
            let link = pushed(&world, &guest).await;
            world.advance(1);
            world.publish(GUEST, &with_key_set()).await;
            world
                .publish_keys(KEY_SET, &json!({ "keys": [now.jwk()] }))
                .await;
            assert_eq!(assurance(&world, &link).await, expected);
        }
    }
);

both_with_guests!(
    /// In the front channel nobody signs; then the address alone counts, and a name below the host is another host.
    a_domain_is_verified_by_an_address_on_its_very_host_alone,
    [("GUESTS__HOSTS", "partner.example")],
    |world| async {
        TestGuest::visit(&world).await;
        let key = Forge::new(&world.random);
        let redirects = [
            (GUEST_REDIRECT, "verified"),
            (BELOW, "unverified"),
            (DEVICE_REDIRECT, "unverified"),
            ("com.example.app:/cb", "unverified"),
            ("https://partner.example/cb", "unverified"),
        ];
        for keys in [&[&key][..], &[]] {
            for (redirect, expected) in redirects {
                let mut document = with_keys(keys);
                document["redirect_uris"] = redirects.map(|(redirect, _)| redirect).into();
                world.publish_later(GUEST, &document).await;
                let link = front_url(&TestGuest::at(redirect).request());
                assert_eq!(assurance(&world, &link).await, expected, "{redirect}");
            }
        }
    }
);

both_with_guests!(
    /// The badge is a part of the page: a click counts for the page that said it.
    a_key_that_goes_while_the_person_reads_shows_the_page_again,
    [],
    |world| async {
        TestGuest::visit(&world).await;
        let [one, two] = [Forge::new(&world.random), Forge::new(&world.random)];
        world.publish_later(GUEST, &with_keys(&[&one])).await;
        let guest = TestGuest {
            key: Some(one.clone()),
            ..TestGuest::at(DEVICE_REDIRECT)
        };
        let link = pushed(&world, &guest).await;
        let (mut browser, page) = world.consent_page(&link).await;
        page.says("Domain verified");
        world.advance(1);
        world.publish(GUEST, &with_keys(&[&two])).await;
        let again = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(again.reply.status, 409, "{}", again.url);
        again.says("Not verified");
        assert!(world.events_named("consent.given").await.is_empty());
    }
);
