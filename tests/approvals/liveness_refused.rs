//! What a verifier of liveness says and must not count (docs/liveness.md): each check broken once, words about another screen, and
//! words that are too old.

use serde_json::{Value, json};
use writ_testkit::{Forge, ISSUER, TestLivenessVerifier, both_seen, minted};

use crate::approvals::liveness::{asked, first_the_verifier, staged, undecided};

const FAILED: &str = "The look into the camera did not count.";
const OTHER: &str = "You looked into the camera for something else";
const OLD: &str = "Too much time has passed";

/// A word that must not count, and what the person is told.
type Bad = (&'static str, String, &'static str);

fn changed(
    seer: &TestLivenessVerifier,
    good: &Value,
    rows: &[(&'static str, Value, &'static str)],
) -> Vec<Bad> {
    let bad = rows.iter().map(|(member, value, words)| {
        let mut finding = good.clone();
        finding["jti"] = json!(seer.key.jti());
        match value {
            Value::Null => drop(finding.as_object_mut().unwrap().remove(*member)),
            value => finding[*member] = value.clone(),
        }
        (*member, seer.sign(&finding), *words)
    });
    bad.collect()
}

fn bad_words(seer: &TestLivenessVerifier, good: &Value, now: i64) -> Vec<Bad> {
    let members = [
        ("iss", json!("https://other.example"), FAILED),
        ("iss", json!(ISSUER), FAILED),
        ("aud", json!("https://other.example"), FAILED),
        ("aud", json!([ISSUER]), FAILED),
        ("sub", json!("somebody"), OTHER),
        ("sub", Value::Null, FAILED),
        ("challenge", json!("AAAA"), OTHER),
        ("challenge", Value::Null, FAILED),
        ("result", json!("not_live"), FAILED),
        ("result", json!("Live"), FAILED),
        ("result", json!(["live"]), FAILED),
        ("result", Value::Null, FAILED),
        ("jti", Value::Null, FAILED),
        ("jti", json!(""), FAILED),
        ("iat", Value::Null, FAILED),
        ("iat", json!(now + 11), FAILED),
        ("nbf", json!(now + 11), FAILED),
        ("exp", json!(now), OLD),
        ("exp", Value::Null, FAILED),
        ("exp", json!(now + 301), FAILED),
        ("evidence", json!("x".repeat(5000)), FAILED),
    ];
    let mut bad = changed(seer, good, &members);
    let header =
        |typ: &str, alg: &str| json!({ "typ": typ, "alg": alg, "kid": seer.key.thumbprint() });
    let result = "writ-liveness-result+jwt";
    let stranger = Forge::new(&writ_platform::Random::seeded(1));
    let by_stranger = stranger.sign(&header(result, "ES256"), good);
    let mac = seer.key.mac_by_public_key(&header(result, "HS256"), good);
    for (what, word) in [
        ("typ", seer.key.sign_typed("JWT", good)),
        (
            "typ",
            seer.key.sign_typed("writ-liveness-request+jwt", good),
        ),
        ("typ", seer.key.sign_typed("at+jwt", good)),
        ("alg", seer.key.sign(&header(result, "PS256"), good)),
        ("alg", mac),
        ("none", seer.key.unsigned(good)),
        ("kid", stranger.sign_typed(result, good)),
        ("key", by_stranger),
        ("text", "live".to_owned()),
    ] {
        bad.push((what, word, FAILED));
    }
    bad
}

both_seen!(
    each_check_of_what_a_verifier_says_broken_once,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let asked = scene.alice.go_to(&seer, &world, &page).await;
        let good = seer.finding(&world, &asked);
        let back = scene.alice.come_back(&asked, &seer.sign(&good)).await;
        let signed = scene.alice.sign(&back).to_string();
        for (what, word, words) in bad_words(&seer, &good, world.now().seconds()) {
            let shown = scene.alice.come_back(&asked, &word).await;
            first_the_verifier(&shown, words, what);
            let fill = [("assertion", signed.as_str()), ("liveness_result", &word)];
            let shown = scene.alice.answer(&back, &fill).await;
            first_the_verifier(&shown, words, what);
            undecided(&world, &scene.auth_req_id, what).await;
        }
        scene.alice.answer(&back, &[("assertion", &signed)]).await;
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        minted(&polled, "the good one");
    }
);

both_seen!(
    what_a_verifier_says_is_good_for_one_screen_of_one_request,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let (_, small) = asked(&world, &scene.cast, (&scene.token, "5.00")).await;
        let small_page = scene.alice.look(&small).await;
        let about_small = scene.alice.go_to(&seer, &world, &small_page).await;
        let page = scene.alice.look(&scene.id).await;
        let about_all = scene.alice.go_to(&seer, &world, &page).await;
        assert_eq!(about_small["sub"], about_all["sub"], "the same person");
        let of_small = seer.sign(&seer.finding(&world, &about_small));
        let shown = scene.alice.come_back(&about_all, &of_small).await;
        first_the_verifier(&shown, OTHER, "of another request");
        // Approve less is another screen: it needs its own look, and comes back to itself.
        let less = [("part", "d0"), ("amount-d0", "10.00")];
        let less_page = scene.alice.less(&scene.id, &less).await;
        let about_less = scene.alice.go_to(&seer, &world, &less_page).await;
        assert_ne!(about_less["challenge"], about_all["challenge"]);
        let of_all = seer.sign(&seer.finding(&world, &about_all));
        let shown = scene.alice.come_back(&about_less, &of_all).await;
        first_the_verifier(&shown, OTHER, "of the whole request");
        let of_less = seer.sign(&seer.finding(&world, &about_less));
        let shown = scene.alice.come_back(&about_all, &of_less).await;
        first_the_verifier(&shown, OTHER, "of the smaller one");
        let back = scene.alice.come_back(&about_less, &of_less).await;
        back.says("10.00");
        scene.alice.approve_by_passkey(&back).await;
        let polled = scene.cast.planner.poll(&world, &scene.auth_req_id).await;
        let token = minted(&polled, "less");
        let amount = &token["authorization_details"][0]["instructed_amount"]["amount"];
        assert_eq!(amount, &json!("10.00"));
        assert_eq!(token["approval"]["basis"], json!("liveness"));
    }
);

both_seen!(
    what_a_verifier_says_gets_old_while_the_page_is_open,
    |world, seer| async {
        let mut scene = staged(&world).await;
        let page = scene.alice.look(&scene.id).await;
        let back = scene.alice.show(&seer, &world, &page).await;
        world.advance(120);
        let shown = scene.alice.approve_by_passkey(&back).await;
        first_the_verifier(&shown, OLD, "two minutes later");
        undecided(&world, &scene.auth_req_id, "two minutes later").await;
        // Another look, and it counts.
        let back = scene.alice.show(&seer, &world, &shown).await;
        let shown = scene.alice.approve_by_passkey(&back).await;
        assert!(shown.url.path().starts_with("/app/receipts/"));
    }
);
