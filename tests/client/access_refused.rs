//! Decisions that are denied whatever was granted: tokens that are not good, proofs that are not, and requests that are none.

use serde_json::{Value, json};
use writ_testkit::{
    BANK, EVALUATION, EVALUATIONS, ISSUER, asking_bank, both, permitted, question, reason, run_key,
};

use crate::client::access::{opened, paying};

const SHOW: &str = "show_account";

fn savings() -> (&'static str, Value) {
    (SHOW, json!({ "name": "Savings" }))
}

/// What does not depend on the evaluation.
fn told(reply: Value) -> Value {
    let mut context = reply["context"].clone();
    context["evaluation_id"] = json!("");
    context["evaluated_at"] = json!("");
    context
}

both!(
    /// Another's token, a dead one, an unknown one and a stopped one get one and the same answer.
    every_token_that_is_not_good_gets_one_answer,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let forged = writ_testkit::Forge::new(&world.random);
        let header = json!({ "typ": "at+jwt", "alg": "ES256", "kid": "k" });
        let claims = writ_testkit::claims(&token);
        let mut cases = vec![
            ("unknown", "opaque".to_owned()),
            ("tampered", format!("{}x", &token[..token.len() - 1])),
            ("forged", forged.sign(&header, &claims)),
            (
                "for the issuer",
                world.resigned(&token, |c| c["aud"] = json!(ISSUER)).await,
            ),
            (
                "for another resource",
                world.resigned(&token, |c| c["aud"] = json!("https://x.example")).await,
            ),
            (
                "untraceable",
                world.resigned(&token, |c| c["act"]["dlg"] = json!("dlg_x")).await,
            ),
            (
                "expired",
                world.resigned(&token, |c| c["exp"] = json!(world.now().seconds())).await,
            ),
        ];
        let stopped = cast.token(&world).await;
        let task = writ_testkit::claims(&stopped)["mission"]["id"].clone();
        let id = writ_core::id::TaskId::from_text(task.as_str().unwrap());
        let mut transaction = world.begin().await;
        transaction.stop_task(&id, world.now()).await.unwrap();
        transaction.commit().await.unwrap();
        cases.push(("stopped", stopped));
        let mut answers = Vec::new();
        let subject = &claims["sub"];
        for (what, bad) in cases {
            let mut body = question(&world, &cast.planner, &token, savings());
            body["context"]["access_token"] = json!(bad);
            body["subject"]["id"] = subject.clone();
            for key in [None, Some(run_key(&world))] {
                let reply = match &key {
                    Some(key) => bank.decide(&body, key).await,
                    None => bank.look(&body).await,
                };
                assert_eq!(reason(&reply), "token_invalid", "{what}");
                answers.push(told(reply.json()));
            }
        }
        let mut other = question(&world, &cast.planner, &token, savings());
        other["subject"]["id"] = json!("usr_other");
        answers.push(told(bank.look(&other).await.json()));
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        permitted(&bank.look(&question(&world, &cast.planner, &token, savings())).await);
    }
);

both!(
    /// A stop denies at once, on a node that asked the moment before.
    a_stop_denies_at_once_on_a_second_node,
    |world| async {
        let (cast, mut bank) = opened(&world).await;
        let node = world.node().await;
        bank.door = node.door();
        let token = cast.token(&world).await;
        let ask = || question(&world, &cast.planner, &token, savings());
        permitted(&bank.look(&ask()).await);
        let task = writ_testkit::claims(&token)["mission"]["id"].clone();
        let id = writ_core::id::TaskId::from_text(task.as_str().unwrap());
        let mut transaction = world.begin().await;
        transaction.stop_task(&id, world.now()).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(reason(&bank.look(&ask()).await), "token_invalid");
        let pay = question(&world, &cast.planner, &token, paying("99.00"));
        let decided = bank.decide(&pay, &run_key(&world)).await;
        assert_eq!(reason(&decided), "token_invalid");
    }
);

both!(
    /// RFC 9449 section 7.1: a bound token is judged with a proof of its key, for this token and this request, once.
    rfc_9449_7_1_a_bound_token_needs_its_proof,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let now = world.now().seconds();
        let url = format!("{BANK}/rpc");
        let dpop = &cast.planner.dpop;
        let good = || question(&world, &cast.planner, &token, savings());
        let with = |proof: String, htm: &str, htu: &str| {
            let mut body = good();
            body["context"]["dpop"] = json!({ "proof": proof, "htm": htm, "htu": htu });
            body
        };
        let proof = |method: &str, url: &str| dpop.proof_with(method, url, now, &token);
        let mut none = good();
        none["context"].as_object_mut().unwrap().remove("dpop");
        let other = cast.booker.dpop.proof_with("POST", &url, now, &token);
        let old = dpop.proof_with("POST", &url, now - 61, &token);
        let elsewhere = "https://x.example/rpc";
        for (what, body) in [
            ("none", none),
            ("no JWT", with("x".to_owned(), "POST", &url)),
            ("another key", with(other, "POST", &url)),
            ("no `ath`", with(dpop.proof("POST", &url, now), "POST", &url)),
            ("another token", with(dpop.proof_with("POST", &url, now, "x"), "POST", &url)),
            ("another method", with(proof("GET", &url), "POST", &url)),
            ("another URL", with(proof("POST", &format!("{url}/x")), "POST", &url)),
            ("too old", with(old, "POST", &url)),
            ("another origin", with(proof("POST", elsewhere), "POST", elsewhere)),
            ("no URL", with(proof("POST", "urn:x"), "POST", "urn:x")),
        ] {
            assert_eq!(reason(&bank.look(&body).await), "proof_invalid", "{what}");
            let decided = bank.decide(&body, &run_key(&world)).await;
            assert_eq!(reason(&decided), "proof_invalid", "{what}");
        }
        let body = good();
        permitted(&bank.look(&body).await);
        permitted(&bank.look(&body).await);
        permitted(&bank.decide(&body, &run_key(&world)).await);
        let again = bank.decide(&body, &run_key(&world)).await;
        assert_eq!(reason(&again), "proof_invalid", "used by the first decision");
    }
);

both!(
    /// A resource whose record says that its server verifies proofs passes none on.
    a_server_that_verifies_proofs_passes_none_on,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let mut file = asking_bank();
        file["verifies_proofs"] = json!(true);
        let shown = world.add_resource(file.clone()).await;
        assert_eq!(shown["verifies_proofs"], true);
        assert_eq!(shown["actions"]["close_account"], file["actions"]["close_account"]);
        world.advance(6);
        let token = cast.token(&world).await;
        let mut body = question(&world, &cast.planner, &token, savings());
        body["context"].as_object_mut().unwrap().remove("dpop");
        permitted(&bank.look(&body).await);
    }
);

both!(
    /// AuthZEN 1.0 sections 5 and 10.1.2: what lacks a member, or is no such JSON, is 400; the token is not repeated.
    authzen_10_1_2_a_request_that_is_none_is_refused,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let good = question(&world, &cast.planner, &token, savings());
        let text = good.to_string();
        let mut bad = vec![
            "".to_owned(),
            "[]".to_owned(),
            "{".to_owned(),
            format!("{text} x"),
            text.replacen("\"subject\":", "\"subject\":{},\"subject\":", 1),
            text.replacen("Savings", "\\u0000", 1),
            text.replacen("\"name\":\"Savings\"", "\"name\":\"a\",\"name\":\"Savings\"", 1),
        ];
        for (pointer, value) in [
            ("/subject", json!(null)),
            ("/subject", json!("usr_1")),
            ("/subject", json!({ "type": "user" })),
            ("/action", json!({})),
            ("/action/properties", json!([])),
            ("/resource", json!({ "type": "resource" })),
            ("/context", json!(null)),
            ("/context", json!({})),
            ("/context/access_token", json!(1)),
            ("/context/dpop", json!("x")),
            ("/context/approval", json!("apr_1")),
        ] {
            let mut body = good.clone();
            match body.pointer_mut(pointer) {
                Some(place) => *place = value,
                None => body["context"]["approval"] = value,
            }
            bad.push(body.to_string());
        }
        let authorization = cast.bank_basic();
        let headers = [("authorization", authorization.as_str())];
        for body in bad {
            for path in [EVALUATION, EVALUATIONS] {
                let door = world.door();
                let sent = door.send_json(http::Method::POST, path, &headers, body.clone());
                let reply = sent.await;
                assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{body}");
                assert!(!reply.text().contains(&token[..20]), "{}", reply.text());
            }
        }
        let mut many = good.clone();
        many["evaluations"] = json!(vec![json!({}); 51]);
        let reply = bank.post(EVALUATIONS, &many, &[]).await;
        assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()));
        many["evaluations"] = json!(vec![json!({}); 50]);
        let reply = bank.post(EVALUATIONS, &many, &[]).await;
        assert_eq!(reply.json()["evaluations"].as_array().unwrap().len(), 50);
        let form = world.post(EVALUATION, &[("a", "b")], &headers).await;
        assert_eq!(form.status, 415);
        permitted(&bank.look(&good).await);
    }
);

both!(
    /// What nobody could read on a screen is denied wherever a person is asked.
    nasty_arguments_are_denied_not_shown,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let close = |arguments| ("close_account", arguments);
        let long = "a".repeat(141);
        // A block shows all of a text that no line can hold; a name stands in a line.
        for (nasty, of_text) in [
            ("a\u{200b}", "arguments_invalid"),
            ("\u{202e}a", "arguments_invalid"),
            ("раypal", "arguments_invalid"),
            ("e\u{301}", "arguments_invalid"),
            ("  ", "approval_required"),
            (" a", "approval_required"),
            (&long, "approval_required"),
        ] {
            let arguments = json!({ "name": nasty });
            let body = question(&world, &cast.planner, &token, close(arguments));
            assert_eq!(reason(&bank.look(&body).await), of_text, "{nasty}");
            let arguments = json!({ "name": "Savings", nasty: 1 });
            let body = question(&world, &cast.planner, &token, close(arguments));
            assert_eq!(reason(&bank.look(&body).await), "arguments_invalid", "{nasty}");
        }
        for nasty in ["Savings \"or\" {/name}", "</script>", "日本語", "a\\b"] {
            let arguments = json!({ "name": nasty });
            let body = question(&world, &cast.planner, &token, (SHOW, arguments));
            permitted(&bank.look(&body).await);
        }
        for member in ["type", "ref", "type_hash", "locations"] {
            let (name, mut object) = paying("1.00");
            object[member] = json!("x");
            let body = question(&world, &cast.planner, &token, (name, object));
            assert_eq!(reason(&bank.look(&body).await), "arguments_invalid", "{member}");
        }
    }
);

both!(
    /// Nothing here made an approval: it permits nothing, and a look at one is refused.
    an_approval_that_nobody_gave_permits_nothing,
    |world| async {
        let (cast, bank) = opened(&world).await;
        let token = cast.token(&world).await;
        let action = ("close_account", json!({ "name": "Savings" }));
        let mut body = question(&world, &cast.planner, &token, action);
        body["context"]["approval"] = json!({ "id": "apr_1" });
        let looked = bank.look(&body).await;
        assert_eq!(looked.refusal(), (400, "invalid_request".to_owned()));
        let decided = bank.decide(&body, &run_key(&world)).await;
        assert_eq!(reason(&decided), "approval_unverifiable");
    }
);
