//! Anybody can be a guest, so nobody is sent to a guest's redirect URI who did not sign in for that very request: errors before that are a
//! page with one link (RFC 9700 section 4.11.2). Registered clients are answered as ever.

use serde_json::json;
use writ_testkit::{
    BANK, Change, Fields, ISSUER, PASSWORD, TestBrowser, TestGuest, WEB_REDIRECT, Web, WebPage,
    World, authorize_url, both_with, front_url,
};

use super::interaction::{links, only_link};
use crate::client::dynamic_registration::{CALLBACK, Itself, OPEN};

/// Parameters with their new values; `None` leaves one out.
type Changes = &'static [(&'static str, Option<&'static str>)];

/// The same wrong request for every client: what of it is changed, and the error.
const WRONG: [(Changes, &str); 20] = [
    (
        &[("response_type", Some("token"))],
        "unsupported_response_type",
    ),
    (
        &[("response_type", Some("id_token"))],
        "unsupported_response_type",
    ),
    (&[("response_type", None)], "invalid_request"),
    (&[("code_challenge", None)], "invalid_request"),
    (
        &[("code_challenge_method", Some("plain"))],
        "invalid_request",
    ),
    (&[("code_challenge", Some("short"))], "invalid_request"),
    (&[("response_mode", Some("fragment"))], "invalid_request"),
    (&[("scope", Some("unheard-of"))], "invalid_scope"),
    (&[("scope", None), ("resource", None)], "invalid_scope"),
    (
        &[("resource", Some("https://unknown.example"))],
        "invalid_target",
    ),
    (
        &[("authorization_details", Some("[{}]"))],
        "invalid_authorization_details",
    ),
    (
        &[("authorization_details", Some("{"))],
        "invalid_authorization_details",
    ),
    (&[("request", Some("e30.e30."))], "request_not_supported"),
    (&[("prompt", Some("none login"))], "invalid_request"),
    (&[("prompt", Some("none"))], "_required"),
    (
        &[("prompt", Some("none")), ("scope", Some("openid"))],
        "_required",
    ),
    (&[("dpop_jkt", Some("x"))], "invalid_request"),
    (&[("id_token_hint", Some("x"))], "invalid_request"),
    (
        &[("acr_values", Some("urn:example:unknown"))],
        "unmet_authentication_requirements",
    ),
    (&[("max_age", Some("-1"))], "invalid_request"),
];

fn changed(good: &Fields, changes: Changes) -> Fields {
    changes
        .iter()
        .fold(good.clone(), |form, (name, value)| match value {
            Some(value) => form.with(name, *value),
            None => form.without(name),
        })
}

/// A guest of each kind, and what the page calls it.
pub(super) struct Guests {
    pub(super) of_a_document: TestGuest,
    pub(super) registered: TestGuest,
}

impl Guests {
    pub(super) async fn of(world: &World) -> Self {
        let (_, of_a_document) = TestGuest::visit(world).await;
        let registered = Itself::of(world, json!({ "client_name": "Inspector" })).await;
        let registered = TestGuest {
            id: registered.id().to_owned(),
            ..TestGuest::at(CALLBACK)
        };
        Self {
            of_a_document,
            registered,
        }
    }

    /// With the words of the link, and the host that the page names.
    pub(super) fn each(&self) -> [(&TestGuest, &'static str, &'static str); 2] {
        [
            (
                &self.of_a_document,
                "Back to client.example",
                "client.example",
            ),
            (&self.registered, "Back to “Inspector”", "localhost"),
        ]
    }
}

/// A page that sends nobody anywhere by itself, and whose one link tells the client. Gives back where that leads.
#[track_caller]
pub(super) fn is_told_by_a_link(
    page: &WebPage,
    (words, host): (&str, &str),
    expected: &str,
) -> String {
    let text = page.reply.text();
    assert_eq!(page.reply.status, 400, "{}: {text}", page.url);
    for automatic in ["<form", "<script", "http-equiv"] {
        assert!(!text.contains(automatic), "{automatic} in {text}");
    }
    assert_eq!(page.reply.header("refresh"), None);
    let link = only_link(page, words);
    page.says("Nothing was approved");
    page.says(&format!("The link leads to {host}."));
    let url = url::Url::parse(&link).unwrap();
    let value = |name: &str| {
        let mut pairs = url.query_pairs().filter(|(found, _)| found == name);
        let value = pairs.next().map(|(_, value)| value.into_owned());
        assert_eq!(pairs.next(), None, "{name} once in {link}");
        value
    };
    let error = value("error").unwrap();
    assert!(error.ends_with(expected), "{error}, not {expected}: {link}");
    assert_eq!(value("iss").as_deref(), Some(ISSUER), "{link}");
    assert_eq!(value("code"), None);
    link
}

/// Who is signed in, but not for the request that comes next.
async fn signed_in(world: &World) -> TestBrowser {
    TestGuest::alice_at(world, "/app").await.0
}

both_with!(
    rfc_9700_4_11_2_no_error_of_a_guest_sends_anybody_away_before_they_signed_in,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        let mut known = signed_in(&world).await;
        for (guest, words, host) in guests.each() {
            for (changes, error) in WRONG {
                for mode in [None, Some("form_post"), Some("query")] {
                    let mut form = changed(&guest.request(), changes);
                    if let Some(mode) = mode.filter(|_| changes[0].0 != "response_mode") {
                        form = form.with("response_mode", mode);
                    }
                    let mut fresh = world.browser();
                    for page in [
                        fresh.open(&front_url(&form)).await,
                        fresh.post("/authorize", &form).await,
                        known.open(&front_url(&form)).await,
                    ] {
                        let link = is_told_by_a_link(&page, (words, host), error);
                        assert!(link.starts_with(&guest.redirect), "{link}");
                        assert!(link.contains("state=s1"), "{link}");
                    }
                }
            }
            let twice = guest.request().and("state", "s2");
            let page = TestGuest::opened(&world, &twice).await;
            let link = is_told_by_a_link(&page, (words, host), "invalid_request");
            assert!(!link.contains("state="), "none of both: {link}");
        }
        assert!(world.events_named("consent.denied").await.is_empty());
    }
);

both_with!(
    rfc_9700_4_11_2_a_registered_client_is_answered_at_its_redirect_uri_as_ever,
    OPEN,
    |world| async {
        Guests::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        for (changes, error) in WRONG {
            let form = changed(&web.request().with("resource", BANK), changes);
            let page = world.browser().open(&front_url(&form)).await;
            assert!(
                page.url.as_str().starts_with(WEB_REDIRECT),
                "{changes:?}: {}",
                page.url
            );
            let found = page.query("error").unwrap();
            assert!(found.ends_with(error), "{changes:?}: {found}");
        }
        let posted = web
            .request()
            .with("response_mode", "form_post")
            .with("scope", "nothing");
        let page = world.browser().open(&front_url(&posted)).await;
        assert!(page.reply.text().contains("<form"), "it posts itself");
    }
);

both_with!(
    /// A request that was pushed is judged again when it is opened: the same page, wherever it is opened.
    rfc_9700_4_11_2_a_pushed_request_of_a_guest_sends_nobody_away_either,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, words, host) in guests.each() {
            for (name, value, error) in [
                ("prompt", "none", "consent_required"),
                ("acr_values", "urn:example:unknown", "unmet_authentication_requirements"),
            ] {
                let form = guest.request().with(name, value);
                let uri = guest.send_to(&world, "/par", &form, None).await.member("request_uri");
                let handle = uri.rsplit(':').next().unwrap().to_owned();
                let url = authorize_url(&guest.id, &uri);
                let consent = format!("/consent?request={handle}");
                let mut known = signed_in(&world).await;
                let page = world.browser().open(&consent).await;
                assert!(page.url.as_str().starts_with(ISSUER), "{}", page.url);
                for page in [
                    world.browser().open(&url).await,
                    known.open(&url).await,
                    known.open(&consent).await,
                ] {
                    is_told_by_a_link(&page, (words, host), error);
                }
            }
        }
    }
);

both_with!(
    /// `prompt=none` asks that nobody is asked, so it never sends anybody away, whoever signed in where.
    prompt_none_of_a_guest_is_a_page_even_after_a_login_for_it,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, words, host) in guests.each() {
            let form = guest.request().with("prompt", "none");
            let uri = guest.send_to(&world, "/par", &form, None).await.member("request_uri");
            let handle = uri.rsplit(':').next().unwrap().to_owned();
            world.browser().open(&authorize_url(&guest.id, &uri)).await;
            let mut browser = world.browser();
            let login = browser.open(&format!("/login?request={handle}")).await;
            let page = browser.log_in(&login, "alice", PASSWORD).await;
            is_told_by_a_link(&page, (words, host), "consent_required");
        }
    }
);

both_with!(
    /// What clients need: who was asked goes back by themselves, with a yes, a no, or what cannot be had.
    whoever_signed_in_for_it_goes_back_to_the_guest,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, _, _) in guests.each() {
            let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
            let back = browser.submit(&page, "consent-deny", &[]).await;
            assert!(back.url.as_str().starts_with(&guest.redirect), "{}", back.url);
            assert_eq!(back.query("error").as_deref(), Some("access_denied"));
            assert_eq!(back.query("state").as_deref(), Some("s1"));
            let posted = guest.request().with("response_mode", "form_post");
            let (mut browser, page) = world.consent_page(&front_url(&posted)).await;
            let back = browser.submit(&page, "consent-deny", &[]).await;
            assert!(back.reply.text().contains("access_denied"), "{}", back.reply.text());
            let back = guest.agreed(&world, &guest.request(), &[]).await;
            assert!(back.query("code").is_some(), "{}", back.url);
        }
        // What the form cannot have is told to the client too.
        let guest = &guests.of_a_document;
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        let back = browser.submit(&page, "consent-approve", &[("lifetime", "month")]).await;
        assert_eq!(back.query("error").as_deref(), Some("invalid_request"), "{}", back.url);
    }
);

both_with!(
    /// Neither a page nor a link leads to an address that is not the client's, or to a client that an operator stopped.
    a_guest_that_is_stopped_or_has_no_such_address_gets_no_link,
    OPEN,
    |world| async {
        let guests = Guests::of(&world).await;
        for (guest, _, _) in guests.each() {
            let evil = guest.request().with("redirect_uri", "https://evil.example/cb");
            for form in [evil.clone(), evil.with("response_type", "token")] {
                let page = TestGuest::opened(&world, &form).await;
                assert_eq!(page.reply.status, 400);
                assert!(links(&page).is_empty(), "{}", page.reply.text());
            }
            guest.code(&world).await;
            let mut transaction = world.begin().await;
            let id = writ_core::id::ClientId::from_text(guest.id.as_str());
            assert!(transaction.stop_client(&id, world.now()).await.unwrap());
            transaction.commit().await.unwrap();
            for form in [
                guest.request(),
                guest.request().with("response_type", "token"),
                guest.request().with("prompt", "none"),
                guest.request().with("scope", "unheard-of"),
            ] {
                let page = TestGuest::opened(&world, &form).await;
                assert_eq!(page.reply.status, 400, "{}", page.url);
                assert!(links(&page).is_empty(), "{}", page.reply.text());
            }
        }
    }
);
