//! The program of docs/axum.md: an API whose deletions wait for a person's yes.

use std::collections::HashMap;
use std::env;
use std::error::Error;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete};
use axum::{Extension, Json, Router};
use serde_json::{Map, Value, json};
use writ_verifier::{
    BearerPolicy, Caller, ClientSecret, Decisions, DecisionsConfig, GatedAction, NotPermitted,
    ProofsJudged, ResourceUri, Verifier, VerifierConfig, VerifierEnvironment, VerifierLayer,
    Waiting,
};

/// What the handlers share.
struct Notes {
    decisions: Decisions,
    texts: Mutex<HashMap<String, String>>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (issuer, resource) = (env::var("ISSUER")?, env::var("RESOURCE")?);
    let uri = ResourceUri::parse(&resource)?;

    let mut config = VerifierConfig::new(&issuer, uri.clone(), &resource);
    config.bearer = BearerPolicy::Allow; // also tokens that are bound to no key: curl has none
    let verifier = Verifier::new(config, VerifierEnvironment::system()?)?;

    let config = DecisionsConfig {
        issuer,
        resource: uri,
        client_id: "notes".to_owned(),
        client_secret: ClientSecret::new(env::var("CLIENT_SECRET")?),
        proofs: ProofsJudged::Here,
    };
    let decisions = Decisions::new(config, VerifierEnvironment::system()?)?;
    let checked = decisions.check_credentials().await;
    checked.map_err(|why| why.to_string())?; // a wrong secret is told now
    let texts = [("Shopping list".to_owned(), "milk".to_owned())];
    let notes = Arc::new(Notes {
        decisions,
        texts: Mutex::new(texts.into()),
    });

    // Anybody may read this document (RFC 9728): it stands outside of the layer. A resource with a path has it behind the name.
    let document = verifier.resource_metadata(&["notes:write"], &[]);
    let metadata =
        any(move |method: Method| async move { document.answer(&method).map(Body::from) });
    let app = Router::new()
        .route("/notes/{title}", delete(delete_note))
        .with_state(notes)
        .layer(VerifierLayer::new(verifier))
        .route("/.well-known/oauth-protected-resource", metadata);

    let port = env::var("PORT").unwrap_or("8000".to_owned());
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening at {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

impl Notes {
    /// Runs after a person's yes, once, with the arguments that the person saw.
    async fn delete(&self, judged: Map<String, Value>) -> Result<bool, &'static str> {
        let title = judged
            .get("title")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut texts = self.texts.lock().map_err(|_| "the notes cannot be read")?;
        Ok(texts.remove(title).is_some())
    }
}

async fn delete_note(
    State(notes): State<Arc<Notes>>,
    Extension(caller): Extension<Caller>,
    Path(title): Path<String>,
) -> Result<Response, NotPermitted> {
    let action = GatedAction::named(
        "delete_note",
        Map::from_iter([("title".to_owned(), title.into())]),
    )?;
    let waiting = Waiting::default(); // 8 seconds; then 409, and the same call again finds the answer
    let decided = notes
        .decisions
        .gated(&caller, action, &waiting, |judged| notes.delete(judged));
    Ok(match decided.await? {
        Ok(deleted) => {
            Json(json!({ "deleted": deleted, "for": caller.subject.id() })).into_response()
        }
        Err(why) => (StatusCode::INTERNAL_SERVER_ERROR, why).into_response(),
    })
}
