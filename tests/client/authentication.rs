//! Client authentication, method by what is sent (RFC 6749 section 2.3, OAuth 2.1 section 2.4, RFC 7523 section 3).

use serde_json::{Value, json};
use writ_testkit::{
    Cast, Change, Fields, Forge, ISSUER, TestAgent, TestReply, Web, World, basic, both,
};

use super::assertions::machine;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request shows of its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Name,
    Basic,
    Post,
    Assertion,
    BasicAndPost,
    BasicAndAssertion,
    PostAndAssertion,
}

impl Shown {
    const ALL: [Self; 7] = [
        Self::Name,
        Self::Basic,
        Self::Post,
        Self::Assertion,
        Self::BasicAndPost,
        Self::BasicAndAssertion,
        Self::PostAndAssertion,
    ];

    fn has_basic(self) -> bool {
        matches!(
            self,
            Self::Basic | Self::BasicAndPost | Self::BasicAndAssertion
        )
    }

    fn has_secret(self) -> bool {
        matches!(
            self,
            Self::Post | Self::BasicAndPost | Self::PostAndAssertion
        )
    }

    fn has_assertion(self) -> bool {
        matches!(
            self,
            Self::Assertion | Self::BasicAndAssertion | Self::PostAndAssertion
        )
    }
}

/// One client, by whatever it registered.
struct Client {
    id: String,
    secret: String,
    key: Forge,
}

async fn client(world: &World, id: &str, changes: Value) -> Client {
    let key = Forge::new(&world.random);
    let mut file = Web::file(json!({ "client_id": id, "token_endpoint_auth_method": null }));
    writ_testkit::merge(&mut file, changes);
    if file["token_endpoint_auth_method"] == "private_key_jwt" {
        file["jwks"] = json!({ "keys": [key.jwk()] });
    }
    let added = world.add_client(file).await;
    let secret = added["client_secret"].as_str().unwrap_or("none").to_owned();
    Client {
        id: id.to_owned(),
        secret,
        key,
    }
}

impl Client {
    /// A poll for nothing: `invalid_grant` says that the client was authenticated.
    async fn send(&self, world: &World, shown: Shown) -> TestReply {
        let mut form: Fields = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("refresh_token", "x".to_owned()),
            ("client_id", self.id.clone()),
        ];
        if shown.has_secret() {
            form = form.with("client_secret", self.secret.clone());
        }
        if shown.has_assertion() {
            let assertion = self.key.assertion(&self.id, ISSUER, world.now().seconds());
            form = form
                .with("client_assertion_type", JWT_BEARER)
                .with("client_assertion", assertion);
        }
        let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let authorization = basic(&self.id, &self.secret);
        let headers = match shown.has_basic() {
            true => vec![("authorization", authorization.as_str())],
            false => Vec::new(),
        };
        world.post("/token", &pairs, &headers).await
    }
}

both!(
    /// OAuth 2.1 section 2.4: a registered method is the only one; a secret without one goes either way; never two at once.
    oauth_2_1_2_4_each_client_by_its_method_and_one_method_a_request,
    |world| async {
        let method = |name: &str| json!({ "token_endpoint_auth_method": name });
        let table = [
            (json!({}), vec![Shown::Basic, Shown::Post]),
            (method("client_secret_basic"), vec![Shown::Basic]),
            (method("client_secret_post"), vec![Shown::Post]),
            (method("private_key_jwt"), vec![Shown::Assertion]),
            (method("none"), vec![Shown::Name]),
        ];
        for (place, (changes, good)) in table.into_iter().enumerate() {
            let client = client(&world, &format!("client{place}"), changes.clone()).await;
            for shown in Shown::ALL {
                let reply = client.send(&world, shown).await;
                let ways = [shown.has_basic(), shown.has_secret(), shown.has_assertion()];
                let expected = match ways.into_iter().filter(|way| *way).count() {
                    0 | 1 if good.contains(&shown) => (400, "invalid_grant"),
                    0 | 1 if shown.has_basic() => (401, "invalid_client"),
                    0 | 1 => (400, "invalid_client"),
                    _ => (400, "invalid_request"),
                };
                let expected = (expected.0, expected.1.to_owned());
                let text = reply.text();
                assert_eq!(reply.refusal(), expected, "{changes} {shown:?}: {text}");
                let names_it = text.contains("token_endpoint_auth_method");
                assert_eq!(names_it, expected.1 == "invalid_client", "{shown:?}: {text}");
                // RFC 6749 section 5.2.
                let challenged = reply.header("www-authenticate").is_some();
                assert_eq!(challenged, expected.0 == 401, "{shown:?}");
            }
        }
    }
);

both!(
    /// RFC 6749 section 2.3.1.
    rfc_6749_2_3_1_a_secret_in_the_body_comes_with_the_client_id,
    |world| async {
        let web = client(&world, "web", json!({})).await;
        let grant = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let secret = web.secret.as_str();
        for (more, error) in [
            (vec![("client_secret", secret)], "invalid_client"),
            (vec![("client_id", "web"), ("client_secret", "x")], "invalid_client"),
            (vec![("client_id", "no"), ("client_secret", secret)], "invalid_client"),
            // An empty parameter is an absent one (RFC 6749 section 3.1).
            (vec![("client_id", "web"), ("client_secret", "")], "invalid_client"),
            (
                vec![("client_id", "web"), ("client_secret", secret), ("client_secret", secret)],
                "invalid_request",
            ),
            (vec![("client_id", "web"), ("client_secret", secret)], "invalid_grant"),
        ] {
            let form = [&grant[..], &more].concat();
            let reply = world.post("/token", &form, &[]).await;
            assert_eq!(reply.refusal(), (400, error.to_owned()), "{}", reply.text());
            assert!(!reply.text().contains(secret));
        }
        let of_header = basic("web", secret);
        let form = [&grant[..], &[("client_secret", "")]].concat();
        let reply = world.post("/token", &form, &[("authorization", &of_header)]).await;
        assert_eq!(reply.error(), "invalid_grant");
    }
);

both!(
    /// RFC 8414 section 2: what is advertised is what is taken.
    the_methods_and_algorithms_are_advertised,
    |world| async {
        let metadata = world.get("/.well-known/oauth-authorization-server", &[]).await.json();
        let algorithms = json!(["ES256", "EdDSA", "PS256", "RS256"]);
        let methods = json!(["private_key_jwt", "client_secret_basic", "client_secret_post"]);
        for endpoint in ["token", "introspection"] {
            let found = &metadata[format!("{endpoint}_endpoint_auth_methods_supported")];
            let found = found.as_array().unwrap();
            assert!(methods.as_array().unwrap().iter().all(|m| found.contains(m)));
            assert_eq!(found.contains(&json!("none")), endpoint == "token");
            let name = format!("{endpoint}_endpoint_auth_signing_alg_values_supported");
            assert_eq!(metadata[name], algorithms);
        }
        assert_eq!(metadata["dpop_signing_alg_values_supported"], json!(["ES256", "EdDSA", "PS256"]));
    }
);

fn rsa(changes: Value) -> Value {
    let mut jwk = json!({ "kty": "RSA", "kid": "rsa", "n": MODULUS, "e": "AQAB" });
    writ_testkit::merge(&mut jwk, changes);
    jwk
}

async fn poll(world: &World, assertion: &str) -> String {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ];
    world.post("/token", &form, &[]).await.error()
}

fn by_keys(id: &str, changes: Value) -> Value {
    let mut file = Web::file(json!({
        "client_id": id, "token_endpoint_auth_method": "private_key_jwt",
        "jwks": { "keys": [rsa(json!({}))] }
    }));
    writ_testkit::merge(&mut file, changes);
    file
}

both!(
    /// RFC 7518 section 3.3: plain clients sign by RS256 too, with a key that others may stand beside.
    rfc_7518_3_3_a_plain_client_signs_by_rs256_for_an_hour,
    |world| async {
        let keys = json!([
            { "kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA" },
            { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" },
            { "kty": "RSA", "n": SMALL_MODULUS, "e": "AQAB", "kid": "small" },
            rsa(json!({ "use": "enc", "kid": "enc" })),
            rsa(json!({ "alg": "RSA-OAEP", "kid": "oaep" })),
            rsa(json!({})),
        ]);
        world.add_client(by_keys("plain", json!({ "jwks": { "keys": keys } }))).await;
        assert_eq!(poll(&world, RS256).await, "invalid_grant");
        assert_eq!(poll(&world, PS256).await, "invalid_grant");
        let broken = format!("{}A", RS256.rsplit_once('.').unwrap().0);
        assert_eq!(poll(&world, &broken).await, "invalid_client");
        // Where the key or the registration names an algorithm, it is the only one.
        for (name, alg, registered) in [
            ("RS256", json!("RS256"), Value::Null),
            ("PS256", json!("PS256"), Value::Null),
            ("RS256", Value::Null, json!("RS256")),
            ("PS256", Value::Null, json!("PS256")),
        ] {
            let file = by_keys("plain", json!({
                "jwks": { "keys": [rsa(json!({ "alg": alg }))] },
                "token_endpoint_auth_signing_alg": registered
            }));
            world.change_client("plain", |stored| *stored = file).await;
            world.advance(6);
            for (found, assertion) in [("RS256", RS256_SECOND), ("PS256", PS256)] {
                let expected = if found == name { "invalid_grant" } else { "invalid_client" };
                assert_eq!(poll(&world, assertion).await, expected, "{name} {alg} {registered}");
            }
        }
    }
);

both!(
    /// FAPI 2.0 section 5.4: PS256, ES256 and EdDSA alone.
    fapi_2_5_4_a_fapi_client_never_signs_by_rs256,
    |world| async {
        let fapi = |changes: Value| {
            let mut file = by_keys("fapi", json!({ "profile": "fapi2", "bearer": null }));
            writ_testkit::merge(&mut file, changes);
            file
        };
        for bad in [
            json!({ "jwks": { "keys": [rsa(json!({ "alg": "RS256" }))] } }),
            json!({ "token_endpoint_auth_signing_alg": "RS256" }),
        ] {
            assert!(world.try_add_client(fapi(bad.clone())).await.is_err(), "{bad}");
        }
        world.add_client(fapi(json!({}))).await;
        assert_eq!(poll(&world, FAPI_RS256).await, "invalid_client");
        // The proof is missing, so the client is known.
        assert_eq!(poll(&world, FAPI_PS256).await, "invalid_request");
    }
);

both!(
    /// RFC 7519 sections 2 and 4.1, RFC 7515 section 4.1.9: what a client may write is read; how long it may be good is by profile.
    rfc_7519_4_1_what_a_client_may_write_and_how_long_it_lives,
    |world| async {
        Cast::of(&world).await;
        let plain = machine(&world, json!({ "client_id": "common" })).await;
        let fapi = json!({ "client_id": "strict", "profile": "fapi2" });
        let fapi = machine(&world, fapi).await;
        let now = world.now().seconds();
        let key = |agent: &TestAgent| agent.assertion.thumbprint();
        // The header, claims that are set, and whether a plain client and a FAPI client may send that.
        let table = [
            (json!({ "typ": "jwt" }), json!({}), [true, true]),
            (json!({ "typ": "application/JWT" }), json!({}), [true, true]),
            (json!({ "typ": null }), json!({}), [true, true]),
            (json!({ "kid": null }), json!({}), [true, true]),
            (json!({ "kid": "other" }), json!({}), [false, false]),
            (json!({}), json!({ "iat": null }), [true, true]),
            (json!({}), json!({ "exp": 60.5 + now as f64, "iat": 0.5 + now as f64 }), [true, true]),
            (json!({}), json!({ "nbf": now - 1 }), [true, true]),
            (json!({}), json!({ "exp": now + 300 }), [true, true]),
            (json!({}), json!({ "exp": now + 301 }), [true, false]),
            (json!({}), json!({ "exp": now + 3600 }), [true, false]),
            (json!({}), json!({ "exp": now + 3601 }), [false, false]),
            (json!({}), json!({ "exp": now + 3600, "iat": now - 1 }), [false, false]),
            (json!({}), json!({ "exp": now + 290, "iat": now - 11 }), [true, false]),
            (json!({}), json!({ "exp": 1e300 }), [false, false]),
            (json!({}), json!({ "exp": format!("{}", now + 60) }), [false, false]),
        ];
        for (header, claims, expected) in table {
            for (agent, good) in [&plain, &fapi].into_iter().zip(expected) {
                let mut of_header = json!({ "alg": "ES256", "typ": "JWT", "kid": key(agent) });
                writ_testkit::merge(&mut of_header, header.clone());
                let mut set = agent.assertion.assertion_claims(&agent.id, ISSUER, now);
                writ_testkit::merge(&mut set, claims.clone());
                let assertion = agent.assertion.sign(&of_header, &set);
                let proof = agent.proof(&world, "/token");
                let form = TestAgent::own_work().with("scope", "accounts:read");
                let parts = writ_testkit::SignedParts { assertion: &assertion, proof: &proof };
                let reply = agent.send_exactly(&world, "/token", &form, parts).await;
                let what = format!("{} {header} {claims}: {}", agent.id, reply.text());
                assert_eq!(reply.status == 200, good, "{what}");
            }
        }
    }
);

/// An RSA key of 2048 bits and one of 1024; the signatures were made by OpenSSL, for the time at which every test starts.
const MODULUS: &str = "rUl7d6gAGOBDYX3fCor1Tds2mi4kDNCEC7ijLiu9aVG30Rext9JW0LxRJBEhmUydev11MTfc4d9-he8jQov3QRJ1-QbP6EYsfFFQaCVd8kiTCX\
    ehA8gcSF3tVZT5Odk3M-pxlswgqVTuA1F41AcSWmCT7Y8RgDoOJXmFGh26DDHbZkEmxVnijvHDRjt15G4MfNDaxfW2Levlj5GVPB8p2q7tMo7d\
    aZNamMhu9z_mlWQHGfR4eW0iKgGuDiwWOpwK_43LrIKQAz4PNnqtvxa-X8rQViVWemGXrYGDvxIah4f9UJMOjKlyKqyl8kceYIM5U8XIlUvbnD\
    2EX6yJldyiAQ";
const SMALL_MODULUS: &str = "vEkUFgOggCYbnKx73qLFHxrQMTUWBbbrphe2n6LjJ5Pql5jZU5Oioe2jYGZXUD2NqLsjBOSEyfhzUcax9ZxpVujwplTadvwCP61-qyAZc8aSmV\
    DS-AtP_dvhKY_DajieyiWchGn62XZUEVG8kDqee1z9DyK-46anPE-hUpMJsHc";
const RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwbGFpbiIsInN1YiI6InBsYWluIiwiYXVkIjoiaHR0cDovL\
    2xvY2FsaG9zdDo5L3Rva2VuIiwiZXhwIjoxNzkwMDAzNjAwLCJqdGkiOiJyczEifQ.SGbkm8cDUET_cat0w4NdEPA8XZWgLt-SkptbG_E2VipQ\
    HN7B1k-vIJdQrYSvn_ji2LaxhGyJmMiE0rwo1lljH87uiBZ9-enO6QEv2X-HGcGI7kEaR3vuyhMsS7L-hXpiJr-BYybv0Uev5CDCdv0h6oBj8a\
    t4LEjrBgC1YjddGsBAPy8VGZ8zCHU-Z7FVV92zwluu0DqVEZkxVUDjdv4_F8m7y3iK7-IMUKlMUVaqzAJRB3c3gJOIu0SS_qTQbxU5t9-pJAVR\
    XpoOMAg2UnZVedPuYTqwbGlCPUsPtkPinmOjR8B6J9pjTLnK_bwezpIIu-u1ur8a0EP3ZTlpmsKTEw";
const PS256: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwbGFpbiIsInN1YiI6InBsYWluIiwiYXVkIjoiaHR0cDovL\
    2xvY2FsaG9zdDo5L3Rva2VuIiwiZXhwIjoxNzkwMDAzNjAwLCJqdGkiOiJwczEifQ.I7Mt-cY7lQRCYkiyDTCKxVurOnzx318m3WvmykAbEU_c\
    -odg5NvPa7vWz6YacVhuSiMwZLBBLxEfNIio5cspV5QWpDuBU_X3Yrg0rdFbsDKOfbmwPqpZ0aew2CsMy3HJBllFzh6aEwGwLwF4IF8v0yTOL5\
    y5sf6FmAFZA7umI6MOgc59zLCqoQSc0n3AhMYd1HrlNSVE7GtCB3Rb-1xiqJJ6k5rmd_VYpZcjqxkPuCYnis6jxm2r368g8nJPlaS6GSqXiRkE\
    78WnGr-kb3DjdqZcDxqcXNEbFgaSbJTPtf0fV3DnFjFcfZIahfeB-tCQAP_I93IBLw2zbDl-VHpQiA";
const RS256_SECOND: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJwbGFpbiIsInN1YiI6InBsYWluIiwiYXVkIjoiaHR0cDovL\
    2xvY2FsaG9zdDo5L3Rva2VuIiwiZXhwIjoxNzkwMDAzNjAwLCJqdGkiOiJyczIifQ.jnL4bwxT4vQbHqf3JjsCBPvkut2-zC1KnjsWs-_x6DzD\
    FHHPommyrmfeAwW1tWTErsULAFLNoF2kGA8fqrkXgbhUEZqTTdw-35p3G6h3gut0uUhdDFl0rhXW51Cc9JO5uZlpDUN234Zcil5lzVBIUJbRZH\
    rDLJO2oNBEWb-ajwS4hxeKvmfa_MRZ6_nmP29nRKvvR6SkiJnLshj-O3gO0J-bBL93SfCafuh4RWm2lpG9NDOSKaqQkvNViWCrhXD9vlTeiSwk\
    Fc76_3xeNtYZazBvAJgRCDqjZsc6Tht7Z7YA43KysAOTAwnAjpEzOV02OhJvHvkdsqPQr1SLiIkw8Q";
const FAPI_RS256: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJmYXBpIiwic3ViIjoiZmFwaSIsImF1ZCI6Imh0dHA6Ly9sb\
    2NhbGhvc3Q6OSIsImV4cCI6MTc5MDAwMDA2MCwianRpIjoiZjEifQ.QQxaLqlp1AXRaRR8gfAkfy_q5LeHUzJlL-7kN7W_dfT2HmqtvBP0FdRM\
    1aLkiQA80qbOPWUBSS_yFM7CJlNGZ9SYIDC18x2jIoiJmnpSwsYbjsRayBeXPzqcz6FW3wjkr_JXbYik_uC3P2upRHJ_PoVBI7_1sApxrf9g91\
    DCPqaD1dHf8F6FZCYybuzmiiarFnVo937CHkFGw2f3uEJ9sjuwa2IC1Dfopu4sJYgNd_DvZOpf2dF9bkz7INlJO6T8NzsTBDOlz_IZuxcuM-HK\
    PgZc9NgPCJw6HqqitBDvsrBU-H5XJGRYjrL4mS2kScXwrz8ih7nVGHGabuVy_C5oeQ";
const FAPI_PS256: &str = "eyJhbGciOiJQUzI1NiIsImtpZCI6InJzYSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJmYXBpIiwic3ViIjoiZmFwaSIsImF1ZCI6Imh0dHA6Ly9sb\
    2NhbGhvc3Q6OSIsImV4cCI6MTc5MDAwMDA2MCwianRpIjoiZjIifQ.ap1En_OwZyGIkmF3kSE2RYWUgBcVAr7ZkwjnYkqFBV9ACglJk2jU72sd\
    5MMhZweXnO-5r4kifPIY1vH0iNxWBSEjtV-4ZMlZvnsv2OvytMDB2_EFlyWVMl4hu-cFllNVL8vCuEldTpnjm5tDKJkRSpk6Pv86pi7nqIFsbd\
    4-KEd8jdA8J3X9QgsQQhYDhprKF6kYcMS1vR0ziHHPChOIdOelQE_tF8wqanCxuZd5iv9_O-RNoB613YWeZAui9omH83L66ZapGRAhskL8-EKr\
    UCjluRVCVjxHDEBBzOcHkxBCinquCLnNc9Ewrv8FnsyLT3ZFrhDDGTB37lTfhay8eg";
