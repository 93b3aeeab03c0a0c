//! Every row of the table of checks, driven through HTTP: who comes, with which proof, and whether the row lets them pass.

use serde_json::{Value, json};
use writ_core::checks::{ClientRule, Endpoint, ProofRule};
use writ_testkit::{
    Cast, Change, Fields, Forge, ISSUER, TRANSACTIONS, TestReply, VERIFIER, Web, World, both_with,
    poll_form, poll_transaction_form, with,
};
use writ_wire::token::GrantType;

/// Who sends the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    /// An agent, with a client assertion. It never has bearer tokens.
    Agent,
    /// A client with a secret that may have bearer tokens.
    BearerClient,
    /// A public client that may have bearer tokens, with its `client_id`.
    PublicClient,
    /// A client that has keys, with nothing but its `client_id`.
    Unauthenticated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    Absent,
    Good,
    Malformed,
}

/// What became of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    ClientRefused,
    ProofRequired,
    ProofRefused,
    /// No check of the table refused it.
    Passed,
}

const SENDERS: [Sender; 4] = [
    Sender::Agent,
    Sender::BearerClient,
    Sender::PublicClient,
    Sender::Unauthenticated,
];
const PROOFS: [Proof; 3] = [Proof::Absent, Proof::Good, Proof::Malformed];

fn expected(endpoint: Endpoint, sender: Sender, proof: Proof) -> Verdict {
    let checks = endpoint.checks();
    let is_known = match checks.client {
        ClientRule::Unauthenticated => true,
        ClientRule::Authenticated => matches!(sender, Sender::Agent | Sender::BearerClient),
        ClientRule::AuthenticatedOrPublic => sender != Sender::Unauthenticated,
        // There is no form in which an assertion or a `client_id` could stand.
        ClientRule::AuthenticatedOrToken => sender == Sender::BearerClient,
        // `tests/operate/api.rs` brings tokens.
        ClientRule::OwnToken => false,
    };
    let is_bearer = matches!(sender, Sender::BearerClient | Sender::PublicClient);
    match (checks.proof, proof) {
        _ if !is_known => Verdict::ClientRefused,
        (ProofRule::Ignored | ProofRule::OfToken, _) | (_, Proof::Good) => Verdict::Passed,
        (_, Proof::Malformed) => Verdict::ProofRefused,
        (ProofRule::IfSent, Proof::Absent) => Verdict::Passed,
        (ProofRule::UnlessBearer, Proof::Absent) if is_bearer => Verdict::Passed,
        (ProofRule::UnlessBearer | ProofRule::Required, Proof::Absent) => Verdict::ProofRequired,
    }
}

fn verdict(reply: &TestReply) -> Verdict {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let sentence = body["error_description"].as_str().unwrap_or_default();
    match body["error"].as_str().unwrap_or_default() {
        "invalid_client" => Verdict::ClientRefused,
        "invalid_dpop_proof" => Verdict::ProofRefused,
        _ if sentence.contains("send one `DPoP` header") => Verdict::ProofRequired,
        _ => Verdict::Passed,
    }
}

struct Senders {
    cast: Cast,
    bearer: Web,
    public: Web,
    key: Forge,
}

impl Senders {
    async fn of(world: &World) -> Self {
        let public = json!({ "client_id": "public", "token_endpoint_auth_method": "none" });
        Self {
            cast: Cast::of(world).await,
            bearer: Web::register(world, json!({})).await,
            public: Web::register(world, public).await,
            key: Forge::new(&world.random),
        }
    }

    /// Just good enough that the checks of the table come first.
    fn form(&self, endpoint: Endpoint) -> Fields {
        match endpoint {
            Endpoint::Par | Endpoint::Authorize => self.bearer.request().without("client_id"),
            Endpoint::Token(grant) => self.grant_form(grant),
            Endpoint::Backchannel => self.cast.question(),
            Endpoint::DeviceAuthorization => vec![("scope", "accounts:read".to_owned())],
            Endpoint::Transaction => poll_transaction_form("x"),
            Endpoint::Introspect | Endpoint::Revoke => vec![("token", "x".to_owned())],
            Endpoint::Userinfo
            | Endpoint::Evaluation
            | Endpoint::Evaluations
            | Endpoint::Outcomes
            | Endpoint::AccessRequest
            | Endpoint::ForwardAuth
            | Endpoint::Api => Vec::new(),
        }
    }

    fn grant_form(&self, grant: GrantType) -> Fields {
        let form = vec![("grant_type", grant.as_str().to_owned())];
        match grant {
            GrantType::AuthorizationCode => form.with("code", "x").with("code_verifier", VERIFIER),
            GrantType::RefreshToken => form.with("refresh_token", "x"),
            GrantType::ClientCredentials => form,
            GrantType::TokenExchange => self.cast.exchange_form("x", None),
            GrantType::Ciba => poll_form("x"),
            GrantType::DeviceCode => form.with("device_code", "x"),
        }
    }

    async fn send(
        &self,
        world: &World,
        endpoint: Endpoint,
        sender: Sender,
        proof: Option<&str>,
    ) -> TestReply {
        let headers: Vec<(&str, &str)> = proof.map(|proof| ("dpop", proof)).into_iter().collect();
        let (path, form) = (endpoint.path(), self.form(endpoint));
        let agent = &self.cast.planner;
        match sender {
            Sender::Agent => {
                let form = with(&form, "client_id", agent.id.as_str());
                agent.send_with(world, path, &form, &headers).await
            }
            Sender::BearerClient => {
                let form = with(&form, "client_id", self.bearer.id.as_str());
                self.bearer.send(world, path, &form, &headers).await
            }
            Sender::PublicClient => self.public.send(world, path, &form, &headers).await,
            Sender::Unauthenticated => {
                let form = with(&form, "client_id", agent.id.as_str());
                let pairs: Vec<(&str, &str)> = form.iter().map(|(n, v)| (*n, v.as_str())).collect();
                world.post(path, &pairs, &headers).await
            }
        }
    }

    fn proof(&self, world: &World, path: &str) -> String {
        let url = format!("{ISSUER}{path}");
        self.key.proof("POST", &url, world.now().seconds())
    }
}

both_with!(
    every_row_of_the_table_is_what_the_server_does,
    TRANSACTIONS,
    |world| async {
        let senders = Senders::of(&world).await;
        let tokens = [Endpoint::Userinfo, Endpoint::Api];
        for endpoint in Endpoint::ALL
            .into_iter()
            .filter(|one| !tokens.contains(one))
        {
            for sender in SENDERS {
                for proof in PROOFS {
                    let good = senders.proof(&world, endpoint.path());
                    let sent = match proof {
                        Proof::Absent => None,
                        Proof::Good => Some(good.as_str()),
                        Proof::Malformed => Some("x"),
                    };
                    let reply = senders.send(&world, endpoint, sender, sent).await;
                    assert_eq!(
                        verdict(&reply),
                        expected(endpoint, sender, proof),
                        "{endpoint:?} {sender:?} {proof:?}: {}",
                        reply.text()
                    );
                }
            }
        }
    }
);

both_with!(
    /// A token comes instead of a client, and says by its binding whether it is a bearer token.
    the_row_of_userinfo_is_what_the_server_does,
    TRANSACTIONS,
    |world| async {
        let senders = Senders::of(&world).await;
        let web = &senders.bearer;
        for (sender, scheme) in [(Sender::Agent, "DPoP"), (Sender::BearerClient, "Bearer")] {
            let code = web.code(&world, &web.request().with("scope", "openid")).await;
            let proof = senders.proof(&world, "/token");
            let bound = (sender == Sender::Agent).then_some(("dpop", proof.as_str()));
            let headers: Vec<(&str, &str)> = bound.into_iter().collect();
            let form = web.redeem_form(&code);
            let token = web.send(&world, "/token", &form, &headers).await;
            let token = token.access_token();
            let authorization = format!("{scheme} {token}");
            let url = format!("{ISSUER}/userinfo");
            for proof in PROOFS {
                let now = world.now().seconds();
                let good = senders.key.proof_with("POST", &url, now, &token);
                let mut headers = vec![("authorization", authorization.as_str())];
                match proof {
                    Proof::Absent => {}
                    Proof::Good => headers.push(("dpop", &good)),
                    Proof::Malformed => headers.push(("dpop", "x")),
                }
                let reply = world.post("/userinfo", &[], &headers).await;
                let expected = match (sender, proof) {
                    // Nothing says by which key it should be.
                    (Sender::BearerClient, _) => Verdict::Passed,
                    (sender, proof) => expected(Endpoint::Userinfo, sender, proof),
                };
                let what = format!("{sender:?} {proof:?}: {}", reply.text());
                assert_eq!(verdict(&reply), expected, "{what}");
                assert_eq!(reply.status == 200, expected == Verdict::Passed, "{what}");
            }
        }
    }
);
