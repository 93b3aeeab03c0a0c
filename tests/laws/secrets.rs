//! Secrets are not kept, and no record or refusal repeats one.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use writ_testkit::{
    AskingServer, BANK, Cast, Fields, ISSUER, PASSWORD, TestAgent, TestReply, World, agent_file,
    asking_bank, authorize_url, both, enrol, enrol_plain, minted, plain_file, plus, question,
    run_key, with,
};

/// What was used, by name, and every answer that refused something.
#[derive(Default)]
struct Heard {
    secrets: Vec<(String, String)>,
    answers: Vec<String>,
}

impl Heard {
    fn add(&mut self, what: &str, secret: &str) {
        assert!(secret.len() >= 8, "{what}");
        self.secrets.push((what.to_owned(), secret.to_owned()));
    }

    /// A JWT counts as a whole and by its signature alone.
    fn jwt(&mut self, what: &str, text: &str) {
        self.add(what, text);
        self.add(
            &format!("signature of {what}"),
            text.rsplit('.').next().unwrap(),
        );
    }

    /// Sends a form with everything written down.
    async fn send(
        &mut self,
        world: &World,
        who: &TestAgent,
        path: &str,
        form: &Fields,
    ) -> TestReply {
        let signed = who.signed(world, form);
        let proof = who.proof(world, path);
        self.jwt("client assertion", &signed.last().unwrap().1);
        self.jwt("proof", &proof);
        let pairs: Vec<(&str, &str)> = signed
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let reply = world.post(path, &pairs, &[("dpop", &proof)]).await;
        if reply.status >= 400 {
            self.answers.push(reply.text());
            return reply;
        }
        let body = reply.json();
        for name in ["access_token", "id_token"] {
            if let Some(token) = body[name].as_str() {
                self.jwt(name, token);
            }
        }
        for name in ["refresh_token", "request_uri"] {
            if let Some(secret) = body[name].as_str() {
                self.add(name, secret.rsplit(':').next().unwrap());
            }
        }
        reply
    }

    fn search(&self, place: &str, text: &str) {
        for (what, secret) in &self.secrets {
            assert!(
                !text.contains(secret.as_str()),
                "{place} holds the {what} {secret}"
            );
        }
    }
}

/// Login and consent; the code.
async fn approve(world: &World, heard: &mut Heard, who: &TestAgent, form: &Fields) -> String {
    let form = with(form, "client_id", who.id.as_str());
    let pushed = heard.send(world, who, "/par", &form).await;
    let url = authorize_url(&who.id, &pushed.member("request_uri"));
    let mut browser = world.browser();
    let wrong = "not the password at all";
    heard.add("wrong password", wrong);
    let page = browser.open(&url).await;
    for value in browser.cookies.values() {
        heard.add("cookie before login", value);
    }
    let page = browser.log_in(&page, "alice", wrong).await;
    // The page goes on with the request, and so names it; it repeats no password.
    assert!(!page.reply.text().contains(wrong));
    let page = browser.log_in(&page, "alice", PASSWORD).await;
    for value in browser.cookies.values() {
        heard.add("session cookie", value);
    }
    for (name, value) in page.fields("consent-approve") {
        if name == "csrf" {
            heard.add("form token", &value);
        }
    }
    let back = browser.submit(&page, "consent-approve", &[]).await;
    let code = back.query("code").unwrap();
    heard.add("code", &code);
    code
}

/// What the agent got for its person.
struct Secrets<'a> {
    token: &'a str,
    refresh: &'a str,
    code: &'a str,
}

/// Each wrong use of what is secret; the answers must not repeat it.
async fn misuse(world: &World, heard: &mut Heard, cast: &Cast, secrets: &Secrets<'_>) {
    let Secrets {
        token,
        refresh,
        code,
    } = *secrets;
    let narrow = cast.exchange_form(token, None);
    let tampered = format!("{}AAAA", &token[..token.len() - 4]);
    let assertion = cast.payer.actor_assertion(world, "agt_booker");
    heard.jwt("actor assertion", &assertion);
    let forms = [
        cast.redeem_form(code),
        with(&narrow, "subject_token", refresh),
        with(&narrow, "subject_token", tampered),
        with(&narrow, "scope", token),
        with(&narrow, "resource", token),
        with(&narrow, "authorization_details", token),
        with(&narrow, "subject_token_type", token),
        plus(
            &plus(&narrow, "actor_token", token),
            "actor_token_type",
            refresh,
        ),
        cast.exchange_form(token, Some(&assertion)),
        with(&narrow, "grant_type", code),
        cast.stranger.refresh_form(token),
        plus(&narrow, "client_secret", cast.bank_secret.as_str()),
        plus(&narrow, "client_id", refresh),
    ];
    for form in forms {
        for who in [&cast.planner, &cast.stranger] {
            let reply = heard.send(world, who, "/token", &form).await;
            assert!(reply.status >= 400, "{}", reply.text());
        }
    }
}

/// A resource server shows its caller's token, a good one and broken ones, in bodies that are read and in some that are not.
async fn decide(world: &World, heard: &mut Heard, cast: &Cast, token: &str) {
    world.add_resource(asking_bank()).await;
    let bank = AskingServer::bank(world, cast);
    let good = question(
        world,
        &cast.planner,
        token,
        ("show_account", json!({ "name": "Savings" })),
    );
    heard.jwt("proof", good["context"]["dpop"]["proof"].as_str().unwrap());
    let mut bodies = vec![good.clone()];
    for (pointer, value) in [
        ("/context/access_token", json!(format!("{token}x"))),
        ("/context/dpop/proof", json!(token)),
        ("/action/name", json!(1)),
        ("/subject", json!(token)),
        ("/resource/id", json!(token)),
        ("/subject/id", json!(token)),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        bodies.push(body);
    }
    for body in bodies {
        let key = run_key(world);
        heard.add("key of a decision", &key);
        for reply in [bank.look(&body).await, bank.decide(&body, &key).await] {
            heard.answers.push(reply.text());
        }
    }
}

/// A person sets another password by a link, after a wrong code.
async fn recover(world: &World, heard: &mut Heard) {
    let catalogue = world.app.catalogue().await.unwrap();
    let registry = world.registry(&catalogue.types);
    let printed = registry
        .reset_user("mallory", None, &world.app.config)
        .await;
    let printed = printed.unwrap();
    let (link, code) = (&printed["link"], printed["code"].as_str().unwrap());
    let path = link.as_str().unwrap().strip_prefix(ISSUER).unwrap();
    heard.add("link of a reset", path.split('=').nth(1).unwrap());
    heard.add("code of a reset", code);
    heard.add("code of a reset", &code.replace('-', ""));
    let (mut browser, password) = (world.browser(), "nine purple kettles sing");
    heard.add("new password", password);
    for code in ["BBBB-BBBB", code] {
        let page = browser.open(path).await;
        let fill = [
            ("code", code),
            ("new_password", password),
            ("new_password_again", password),
        ];
        let done = browser.submit(&page, "account-submit", &fill).await;
        assert!(!done.reply.text().contains(password));
    }
    assert_eq!(browser.open("/app").await.url.path(), "/app");
}

both!(
    /// A whole story, then no row of any table and no refusal holds anything secret of it.
    no_row_and_no_refusal_holds_a_secret,
    |world| async {
        let cast = Cast::of(&world).await;
        world.add_shop().await;
        let mut heard = Heard::default();
        heard.add("password", PASSWORD);
        heard.add("client secret", &cast.bank_secret);
        heard.add(
            "client secret in Basic",
            cast.bank_basic().split(' ').nth(1).unwrap(),
        );
        let mut file = plain_file("web");
        file["token_endpoint_auth_method"] = json!("client_secret_basic");
        let web = enrol_plain(&world, file).await;
        heard.add("client secret", web.secret.as_deref().unwrap());

        let known = enrol(&world, agent_file("agt_known", "alice")).await;
        let asked = with(&cast.request(), "scope", "openid accounts:read");
        let code = approve(&world, &mut heard, &known, &asked).await;
        let redeem = with(&cast.redeem_form(&code), "resource", BANK);
        heard.add(
            "code verifier",
            &redeem
                .iter()
                .find(|(n, _)| *n == "code_verifier")
                .unwrap()
                .1,
        );
        let grant = heard.send(&world, &known, "/token", &redeem).await;
        assert!(grant.json()["id_token"].is_string());

        let code = approve(&world, &mut heard, &cast.planner, &cast.request()).await;
        let grant = heard
            .send(&world, &cast.planner, "/token", &cast.redeem_form(&code))
            .await;
        let (token, refresh) = (grant.access_token(), grant.member("refresh_token"));
        let assertion = cast.booker.actor_assertion(&world, "agt_planner");
        heard.jwt("actor assertion", &assertion);
        for form in [
            cast.exchange_form(&token, None),
            cast.exchange_form(&token, Some(&assertion)),
            cast.planner.refresh_form(&refresh),
        ] {
            minted(
                &heard.send(&world, &cast.planner, "/token", &form).await,
                "a good use",
            );
        }
        let first = web.granted(&world, &cast, Some(&web.dpop)).await;
        heard.jwt("plain token", &first.access_token());
        heard.add("plain refresh token", &first.member("refresh_token"));
        assert_eq!(cast.introspect(&world, &token).await["active"], true);
        let secrets = Secrets {
            token: &token,
            refresh: &refresh,
            code: &code,
        };
        misuse(&world, &mut heard, &cast, &secrets).await;
        decide(&world, &mut heard, &cast, &token).await;
        recover(&world, &mut heard).await;

        let key = world.app.keys().await.unwrap().active.to_pkcs8();
        heard.add("signing key", &URL_SAFE_NO_PAD.encode(&*key));
        heard.add("signing key", &STANDARD.encode(&*key));
        let scalar = key[..]
            .windows(2)
            .position(|pair| pair == [0x04, 0x20])
            .unwrap()
            + 2;
        heard.add(
            "private scalar",
            &URL_SAFE_NO_PAD.encode(&key[scalar..scalar + 32]),
        );
        heard.add("master key", "mZ1v0pQk9b3T7xYcR2uWn8aLs5dFg6hJ4kE0iOqPtSU");
        assert!(heard.secrets.len() > 100 && heard.answers.len() > 20);

        let dump = world.database.dump().await;
        for known in [
            "agt_planner",
            "token.refused",
            "$argon2id$",
            cast.alice.as_str(),
            ISSUER,
        ] {
            assert!(dump.contains(known), "the search would see `{known}`");
        }
        heard.search("the database", &dump);
        for event in world.events().await {
            heard.search(&event.name, &serde_json::to_string(&event).unwrap());
        }
        for answer in &heard.answers {
            heard.search("an answer", answer);
        }
    }
);
