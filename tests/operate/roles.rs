//! Roles of people (docs/roles.md): on each way to authority, what somebody may not grant is refused, and a role that is taken away bites at
//! once, on every node, wherever authority goes on or is judged.

use serde_json::json;
use writ_server::operate::user_roles::RoleChange;
use writ_testkit::{
    AskingServer, BANK, Cast, Change, PASSWORD, REDIRECT, TestGuest, TestReply, Web, World,
    asking_bank, authorize_url, both_with, both_with_guests, front_url, minted, payment, permitted,
    question, reason, refused, without,
};

use crate::people::interaction::only_link;
use crate::people::oidc_consent::{agree, logged_in, remembering, silent};
use crate::people::remembered::{assert_asked, assert_silent};

const READS: (&str, &str) = (
    "ROLES__READER__SCOPES",
    r#"[{ resource = "https://bank.example", scope = "accounts:read" }]"#,
);
const PAYS: (&str, &str) = (
    "ROLES__PAYER__AUTHORIZATION_DETAILS",
    r#"[{ type = "payment", instructed_amount = { amount = "500", currency = "EUR" } }]"#,
);
const NOTES_WRITER: (&str, &str) = (
    "ROLES__WRITER__SCOPES",
    r#"[{ resource = "https://notes.example", scope = "notes:read" }, { resource = "https://notes.example", scope = "notes:write" }]"#,
);
const PAYS_LITTLE: (&str, &str) = (
    "ROLES__SMALL_PAYER__AUTHORIZATION_DETAILS",
    r#"[{ type = "payment", instructed_amount = { amount = "50", currency = "EUR" } }]"#,
);
pub(crate) const ROLES: [(&str, &str); 4] = [READS, PAYS, PAYS_LITTLE, NOTES_WRITER];

/// As an operator says it.
pub(crate) async fn change(world: &World, name: &str, add: &[&str], remove: &[&str]) {
    let owned = |roles: &[&str]| roles.iter().map(|role| (*role).to_owned()).collect();
    let (add, remove): (Vec<String>, Vec<String>) = (owned(add), owned(remove));
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let change = RoleChange {
        add: &add,
        remove: &remove,
    };
    let rules = &world.app.config.roles;
    registry.change_roles(name, change, rules).await.unwrap();
}

pub(crate) const BOTH: [&str; 2] = ["reader", "payer"];

/// Alice may grant all that the planner asks for.
pub(crate) async fn staffed(world: &World) -> Cast {
    let cast = Cast::of(world).await;
    change(world, "alice", &BOTH, &[]).await;
    cast
}

async fn refresh(world: &World, cast: &Cast, token: &str) -> TestReply {
    let form = cast.planner.refresh_form(token);
    cast.planner.send(world, "/token", &form).await
}

both_with!(
    /// RFC 6749 section 4.1.2.1: the person reads why and whom to ask, and the client hears `access_denied` by the link.
    what_a_person_may_not_grant_is_not_asked,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        change(&world, "alice", &["reader"], &[]).await;
        let url = authorize_url(&cast.planner.id, &cast.pushed(&world, &cast.request()).await);
        let mut browser = world.browser();
        let page = browser.open(&url).await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!((page.reply.status, page.url.path()), (403, "/consent"));
        page.says("You may not allow this");
        page.says("ask whoever runs this server for the role");
        let back = only_link(&page, "Back to agt_planner");
        assert!(back.starts_with(REDIRECT), "{back}");
        for part in ["error=access_denied", "state=s1", "iss="] {
            assert!(back.contains(part), "{back}");
        }
        assert_eq!(world.events_named("consent.given").await.len(), 0);
        // The same request goes on with the role.
        change(&world, "alice", &["payer"], &[]).await;
        let page = browser.open(&url).await;
        assert_eq!(page.reply.status, 200, "{}", page.reply.text());
        let page = browser.submit(&page, "consent-approve", &[]).await;
        let code = page.query("code").unwrap();
        minted(&cast.redeem(&world, &code).await, "with the role");
    }
);

both_with!(
    a_role_that_ends_while_the_page_is_open_refuses_its_answer,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        let (mut browser, page) = cast.asked(&world, &cast.request()).await;
        change(&world, "alice", &[], &["payer"]).await;
        let page = browser.submit(&page, "consent-approve", &[]).await;
        assert_eq!(page.reply.status, 403);
        page.says("You may not allow this");
        assert_eq!(world.events_named("consent.given").await.len(), 0);
    }
);

both_with!(
    a_role_that_ends_before_the_code_is_redeemed_refuses_it,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        let code = cast.code(&world).await;
        change(&world, "alice", &[], &["payer"]).await;
        refused(
            &cast.redeem(&world, &code).await,
            "invalid_grant",
            "the role is gone",
        );
        change(&world, "alice", &["payer"], &[]).await;
        minted(&cast.redeem(&world, &code).await, "it is back");
    }
);

both_with!(
    /// On every node; what lies within the other role goes on, and all of it when the role comes back.
    a_role_that_is_taken_away_bites_at_once,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        world.add_resource(asking_bank()).await;
        let bank = AskingServer::bank(&world, &cast);
        let other = world.node().await;
        let away = AskingServer {
            door: other.door(),
            ..AskingServer::bank(&world, &cast)
        };
        let planner = &cast.planner;
        let granted = cast.granted(&world, planner, &cast.request(), BANK).await;
        let only_reads = without(&cast.request(), "authorization_details");
        let reads = cast.granted(&world, planner, &only_reads, BANK).await;
        let (both, reads) = (granted.access_token(), reads.access_token());
        let show = || ("show_account", json!({ "name": "Savings" }));
        let asked = |token: &str| question(&world, planner, token, show());
        for server in [&bank, &away] {
            permitted(&server.look(&asked(&both)).await);
        }
        change(&world, "alice", &[], &["payer"]).await;
        for server in [&bank, &away] {
            assert_eq!(reason(&server.look(&asked(&both)).await), "token_invalid");
            permitted(&server.look(&asked(&reads)).await);
        }
        assert_eq!(cast.introspect(&world, &both).await, json!({ "active": false }));
        assert_eq!(cast.introspect(&world, &reads).await["active"], json!(true));
        let renewed = granted.member("refresh_token");
        let late = refresh(&world, &cast, &renewed).await;
        refused(&late, "invalid_grant", "refresh");
        let late = cast.hand(&world, planner, &both, &cast.booker).await;
        refused(&late, "invalid_request", "hand over");
        let exchange = cast.exchange_form(&both, None);
        let late = planner.send(&world, "/token", &exchange).await;
        refused(&late, "invalid_request", "narrow");
        minted(&cast.hand(&world, planner, &reads, &cast.booker).await, "within the other role");
        change(&world, "alice", &["payer"], &[]).await;
        permitted(&away.look(&asked(&both)).await);
        minted(&refresh(&world, &cast, &renewed).await, "the role is back");
    }
);

both_with!(
    /// A chain is measured by its own piece: what was handed over with less goes on.
    what_was_handed_on_with_less_outlives_a_role,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        let token = cast.token(&world).await;
        let assertion = cast.booker.actor_assertion(&world, &cast.planner.id);
        let all = cast.exchange_form(&token, Some(&assertion));
        let all = cast.planner.send(&world, "/token", &all).await.access_token();
        let assertion = cast.booker.actor_assertion(&world, &cast.planner.id);
        let paid = cast
            .exchange_form(&token, Some(&assertion))
            .with("authorization_details", json!([payment("10.00")]).to_string());
        let paid = cast.planner.send(&world, "/token", &paid).await.access_token();
        change(&world, "alice", &["small_payer"], &["payer"]).await;
        for (what, token, active) in
            [("the root", &token, false), ("all of it", &all, false), ("less", &paid, true)]
        {
            let heard = cast.introspect(&world, token).await;
            assert_eq!(heard["active"], json!(active), "{what}");
        }
    }
);

both_with!(
    /// OpenID Connect Core section 3.1.2.4: nobody looks at a page of a silent request, so its client is told.
    a_remembered_consent_is_worth_what_its_person_may_grant,
    &ROLES,
    |world| async {
        Cast::of(&world).await;
        change(&world, "alice", &["reader"], &[]).await;
        let web = remembering(&world).await;
        let form = silent(&web);
        agree(&world, &form).await;
        assert_silent(&world, &form, "with the role").await;
        change(&world, "alice", &[], &["reader"]).await;
        let page = logged_in(&world).await.open(&front_url(&form)).await;
        assert_eq!(page.url.host_str(), Some("web.example"), "{}", page.url);
        assert_eq!(page.query("error").as_deref(), Some("access_denied"));
        change(&world, "alice", &["reader"], &[]).await;
        assert_silent(&world, &form, "with the role again").await;
        let wider = form.with("scope", "openid accounts:read accounts:write");
        assert_asked(&world, &wider, "it was never agreed to").await;
    }
);

both_with!(
    /// To say who they are is everybody's own.
    signing_in_needs_no_role,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        let web = Web::register(&world, json!({})).await;
        let form = web.request().with("scope", "openid");
        let (mut browser, page) = world.consent_page(&front_url(&form)).await;
        let page = browser.submit(&page, "consent-approve", &[]).await;
        let code = page.query("code").unwrap();
        let reply = web.send(&world, "/token", &web.redeem_form(&code), &[]).await;
        assert_eq!(reply.claims()["sub"], json!(cast.alice));
    }
);

both_with!(
    /// Nobody granted what an agent does for itself.
    work_of_an_agents_own_needs_no_role,
    &ROLES,
    |world| async {
        let cast = Cast::of(&world).await;
        let form = [("scope", "accounts:read".to_owned())];
        let reply = cast.planner.own(&world, &form).await;
        minted(&reply, "its own");
        let heard = cast.introspect(&world, &reply.access_token()).await;
        assert_eq!(heard["active"], json!(true));
    }
);

both_with_guests!(
    a_guest_gets_no_more_than_its_person_may_grant,
    [READS],
    |world| async {
        let (cast, guest) = TestGuest::visit(&world).await;
        let mut browser = world.browser();
        let page = browser.open(&front_url(&guest.request())).await;
        let page = browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.reply.status, 403, "{}", page.reply.text());
        page.says("You may not allow this");
        change(&world, "alice", &["reader"], &[]).await;
        let (mut browser, page) = world.consent_page(&front_url(&guest.request())).await;
        let page = browser.submit(&page, "consent-approve", &[]).await;
        let form = guest.redeem_form(&page.query("code").unwrap());
        let token = guest.send(&world, &form, None).await.access_token();
        assert_eq!(cast.introspect(&world, &token).await["active"], json!(true));
        change(&world, "alice", &[], &["reader"]).await;
        assert_eq!(
            cast.introspect(&world, &token).await,
            json!({ "active": false })
        );
    }
);

both_with!(
    /// A section that is gone gives nothing, on the nodes that are configured so; one that everybody has is given to all.
    what_a_role_gives_stands_in_the_configuration_of_each_node,
    &ROLES,
    |world| async {
        let cast = staffed(&world).await;
        let token = cast.token(&world).await;
        let basic = cast.bank_basic();
        let heard = async |settings: &[(&str, &str)]| {
            let node = world.node_with(settings).await;
            let form = [("token", token.as_str())];
            let reply = node.post("/introspect", &form, &[("authorization", &basic)]).await;
            reply.json()["active"].clone()
        };
        let everyone = ("ROLES__PAYER__EVERYONE", "true");
        assert_eq!(heard(&ROLES).await, json!(true));
        assert_eq!(heard(&[READS, NOTES_WRITER]).await, json!(false));
        assert_eq!(heard(&[]).await, json!(true), "without any role nobody is limited");
        change(&world, "alice", &[], &["payer"]).await;
        assert_eq!(heard(&ROLES).await, json!(false));
        assert_eq!(heard(&[READS, PAYS, everyone]).await, json!(true));
    }
);
