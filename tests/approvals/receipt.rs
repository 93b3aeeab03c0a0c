//! Receipts: what is kept proves offline what a person saw and that they, or their device, said yes to it. A change
//! anywhere is refused, also one that the server's own key signed.

use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::{Value, json};
use writ_core::receipt::{RECEIPT_TYPE, read};
use writ_jose::hash;
use writ_testkit::{Cast, Change, PASSWORD, Phone, World, both};

use crate::process::binary;

struct Scene {
    phone: Phone,
    id: String,
}

async fn staged(world: &World, acr: &str) -> Scene {
    let cast = Cast::of(world).await;
    let token = cast.token(world).await;
    let question = cast.question_within(&token).with("acr_values", acr);
    let auth_req_id = cast.planner.asked(world, &question).await;
    Scene {
        phone: world.phone_of("alice").await,
        id: world.request_id(&auth_req_id).await,
    }
}

/// The document of an approval by passkey.
async fn signed(world: &World) -> Value {
    let mut scene = staged(world, "urn:writ:acr:passkey").await;
    world.enrol_first(&mut scene.phone, "alice").await;
    let page = scene.phone.look(&scene.id).await;
    let receipt = scene.phone.approve_by_passkey(&page).await;
    serde_json::from_str(&scene.phone.receipt(&receipt).await).unwrap()
}

/// A desk somewhere else: the document and the issuer's public keys, and nothing of ours.
pub struct Auditor(PathBuf);

impl Auditor {
    pub async fn of(world: &World) -> Self {
        let folder =
            std::env::temp_dir().join(format!("writ-receipt-{}", world.random.identifier()));
        std::fs::create_dir_all(&folder).unwrap();
        let jwks = world.get("/jwks", &[]).await.text();
        std::fs::write(folder.join("jwks.json"), jwks).unwrap();
        Self(folder)
    }

    pub fn verify(&self, document: &Value) -> Output {
        let file = self.0.join("receipt.json");
        std::fs::write(&file, document.to_string()).unwrap();
        Command::new(binary())
            .env_clear()
            .current_dir(&self.0)
            .args(["audit", "receipt"])
            .arg(&file)
            .arg("--jwks")
            .arg(self.0.join("jwks.json"))
            .output()
            .unwrap()
    }

    #[track_caller]
    pub fn refuses(&self, document: &Value, sentence: &str, what: &str) {
        let output = self.verify(document);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{what}: {said}");
        assert!(said.contains(sentence), "{what}: {said}");
        assert!(output.stdout.is_empty(), "{what}");
    }
}

impl Drop for Auditor {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Changed, and signed again by the server's own key: what a thief of it could make.
pub async fn resigned(world: &World, document: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut receipt = document["receipt"].clone();
    change(&mut receipt);
    let canonical = serde_json_canonicalizer::to_vec(&receipt).unwrap();
    let claims = json!({
        "iss": receipt["issuer"], "jti": receipt["id"], "iat": world.now().seconds(),
        "receipt_hash": base64url(hash::sha256(&canonical)),
    });
    let signature = world.sign(RECEIPT_TYPE, &claims).await;
    json!({ "receipt": receipt, "signature": signature })
}

fn base64url(bytes: impl AsRef<[u8]>) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn text(receipt: &mut Value) -> Value {
    serde_json::from_str(receipt["screen"]["text"].as_str().unwrap()).unwrap()
}

both!(
    an_auditor_verifies_it_with_public_keys_alone,
    |world| async {
        let document = signed(&world).await;
        let auditor = Auditor::of(&world).await;
        let output = auditor.verify(&document);
        let said = String::from_utf8(output.stdout).unwrap();
        let complained = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{complained}");
        for words in [
            "alice",
            "agt_planner",
            "Pay up to EUR 300.00 to “KLM” (NL91 ABNA 0417 1643 00), once",
            "their device, which signed this screen at http://localhost:9",
            "verified: the issuer signed this receipt, the hash is that of the text, and the device signed the hash",
        ] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
);

both!(a_change_anywhere_in_a_receipt_is_refused, |world| async {
    let document = signed(&world).await;
    let auditor = Auditor::of(&world).await;
    for (pointer, changed) in [
        ("/receipt/outcome", json!("agreed")),
        ("/receipt/level", json!("password")),
        ("/receipt/approver/name", json!("mallory")),
        ("/receipt/screen/hash", json!("AAAA")),
        ("/receipt/screen/text", json!("{}")),
        ("/receipt/proof/origin", json!("https://evil.example")),
        ("/receipt/proof/assertion/user_verified", json!(false)),
        ("/receipt/proof/assertion/signature", json!("AAAA")),
    ] {
        let mut changed_document = document.clone();
        *changed_document.pointer_mut(pointer).unwrap() = changed;
        let sentence = "the receipt was changed after it was signed";
        auditor.refuses(&changed_document, sentence, pointer);
    }
    let mut other = document.clone();
    other["signature"] = json!(format!("{}A", other["signature"].as_str().unwrap()));
    auditor.refuses(&other, "the signature is not the issuer's", "signature");
    let mut other = document.clone();
    other["signature"] = json!(world.sign("at+jwt", &json!({ "receipt_hash": "x" })).await);
    auditor.refuses(&other, "`typ` is not `writ-receipt+jwt`", "an access token");
    auditor.refuses(&json!({}), "this is no receipt", "nothing");
});

both!(
    not_even_the_server_can_say_that_a_person_saw_something_else,
    |world| async {
        let document = signed(&world).await;
        let auditor = Auditor::of(&world).await;
        let good = resigned(&world, &document, |_| {}).await;
        assert_eq!(auditor.verify(&good).status.code(), Some(0));
        let other_text = resigned(&world, &document, |receipt| {
            let words = receipt["screen"]["text"].as_str().unwrap();
            receipt["screen"]["text"] = json!(words.replace("300.00", "3.00"));
        });
        auditor.refuses(
            &other_text.await,
            "the hash is not that of the text",
            "text",
        );
        // Text and hash fit each other, but the device signed something else.
        let other_hash = resigned(&world, &document, |receipt| {
            let mut words = text(receipt);
            words["shown"][0]["lines"][0] = json!("Pay nothing");
            let words = serde_json_canonicalizer::to_string(&words).unwrap();
            let nonce = receipt["screen"]["nonce"].as_str().unwrap().to_owned();
            let hash = writ_core::screen::challenge(&nonce, &words).unwrap();
            receipt["screen"]["hash"] = json!(base64url(hash));
            receipt["screen"]["text"] = json!(words);
        });
        let sentence = "the device did not sign this screen: `challenge`";
        auditor.refuses(&other_hash.await, sentence, "hash");
        for (pointer, changed, sentence) in [
            (
                "/proof/origin",
                json!("https://evil.example"),
                "for another site",
            ),
            ("/proof/rp_id", json!("evil.example"), "for another site"),
            (
                "/proof/assertion/signature",
                json!("AAAA"),
                "did not sign this screen",
            ),
            (
                "/proof/assertion/user_verified",
                json!(false),
                "did not sign this screen",
            ),
            (
                "/proof/assertion/backed_up",
                json!(true),
                "did not sign this screen",
            ),
            ("/proof/public_key", json!("{}"), "did not sign this screen"),
            ("/level", json!("password"), "the level is not the one"),
            ("/request", json!("apr_other"), "of another request"),
        ] {
            let changed = resigned(&world, &document, |receipt| {
                *receipt.pointer_mut(pointer).unwrap() = changed;
            });
            auditor.refuses(&changed.await, sentence, pointer);
        }
        // Nor can a flag be cleared: user verification is in what the device signed.
        let unverified = resigned(&world, &document, |receipt| {
            use base64::Engine;
            let data = &mut receipt["proof"]["assertion"]["authenticator_data"];
            let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
            let mut bytes = engine.decode(data.as_str().unwrap()).unwrap();
            bytes[32] &= !4;
            *data = json!(engine.encode(bytes));
        });
        let sentence = "the device did not verify its person";
        auditor.refuses(&unverified.await, sentence, "flag");
    }
);

both!(a_receipt_by_password_says_so, |world| async {
    let mut scene = staged(&world, "urn:writ:acr:password").await;
    let page = scene.phone.look(&scene.id).await;
    let shown = scene.phone.approve_by_password(&page).await;
    let document = scene.phone.receipt(&shown).await;
    assert!(!document.contains(PASSWORD));
    let receipt = read(&document).unwrap();
    assert_eq!(
        serde_json::to_value(&receipt.proof).unwrap(),
        json!({ "method": "password" })
    );
    let auditor = Auditor::of(&world).await;
    let output = auditor.verify(&serde_json::from_str(&document).unwrap());
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains("their password, typed for this answer"),
        "{said}"
    );
    assert!(
        said.contains("verified: the issuer signed this receipt, and the hash"),
        "{said}"
    );
});

both!(
    tenants_and_people_a_receipt_is_for_whom_it_is_about,
    |world| async {
        let mut scene = staged(&world, "urn:writ:acr:password").await;
        let page = scene.phone.look(&scene.id).await;
        let shown = scene.phone.refuse(&page, "deny").await;
        assert_eq!(shown.reply.status, 200, "{}", shown.reply.text());
        shown.says("Pay up to EUR 300.00 to “KLM”");
        let path = shown.url.path().to_owned();
        let mut mallory = world.phone_of("mallory").await;
        for path in [path.clone(), format!("{path}/document")] {
            assert_eq!(mallory.browser.open(&path).await.reply.status, 404);
            assert_eq!(world.get(&path, &[]).await.status, 303);
        }
        let document = scene.phone.receipt(&shown).await;
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["receipt"]["outcome"], json!("denied"));
        assert_eq!(document["receipt"]["level"], json!("none"));
        assert_eq!(
            Auditor::of(&world).await.verify(&document).status.code(),
            Some(0)
        );
    }
);
