//! Step-up (RFC 9470): what a resource wants of a login, what an authorization request does about it, and what tokens say.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};
use writ_agent::{AuthorizationIntent, Error, ErrorCode};
use writ_authority::Level;
use writ_core::authorize::OpenedBy;
use writ_core::id::UserId;
use writ_store::session::NewUserSession;
use writ_testkit::{
    BANK, Bank, Cast, Change, Fields, PASSWORD, REDIRECT, TestBrowser, Web, WebPage, World,
    agent_file, authorize_url, both, both_with, claims, enrol, front_url, payment,
};
use writ_verifier::StepUp;

const PASSWORD_ACR: &str = "urn:writ:acr:password";
const PASSKEY_ACR: &str = "urn:writ:acr:passkey";
const LIVENESS_ACR: &str = "urn:writ:acr:liveness";

/// Where alice ends who opens this request, pushed by the planner, and logs in with her password where she is asked to.
async fn opened(world: &World, cast: &Cast, form: &Fields) -> WebPage {
    let url = authorize_url(&cast.planner.id, &cast.pushed(world, form).await);
    visited(world, &url).await
}

async fn visited(world: &World, url: &str) -> WebPage {
    let mut browser = world.browser();
    let page = browser.open(url).await;
    if page.url.path() == "/login" {
        return browser.log_in(&page, "alice", PASSWORD).await;
    }
    page
}

/// A login of alice that reached this, `ago` seconds ago.
async fn logged_in(world: &World, cast: &Cast, level: Level, ago: u64) -> TestBrowser {
    let cookie = world.random.secret();
    let digest = writ_jose::hash::digest_text(&[b"session", cookie.as_bytes()]);
    let user = UserId::from_text(cast.alice.clone());
    let mut transaction = world.begin().await;
    let authenticated_at = world.now().minus(Duration::from_secs(ago));
    transaction
        .insert_session(NewUserSession {
            digest: &digest,
            user: &user,
            authenticated_at,
            level,
            opened_by: match level {
                Level::Passkey => OpenedBy::Passkey,
                _ => OpenedBy::Password,
            },
            for_request: None,
            expires_at: world.now().plus(Duration::from_secs(3600)),
            user_agent: None,
            address: None,
            upstream: None,
        })
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    let mut browser = world.browser();
    let name = "writ-loopback-default".to_owned();
    browser.cookies.insert(name, cookie);
    browser
}

fn is_unmet(page: &WebPage) {
    assert_eq!(
        page.query("error").as_deref(),
        Some("unmet_authentication_requirements"),
        "{}",
        page.url
    );
    assert_eq!(page.query("state").as_deref(), Some("s1"));
    assert!(page.query("iss").is_some(), "RFC 9207");
    assert!(page.query("code").is_none());
}

both!(
    /// RFC 9470 section 5: what cannot be reached fails with `unmet_authentication_requirements`, at the client.
    rfc_9470_5_what_cannot_be_reached_goes_back_as_unmet,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        // Alice has no passkey, and nowhere here is a live face shown.
        for values in [
            "urn:example:unknown",
            PASSKEY_ACR,
            LIVENESS_ACR,
            &format!("urn:example:unknown {PASSKEY_ACR}"),
        ] {
            let form = cast.request().with("acr_values", values);
            is_unmet(&opened(&world, &cast, &form).await);
            let form = web.request().with("acr_values", values);
            is_unmet(&visited(&world, &front_url(&form)).await);
        }
    }
);

both!(
    /// RFC 9470 section 4, OpenID Connect Core 3.1.2.1: `acr_values` are alternatives; one that is known and reached is enough.
    rfc_9470_4_any_one_value_is_enough_and_the_token_says_which,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let agent = enrol(&world, agent_file("agt_reader", "alice")).await;
        for values in [
            PASSWORD_ACR.to_owned(),
            format!("{PASSKEY_ACR} {PASSWORD_ACR}"),
            format!("urn:example:unknown {PASSWORD_ACR}"),
        ] {
            let form = cast
                .request()
                .with("acr_values", values)
                .with("scope", "openid accounts:read");
            let reply = cast.granted(&world, &agent, &form, BANK).await;
            let token = reply.claims();
            let id_token = claims(&reply.member("id_token"));
            let introspected = cast.introspect(&world, &reply.access_token()).await;
            // RFC 9470 sections 6.1 and 6.2: in the token and in introspection alike.
            for found in [&token, &id_token, &introspected] {
                assert_eq!(found["acr"], PASSWORD_ACR, "{found}");
                assert_eq!(found["auth_time"], world.now().seconds(), "{found}");
            }
            for found in [&token, &id_token] {
                assert_eq!(found["amr"], json!(["pwd"]), "RFC 8176: {found}");
            }
        }
    }
);

both!(
    /// RFC 9470 section 4: a stronger login than asked is enough, a weaker one leads to the login page, whatever the cookie says.
    rfc_9470_4_a_login_counts_by_its_strength,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.request().with("acr_values", PASSWORD_ACR);
        let mut strong = logged_in(&world, &cast, Level::Passkey, 10).await;
        let page = strong.open(&front_url(&form)).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        let back = strong.submit(&page, "consent-approve", &[]).await;
        let code = back.query("code").unwrap();
        let reply = web
            .send(&world, "/token", &web.redeem_form(&code), &[])
            .await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        let token = reply.claims();
        assert_eq!(token["acr"], PASSKEY_ACR);
        assert_eq!(token["auth_time"], world.now().seconds() - 10);
        // The record says how the person was known, not what is usual.
        let events = world.events_named("consent.given").await;
        assert_eq!(events[0].data["method"], "passkey");

        let form = web.request().with("acr_values", PASSKEY_ACR);
        let mut weak = logged_in(&world, &cast, Level::Password, 10).await;
        is_unmet(&weak.open(&front_url(&form)).await);
        let page = strong.open(&front_url(&form)).await;
        assert_eq!(page.url.path(), "/consent");
        // The decision is checked again: the form of a page does not carry the login with it.
        let mut fields = page.fields("consent-approve");
        fields.push(("consent-approve".to_owned(), "1".to_owned()));
        let weak_page = weak.open(&front_url(&web.request())).await;
        let csrf = weak_page.fields("consent-approve")[0].clone();
        fields.retain(|(name, _)| *name != csrf.0);
        fields.push(csrf);
        is_unmet(&weak.send_form(&page, "consent-approve", &fields).await);
    }
);

/// The shipped types, but a payment wants a passkey.
pub fn strict_types() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let name = format!("writ-step-up-{}-{count}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let text = include_str!("../../config/types/payment.json");
    let mut document: Value = serde_json::from_str(text).unwrap();
    document["level"] = json!("passkey");
    std::fs::write(folder.join("payment.json"), document.to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

both_with!(
    /// A type's level is a minimum of consent too, whatever the client asks for.
    a_type_that_wants_a_passkey_is_not_consented_to_with_a_password,
    &[("TYPES__PATH", strict_types().as_str())],
    |world| async {
        let cast = Cast::of(&world).await;
        is_unmet(&opened(&world, &cast, &cast.request()).await);
        let weaker = cast.request().with("acr_values", PASSWORD_ACR);
        is_unmet(&opened(&world, &cast, &weaker).await);
        // The same request without the payment is an ordinary one.
        let without = cast.request().without("authorization_details");
        let page = opened(&world, &cast, &without).await;
        assert_eq!(page.url.path(), "/consent");
    }
);

fn accounts() -> Request<Bytes> {
    Request::get(format!("{BANK}/accounts"))
        .body(Bytes::new())
        .unwrap()
}

both!(
    /// RFC 9470 sections 3 to 6, end to end: the resource wants a younger login, the client asks for it, the new token passes.
    rfc_9470_a_resource_gets_the_login_that_it_wants,
    |world| async {
        let cast = Cast::of(&world).await;
        let minute = Duration::from_secs(60);
        Bank::open(&world, &cast, |config| {
            config.step_up = Some(StepUp::level(Level::Password).max_age(minute));
        });
        let planner = cast.planner_kit(&world).await;
        let grant = cast.grant(&world).await;
        planner.call(&grant, accounts()).await.unwrap();
        world.advance(61);
        let Err(Error::Resource(refused)) = planner.call(&grant, accounts()).await else {
            panic!("a refusal")
        };
        assert_eq!(refused.status.as_u16(), 401);
        assert_eq!(
            refused.code(),
            Some(ErrorCode::InsufficientUserAuthentication)
        );
        let all = [PASSWORD_ACR, PASSKEY_ACR, LIVENESS_ACR];
        assert_eq!(refused.acr_values, all);
        assert_eq!(refused.max_age, Some(60));

        let intent = AuthorizationIntent {
            redirect_uri: REDIRECT.to_owned(),
            scope: "accounts:read".to_owned(),
            resource: vec![BANK.to_owned()],
            acr_values: refused.acr_values,
            max_age: refused.max_age,
            ..AuthorizationIntent::default()
        };
        let pending = planner.authorize(&intent).await.unwrap();
        let back = world
            .browser()
            .approve(&pending.url, "alice", PASSWORD)
            .await;
        let grant = pending
            .complete(&planner, back.as_str(), None)
            .await
            .unwrap();
        planner.call(&grant, accounts()).await.unwrap();
    }
);

both_with!(
    /// RFC 9470 section 4: a person with a passkey steps up to it, and the type that wants it is consented to.
    rfc_9470_4_a_person_steps_up_to_a_passkey,
    &[("TYPES__PATH", strict_types().as_str())],
    |world| async {
        let cast = Cast::of(&world).await;
        let mut phone = world.enrolled_phone("alice", 3).await;
        let form = cast.request().with("acr_values", PASSKEY_ACR);
        let url = authorize_url(&cast.planner.id, &cast.pushed(&world, &form).await);
        let page = phone.browser.open(&url).await;
        assert_eq!(page.url.path(), "/login", "a password is too weak");
        // With the password again: back at the login, because there is a better way.
        let page = phone.browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/login", "{}", page.reply.text());
        let handle = page.query("request").unwrap();
        let page = phone.sign_in_with_passkey(&[("request", &handle)]).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        let back = phone.browser.submit(&page, "consent-approve", &[]).await;
        let redeem = cast.redeem_form(&back.query("code").unwrap());
        let reply = cast.planner.send(&world, "/token", &redeem).await;
        let token = reply.claims();
        assert_eq!(token["acr"], PASSKEY_ACR);
        assert_eq!(token["amr"], json!(["pop", "user", "mfa"]), "RFC 8176");
        assert_eq!(world.events_named("login.stepped_up").await.len(), 1);
        let events = world.events_named("consent.given").await;
        assert_eq!(events[0].data["method"], "passkey");
    }
);

both!(
    /// RFC 9470 section 3: a bank that wants a passkey hears it as a typed error that says what to do.
    rfc_9470_5_unmet_is_a_typed_error_of_the_kit,
    |world| async {
        let cast = Cast::of(&world).await;
        Bank::open(&world, &cast, |config| {
            config.step_up = Some(StepUp::level(Level::Passkey));
        });
        let planner = cast.planner_kit(&world).await;
        let grant = cast.grant(&world).await;
        let Err(Error::Resource(refused)) = planner.call(&grant, accounts()).await else {
            panic!("a refusal")
        };
        assert_eq!(refused.acr_values, [PASSKEY_ACR, LIVENESS_ACR]);
        let intent = AuthorizationIntent {
            redirect_uri: REDIRECT.to_owned(),
            authorization_details: writ_agent::details(json!([payment("1.00")])).unwrap(),
            acr_values: refused.acr_values,
            ..AuthorizationIntent::default()
        };
        let pending = planner.authorize(&intent).await.unwrap();
        let back = visited(&world, &pending.url).await;
        let error = pending.complete(&planner, back.url.as_str(), None).await;
        let error = error.unwrap_err();
        assert_eq!(
            error.code(),
            Some(ErrorCode::UnmetAuthenticationRequirements)
        );
        assert!(error.advice().contains("more strongly"));
    }
);

both!(
    /// RFC 9470 section 7: the metadata names the values; a request with more than anybody can mean is refused.
    rfc_9470_7_values_are_advertised_and_bounded,
    |world| async {
        let cast = Cast::of(&world).await;
        let metadata = world.get("/.well-known/oauth-authorization-server", &[]);
        let metadata = metadata.await.json();
        assert_eq!(
            metadata["acr_values_supported"],
            json!([PASSWORD_ACR, PASSKEY_ACR]),
            "what can be reached here, no more"
        );
        let flood = vec!["urn:x"; 17].join(" ");
        let pushed = cast
            .push(&world, &cast.request().with("acr_values", flood))
            .await;
        assert_eq!(pushed.refusal(), (400, "invalid_request".to_owned()));
    }
);

both!(
    /// RFC 9470 section 4: `max_age` of a pushed request counts when it is opened.
    rfc_9470_4_max_age_is_kept_through_par,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        for (max_age, leads_to) in [("59", "/login"), ("60", "/consent")] {
            let form = web.request().with("max_age", max_age);
            let pushed = web.send(&world, "/par", &form, &[]).await;
            let url = authorize_url(&web.id, &pushed.member("request_uri"));
            let mut browser = logged_in(&world, &cast, Level::Password, 60).await;
            let page = browser.open(&url).await;
            assert_eq!(page.url.path(), leads_to, "{max_age}");
        }
    }
);
