//! What somebody sends who proved nothing, to each endpoint that takes it, and what may be left of any number of them.

use bytes::Bytes;
use http::Request;
use serde_json::json;
use writ_core::authorize::MAX_FRONT_REQUESTS;
use writ_core::device::MAX_DEVICES_OF_ADDRESS;
use writ_testkit::{Fields, Forge, ISSUER, Web, World, basic, front_url};

use crate::client::dynamic_registration::asked;

pub(super) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
pub(super) const CODE: &str = "grant_type=authorization_code&client_id=app&code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&code=";
/// What is kept of any number of refused requests in one minute: a count for each code, and what limits them.
pub(super) const FEW: usize = 6;
/// Registrations of one address in an hour.
pub(super) const REGISTRATIONS: usize = 5;

/// So many requests, or as many as the environment says: `WRIT_MADE_UP=10000`.
pub(super) fn as_many(usual: u32) -> u32 {
    let asked = std::env::var("WRIT_MADE_UP").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What one stranger sends.
pub(super) struct Attack {
    pub(super) what: &'static str,
    pub(super) send: fn(&World, u32) -> Request<Bytes>,
    /// Rows that are left of any number of them.
    pub(super) rows: usize,
    /// Of the last one.
    pub(super) status: u16,
}

pub(super) fn form(path: &str, body: String) -> Request<Bytes> {
    form_with(path, body, &[])
}

pub(super) fn form_with(path: &str, body: String, headers: &[(&str, &str)]) -> Request<Bytes> {
    let mut request =
        Request::post(path).header("content-type", "application/x-www-form-urlencoded");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Bytes::from(body)).unwrap()
}

pub(super) fn page(path: &str) -> Request<Bytes> {
    Request::get(path).body(Bytes::new()).unwrap()
}

pub(super) fn encoded(fields: &Fields) -> String {
    let url = front_url(fields);
    url.split_once('?').unwrap().1.to_owned()
}

/// The public client, which anybody can name.
pub(super) fn app() -> Web {
    Web {
        id: "app".to_owned(),
        secret: None,
    }
}

pub(super) fn assertion(world: &World, number: u32) -> String {
    let (key, now) = (Forge::new(&world.random), world.now().seconds());
    let assertion = key.assertion("agt_planner", ISSUER, now);
    format!(
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}&n={number}"
    )
}

pub(super) const fn refused(what: &'static str, send: fn(&World, u32) -> Request<Bytes>) -> Attack {
    let (rows, status) = (FEW, 429);
    Attack {
        what,
        send,
        rows,
        status,
    }
}

pub(super) const fn nothing(
    what: &'static str,
    status: u16,
    send: fn(&World, u32) -> Request<Bytes>,
) -> Attack {
    let rows = FEW;
    Attack {
        what,
        send,
        rows,
        status,
    }
}

/// Requests that are refused, since they prove nothing.
pub(super) const REFUSED: [Attack; 15] = [
    refused("codes", |_, n| form("/token", format!("{CODE}{n}"))),
    refused("refresh tokens", |_, n| {
        form(
            "/token",
            format!("grant_type=refresh_token&client_id=app&refresh_token=x{n}"),
        )
    }),
    refused("device codes", |_, n| {
        form(
            "/token",
            format!("grant_type={DEVICE}&client_id=app&device_code=x{n}"),
        )
    }),
    refused("secrets", |_, n| {
        let secret = basic("bank-api", &format!("x{n}"));
        form_with(
            "/introspect",
            "token=x".to_owned(),
            &[("authorization", &secret)],
        )
    }),
    refused("clients", |_, n| {
        form(
            "/token",
            format!("grant_type=client_credentials&client_id=c{n}&client_secret=x"),
        )
    }),
    refused("grants", |_, n| form("/token", format!("grant_type=g{n}"))),
    refused("assertions", |world, n| {
        form(
            "/token",
            format!("grant_type=client_credentials&{}", assertion(world, n)),
        )
    }),
    refused("questions", |world, n| {
        form(
            "/bc-authorize",
            format!("login_hint=alice&scope=openid&{}", assertion(world, n)),
        )
    }),
    refused("challenges", |world, n| {
        form(
            "/transaction_authorization",
            format!("transaction_challenge=x&{}", assertion(world, n)),
        )
    }),
    refused("wrong requests of a public client", |_, n| {
        form("/par", format!("client_id=app&scope=x{n}"))
    }),
    refused("wrong requests of a device", |_, n| {
        form("/device_authorization", format!("client_id=app&scope=x{n}"))
    }),
    refused("access tokens", |_, n| {
        let token = format!("Bearer x{n}");
        let request = Request::get("/userinfo").header("authorization", token);
        request.body(Bytes::new()).unwrap()
    }),
    refused("revocations", |_, n| {
        form("/revoke", format!("client_id=app&token=x{n}"))
    }),
    refused("metadata", |_, n| {
        let request = Request::post("/register").header("content-type", "application/json");
        request
            .body(Bytes::from(format!("{{\"redirect_uris\":{n}}}")))
            .unwrap()
    }),
    refused("registration access tokens", |_, n| {
        let token = format!("Bearer x{n}");
        let request = Request::get("/register/dyn_x").header("authorization", token);
        request.body(Bytes::new()).unwrap()
    }),
];

/// Requests that anybody may send, and that leave something.
pub(super) const KEPT: [Attack; 4] = [
    Attack {
        what: "pushed requests",
        send: |_, _| form("/par", encoded(&app().request())),
        rows: MAX_FRONT_REQUESTS.unsigned_abs() as usize + FEW,
        status: 429,
    },
    Attack {
        what: "requests in the front channel",
        send: |_, _| page(&front_url(&app().request())),
        rows: MAX_FRONT_REQUESTS.unsigned_abs() as usize + FEW,
        status: 429,
    },
    Attack {
        what: "devices",
        send: |_, _| {
            form(
                "/device_authorization",
                "client_id=app&scope=accounts%3Aread".to_owned(),
            )
        },
        rows: MAX_DEVICES_OF_ADDRESS.unsigned_abs() as usize + FEW,
        status: 429,
    },
    Attack {
        what: "registrations",
        send: |_, _| {
            let request = Request::post("/register").header("content-type", "application/json");
            request
                .body(Bytes::from(asked(json!({})).to_string()))
                .unwrap()
        },
        // A client, its registration and an event each.
        rows: REGISTRATIONS * 3 + FEW,
        status: 429,
    },
];

/// Pages and documents, which keep nothing.
pub(super) const NOTHING: [Attack; 11] = [
    nothing("types", 404, |_, n| page(&format!("/types/{n}"))),
    nothing("metadata", 404, |_, n| page(&format!("/.well-known/x{n}"))),
    nothing("the login", 200, |_, _| page("/login?next=%2Fapp")),
    nothing("logins for requests", 400, |_, n| {
        page(&format!("/login?request=x{n}"))
    }),
    nothing("challenges of passkeys", 403, |_, n| {
        form("/login/passkey/options", format!("csrf=x{n}"))
    }),
    nothing("answers of passkeys", 403, |_, n| {
        form("/login/passkey", format!("csrf=x{n}&assertion=%7B%7D"))
    }),
    nothing("consents", 400, |_, n| {
        page(&format!("/consent?request=x{n}"))
    }),
    nothing("request URIs", 400, |_, n| {
        page(&format!(
            "/authorize?client_id=app&request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax{n}"
        ))
    }),
    nothing("clients that nobody knows", 400, |_, n| {
        page(&format!("/authorize?client_id=x{n}"))
    }),
    nothing("user codes", 303, |_, n| {
        page(&format!("/device?user_code=x{n}"))
    }),
    nothing("logouts", 400, |_, n| {
        page(&format!("/logout?id_token_hint=x{n}"))
    }),
];
