//! Receipts of level `liveness` (docs/receipts.md): device and verifier are verified offline, each over the hash of the screen. A
//! word that is changed, missing or another's is refused, even when the server's own key signed the receipt again.

use serde_json::{Value, json};
use writ_testkit::{Forge, SEER, TestLivenessVerifier, World, both_seen, claims};

use crate::approvals::liveness::staged;
use crate::approvals::receipt::{Auditor, resigned};

async fn signed(world: &World, seer: &TestLivenessVerifier) -> Value {
    let mut scene = staged(world).await;
    let page = scene.alice.look(&scene.id).await;
    let back = scene.alice.show(seer, world, &page).await;
    let receipt = scene.alice.approve_by_passkey(&back).await;
    serde_json::from_str(&scene.alice.receipt(&receipt).await).unwrap()
}

both_seen!(
    device_and_verifier_are_verified_offline,
    |world, seer| async {
        let document = signed(&world, &seer).await;
        let seen = &document["receipt"]["proof"]["verifier"];
        assert_eq!(seen["issuer"], json!(SEER));
        assert_eq!(seen["public_key"]["x"], seer.key.jwk()["x"]);
        let said = claims(seen["result"].as_str().unwrap());
        let hash = &document["receipt"]["screen"]["hash"];
        assert_eq!(&said["challenge"], hash);
        let auditor = Auditor::of(&world).await;
        let output = auditor.verify(&document);
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{complained}");
        let told = String::from_utf8(output.stdout).unwrap();
        for words in [
            "their device, which signed this screen at http://localhost:9, and the verifier https://seer.example",
            "session 7",
            &seer.key.thumbprint(),
            "and the verifier saw the person for it",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
    }
);

/// The receipt with another word of the verifier, and what is said about it.
fn other_words(
    seer: &TestLivenessVerifier,
    document: &Value,
) -> Vec<(&'static str, String, &'static str)> {
    let result = document["receipt"]["proof"]["verifier"]["result"].as_str();
    let good = claims(result.unwrap());
    let mut changed = Vec::new();
    for (member, value, sentence) in [
        (
            "challenge",
            json!("AAAA"),
            "the result is about another screen",
        ),
        ("result", json!("not_live"), "the verifier saw nobody alive"),
        ("aud", json!("https://other.example"), "`aud` must be"),
        (
            "iss",
            json!("https://other.example"),
            "must be `https://seer.example`",
        ),
        ("exp", json!(good["iat"]), "the result is too old"),
        (
            "iat",
            json!(good["iat"].as_i64().unwrap() + 11),
            "in the future",
        ),
        (
            "exp",
            json!(good["iat"].as_i64().unwrap() + 301),
            "lives too long",
        ),
    ] {
        let mut finding = good.clone();
        finding[member] = value;
        changed.push((member, seer.sign(&finding), sentence));
    }
    let unproven = "the verifier did not see this person before this screen";
    let other = Forge::new(&writ_platform::Random::seeded(1));
    let typ = "writ-liveness-result+jwt";
    let renamed = json!({ "typ": typ, "alg": "ES256", "kid": seer.key.thumbprint() });
    changed.push(("typ", seer.key.sign_typed("at+jwt", &good), unproven));
    changed.push(("key", other.sign(&renamed, &good), unproven));
    changed.push(("nothing", String::new(), unproven));
    changed
}

both_seen!(
    something_else_that_the_verifier_says_proves_nothing,
    |world, seer| async {
        let document = signed(&world, &seer).await;
        let auditor = Auditor::of(&world).await;
        for (what, word, sentence) in other_words(&seer, &document) {
            let mut plainly = document.clone();
            plainly["receipt"]["proof"]["verifier"]["result"] = json!(word);
            let seen = "the receipt was changed after it was signed";
            auditor.refuses(&plainly, seen, what);
            let again = resigned(&world, &document, |receipt| {
                receipt["proof"]["verifier"]["result"] = json!(word);
            });
            auditor.refuses(&again.await, sentence, what);
        }
    }
);

both_seen!(
    neither_half_of_the_proof_may_be_missing,
    |world, seer| async {
        let document = signed(&world, &seer).await;
        let auditor = Auditor::of(&world).await;
        for half in ["verifier", "passkey"] {
            let without = resigned(&world, &document, |receipt| {
                receipt["proof"].as_object_mut().unwrap().remove(half);
            });
            auditor.refuses(&without.await, "this is no receipt", half);
        }
        let key = Forge::new(&writ_platform::Random::seeded(1)).jwk();
        for (pointer, value, sentence) in [
            ("/proof/verifier/public_key", key, "no registered key fits"),
            (
                "/proof/verifier/issuer",
                json!("https://other.example"),
                "must be `https://other.example`",
            ),
            (
                "/proof/passkey/assertion/signature",
                json!("AAAA"),
                "the device did not sign",
            ),
            (
                "/at",
                json!("2026-09-21T14:20:20Z"),
                "the result is too old",
            ),
            ("/level", json!("passkey"), "the level is not the one"),
        ] {
            let changed = resigned(&world, &document, |receipt| {
                *receipt.pointer_mut(pointer).unwrap() = value;
            });
            auditor.refuses(&changed.await, sentence, pointer);
        }
        // Without its verifier it is a receipt of a passkey, and says no more than that.
        let weaker = resigned(&world, &document, |receipt| {
            let mut passkey = receipt["proof"]["passkey"].clone();
            passkey["method"] = json!("passkey");
            receipt["proof"] = passkey;
        });
        auditor.refuses(&weaker.await, "the level is not the one", "weaker");
    }
);
