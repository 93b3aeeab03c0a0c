//! Clients that register themselves (RFC 7591): guests whatever they ask for, unverified, told exactly what was registered.

use http::Method;
use serde_json::{Value, json};
use writ_testkit::{
    CHALLENGE, Fields, Forge, ISSUER, PASSWORD, TestReply, VERIFIER, World, basic, both_with,
    front_url, merge, minted, with,
};

pub(crate) const OPEN: &[(&str, &str)] =
    &[("FEATURES__GUESTS", "true"), ("REGISTRATION__MODE", "open")];
pub(crate) const NOTES: &str = "https://notes.example";
pub(crate) const CALLBACK: &str = "http://localhost:6274/oauth/callback";
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// Alice, and an API that takes bearer tokens of guests.
pub(crate) async fn notes(world: &World) {
    world.add_user("alice", PASSWORD).await;
    add_notes(world).await;
}

pub(crate) async fn add_notes(world: &World) {
    world
        .add_resource(json!({
            "resource": NOTES, "name": "Notes", "scopes": ["notes.read", "notes.write"],
            "guests": { "mode": "bearer", "scopes": ["notes.read"] }
        }))
        .await;
}

/// What MCP clients send, changed; null leaves a member out.
pub(crate) fn asked(changes: Value) -> Value {
    let mut body = json!({
        "client_name": "Inspector", "redirect_uris": [CALLBACK], "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"
    });
    merge(&mut body, changes);
    body
}

pub(crate) async fn register(world: &World, body: &Value) -> TestReply {
    let body = body.to_string().into_bytes();
    world.send(Method::POST, "/register", &[JSON], body).await
}

/// A client that registered itself.
pub(crate) struct Itself {
    pub(crate) answer: Value,
}

impl Itself {
    pub(crate) async fn of(world: &World, changes: Value) -> Self {
        let reply = register(world, &asked(changes)).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        Self {
            answer: reply.json(),
        }
    }

    pub(crate) fn said(&self, member: &str) -> &str {
        self.answer[member].as_str().unwrap_or_default()
    }

    pub(crate) fn id(&self) -> &str {
        self.said("client_id")
    }

    pub(crate) fn redirect(&self) -> &str {
        self.answer["redirect_uris"][0].as_str().unwrap()
    }

    pub(crate) fn request(&self) -> Fields {
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", self.id().to_owned()),
            ("redirect_uri", self.redirect().to_owned()),
            ("state", "s1".to_owned()),
            ("scope", "notes.read".to_owned()),
            ("resource", NOTES.to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ]
    }

    /// Alice approves.
    pub(crate) async fn code(&self, world: &World) -> String {
        let url = front_url(&self.request());
        let back = world.browser().approve(&url, "alice", PASSWORD).await;
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("no code in {back}"))
            .1
            .into_owned()
    }

    pub(crate) fn redeem_form(&self, code: &str) -> Fields {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
            ("redirect_uri", self.redirect().to_owned()),
            ("resource", NOTES.to_owned()),
        ]
    }

    /// As its method says.
    pub(crate) async fn send(&self, world: &World, form: &Fields) -> TestReply {
        let (id, secret) = (self.id(), self.said("client_secret"));
        let basic = basic(id, secret);
        let (form, headers) = match self.said("token_endpoint_auth_method") {
            "client_secret_basic" => (form.clone(), vec![("authorization", basic.as_str())]),
            "client_secret_post" => (
                with(&with(form, "client_id", id), "client_secret", secret),
                Vec::new(),
            ),
            _ => (with(form, "client_id", id), Vec::new()),
        };
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        world.post("/token", &pairs, &headers).await
    }

    pub(crate) async fn granted(&self, world: &World) -> TestReply {
        let code = self.code(world).await;
        self.send(world, &self.redeem_form(&code)).await
    }

    pub(crate) async fn refresh(&self, world: &World, last: &TestReply) -> TestReply {
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", last.member("refresh_token")),
        ];
        self.send(world, &form).await
    }

    /// At its own place (RFC 7592), by its own token.
    pub(crate) async fn manage(&self, world: &World, method: Method, body: &Value) -> TestReply {
        let token = self.said("registration_access_token");
        self.manage_by(world, token, method, body).await
    }

    pub(crate) async fn manage_by(
        &self,
        world: &World,
        token: &str,
        method: Method,
        body: &Value,
    ) -> TestReply {
        let uri = self.said("registration_client_uri");
        let path = uri.strip_prefix(ISSUER).unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        let headers = [JSON, ("authorization", bearer.as_str())];
        let body = match body {
            Value::Null => Vec::new(),
            body => body.to_string().into_bytes(),
        };
        world.send(method, &path, &headers, body).await
    }
}

both_with!(
    nobody_registers_where_no_operator_switched_it_on,
    &[("FEATURES__GUESTS", "true")],
    |world| async {
        let reply = register(&world, &asked(json!({}))).await;
        let managed = world.get("/register/cli_1", &[]).await;
        for reply in [reply, world.get("/register", &[]).await, managed] {
            assert_eq!(reply.refusal(), (404, "access_denied".to_owned()));
            let said = reply.member("error_description");
            assert!(said.contains("`registration.mode` is `off`"), "{said}");
        }
        let metadata = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await
            .json();
        assert_eq!(metadata.get("registration_endpoint"), None);
        assert!(world.events_named("client.registered").await.is_empty());
    }
);

both_with!(
    rfc_7591_3_2_1_the_answer_says_what_was_registered,
    OPEN,
    |world| async {
        let metadata = world
            .get("/.well-known/oauth-authorization-server", &[])
            .await
            .json();
        let endpoint = format!("{ISSUER}/register");
        assert_eq!(metadata["registration_endpoint"], json!(endpoint));
        let reply = register(
            &world,
            &asked(json!({
                "token_endpoint_auth_method": null, "x_other": { "y": 1 }, "client_id": "usr_alice",
                "client_secret": "mine", "scope": "notes.read",
                "grant_types": ["authorization_code", "refresh_token", "client_credentials"]
            })),
        )
        .await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        let answer = reply.json();
        let id = answer["client_id"].as_str().unwrap();
        assert!(id.starts_with("dyn_"), "{id}");
        for (name, value) in [
            ("client_name", json!("Inspector")),
            ("redirect_uris", json!([CALLBACK])),
            (
                "grant_types",
                json!(["authorization_code", "refresh_token"]),
            ),
            ("response_types", json!(["code"])),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("scope", json!("notes.read")),
            ("client_id_issued_at", json!(world.now().seconds())),
            ("client_secret_expires_at", json!(0)),
            ("registration_client_uri", json!(format!("{endpoint}/{id}"))),
        ] {
            assert_eq!(answer[name], value, "{name}");
        }
        let secret = answer["client_secret"].as_str().unwrap();
        assert_eq!(secret.len(), 43, "256 bits, made here");
        assert_eq!(answer.get("x_other"), None);
        let token = answer["registration_access_token"].as_str().unwrap();
        let rows = world.database.dump().await;
        assert!(
            !rows.contains(secret) && !rows.contains(token),
            "digests alone"
        );
        let events = world.events_named("client.registered").await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].client.as_deref(), Some(id));
        assert_eq!(events[0].data["by"], json!("registration"));
        assert_eq!(events[0].data["assurance"], json!("unverified"));
        assert_eq!(world.client_file(id).await["profile"], json!("guest"));
    }
);

both_with!(
    whoever_registers_itself_acts_for_the_person_who_agreed,
    OPEN,
    |world| async {
        notes(&world).await;
        for method in ["none", "client_secret_basic", "client_secret_post"] {
            let client = Itself::of(&world, json!({ "token_endpoint_auth_method": method })).await;
            let first = client.granted(&world).await;
            let claims = minted(&first, method);
            assert_eq!(claims["act"]["sub"], json!(client.id()));
            assert_eq!(claims["aud"], json!(NOTES));
            let again = client.refresh(&world, &first).await;
            assert_eq!(
                minted(&again, method)["mission"]["id"],
                claims["mission"]["id"]
            );
        }
        for event in world.events_named("consent.given").await {
            let said = event.data.to_string();
            assert!(
                said.contains("unverified") && !said.contains("domain"),
                "{said}"
            );
        }
    }
);

both_with!(
    rfc_7591_2_a_client_with_keys_signs_its_assertions,
    OPEN,
    |world| async {
        notes(&world).await;
        let key = Forge::new(&world.random);
        let client = Itself::of(
            &world,
            json!({
                "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [key.jwk()] }
            }),
        )
        .await;
        assert_eq!(client.answer.get("client_secret"), None);
        let code = client.code(&world).await;
        let form = client.redeem_form(&code);
        let bare = client.send(&world, &form).await;
        assert_eq!(
            bare.refusal(),
            (400, "invalid_client".to_owned()),
            "no assertion"
        );
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let assertion = key.assertion(client.id(), ISSUER, world.now().seconds());
        let form = with(&form, "client_assertion_type", kind);
        let form = with(&form, "client_assertion", assertion);
        minted(&client.send(&world, &form).await, "signed");
    }
);

both_with!(
    the_consent_page_vouches_for_nothing_that_a_client_says_of_itself,
    OPEN,
    |world| async {
        notes(&world).await;
        let client = Itself::of(&world, json!({ "client_name": "Your Bank <b>\u{201d}" })).await;
        let (_, page) = world.consent_page(&front_url(&client.request())).await;
        let text = page.reply.text();
        assert!(text.contains("registered itself"), "{text}");
        assert!(text.contains("Any program could be asking"), "{text}");
        assert!(text.contains("Not verified"), "{text}");
        assert!(!text.contains("<b>"), "escaped: {text}");
        assert!(!text.contains("Domain verified"), "{text}");
        assert!(
            text.contains("<bdi>“Your Bank &#60;b&#62;&#39;”</bdi>"),
            "quoted: {text}"
        );
    }
);

both_with!(
    whoever_registers_itself_has_two_grants_and_no_other,
    OPEN,
    |world| async {
        notes(&world).await;
        let changes = json!({ "token_endpoint_auth_method": "client_secret_basic" });
        let client = Itself::of(&world, changes).await;
        for grant in [
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "urn:ietf:params:oauth:grant-type:device_code",
            "urn:openid:params:grant-type:ciba",
        ] {
            let form = vec![("grant_type", grant.to_owned())];
            let reply = client.send(&world, &form).await;
            assert!(
                reply.status == 400 || reply.status == 401,
                "{grant}: {}",
                reply.text()
            );
        }
        let code_alone = Itself::of(&world, json!({ "grant_types": null })).await;
        assert_eq!(
            code_alone.answer["grant_types"],
            json!(["authorization_code"])
        );
        let answer = code_alone.granted(&world).await;
        minted(&answer, "the code grant");
        assert_eq!(
            answer.json().get("refresh_token"),
            None,
            "as the answer said"
        );
    }
);
