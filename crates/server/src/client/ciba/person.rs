//! Finds the person whom a hint names (CIBA section 7.1): a `login_hint`, a `login_hint_token` of the client or an `id_token_hint`.

use writ_core::OAuthError;
use writ_jose::assertion::{self, AssertionError, HintRules};
use writ_wire::ciba::{BackchannelRequest, UserHint};
use writ_wire::error::ErrorCode;

use crate::approvals::create::{ApprovalContext, HintedPerson, verify_own_token};
use crate::node::failure::Failure;

pub async fn hinted(
    context: &ApprovalContext<'_>,
    request: &BackchannelRequest,
) -> Result<HintedPerson, Failure> {
    let subject = match &request.hint {
        UserHint::Login(text) => text.clone(),
        UserHint::LoginToken(text) => by_client(context, text).await?,
        UserHint::IdToken(text) => by_id_token(context, text).await?,
    };
    let asking = match &request.subject_token {
        Some(text) => Some(verify_own_token(context, text).await?),
        None => None,
    };
    Ok(HintedPerson { subject, asking })
}

fn rules<'a>(context: &'a ApprovalContext<'_>) -> HintRules<'a> {
    HintRules {
        client_id: context.request.client().id.as_str(),
        issuer: context.request.app.config.issuer.as_str(),
        now: context.request.now,
    }
}

async fn by_client(context: &ApprovalContext<'_>, text: &str) -> Result<String, Failure> {
    let client = context.request.client();
    let keys = context
        .request
        .app
        .client_keys(client, text, context.request.address)
        .await;
    let keys = keys.map_err(|missing| {
        missing.failure(|why| {
            let sentence = format!("`login_hint_token`: {why}");
            context.refuse(OAuthError::invalid_request(sentence))
        })
    })?;
    assertion::login_hint(text, &keys, &rules(context)).map_err(|error| {
        let sentence = format!("`login_hint_token` is not usable: {error}");
        let code = match error {
            AssertionError::Expired => ErrorCode::ExpiredLoginHintToken,
            _ => ErrorCode::InvalidRequest,
        };
        context.refuse(OAuthError::new(code, sentence))
    })
}

async fn by_id_token(context: &ApprovalContext<'_>, text: &str) -> Result<String, Failure> {
    let refuse = |why: &dyn std::fmt::Display| {
        context.refuse(OAuthError::invalid_request(format!(
            "`id_token_hint` is not usable: {why}"
        )))
    };
    let key = match assertion::unverified_kid(text) {
        Some(kid) => context.request.app.ever_published(&kid).await?,
        None => None,
    };
    let key = key.ok_or_else(|| refuse(&"it is signed by no key of this server"))?;
    assertion::id_token_hint(text, &key, &rules(context)).map_err(|e| refuse(&e))
}
