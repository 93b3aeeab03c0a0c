//! Who is hinted (CIBA 7.1), by a name, a token of the client or one of ours; and the person's code against unwanted questions.

use std::time::Duration;

use writ_core::Refusal;
use writ_core::client::Authentication;
use writ_jose::access_token;
use writ_jose::assertion::{self, AssertionError, HintRules};
use writ_jose::key::PublicKey;
use writ_wire::ciba::{BackchannelRequest, Hint};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;

use super::{Ask, facts};
use crate::answer::Failure;

/// Wrong codes in a row before each further one pauses the code.
pub const MAX_CODE_FAILURES: i64 = 5;
pub const CODE_PAUSE: Duration = Duration::from_secs(900);

/// What the request says of the person; everything that is signed is verified.
pub struct Hinted {
    /// A name, or a `usr_` id.
    pub subject: String,
    /// The asking agent's own token.
    pub asking: Option<AccessTokenClaims>,
}

pub async fn hinted(ask: &Ask<'_>, request: &BackchannelRequest) -> Result<Hinted, Failure> {
    let subject = match &request.hint {
        Hint::Login(text) => text.clone(),
        Hint::LoginToken(text) => by_client(ask, text)?,
        Hint::IdToken(text) => by_id_token(ask, text).await?,
    };
    let asking = match &request.subject_token {
        Some(text) => Some(own_token(ask, text).await?),
        None => None,
    };
    Ok(Hinted { subject, asking })
}

fn rules<'a>(ask: &'a Ask<'_>) -> HintRules<'a> {
    HintRules {
        client_id: ask.caller.client.id.as_str(),
        issuer: ask.app.config.issuer.as_str(),
        now: ask.now,
    }
}

fn by_client(ask: &Ask<'_>, text: &str) -> Result<String, Failure> {
    let Authentication::PrivateKeyJwt(keys) = &ask.caller.client.authentication else {
        return Err(ask.refuse(Refusal::invalid_request(
            "`login_hint_token`: this client has no registered keys",
        )));
    };
    assertion::login_hint(text, keys, &rules(ask)).map_err(|error| {
        let sentence = format!("`login_hint_token` is not usable: {error}");
        let code = match error {
            AssertionError::Expired => ErrorCode::ExpiredLoginHintToken,
            _ => ErrorCode::InvalidRequest,
        };
        ask.refuse(Refusal::new(code, sentence))
    })
}

async fn by_id_token(ask: &Ask<'_>, text: &str) -> Result<String, Failure> {
    let refuse = |why: &dyn std::fmt::Display| {
        ask.refuse(Refusal::invalid_request(format!(
            "`id_token_hint` is not usable: {why}"
        )))
    };
    let kid = assertion::unverified_kid(text);
    let key = match kid {
        Some(kid) => ever_published(ask, &kid).await?,
        None => None,
    };
    let key = key.ok_or_else(|| refuse(&"it is signed by no key of this server"))?;
    assertion::id_token_hint(text, &key, &rules(ask)).map_err(|e| refuse(&e))
}

/// Old keys sign nothing, but what they signed still says who was meant.
async fn ever_published(ask: &Ask<'_>, kid: &str) -> Result<Option<PublicKey>, Failure> {
    if let Some(key) = ask.app.keys().await?.find(kid) {
        return Ok(Some(key));
    }
    let rows = ask.app.read().await?.signing_keys().await?;
    let row = rows.into_iter().find(|row| row.kid == kid);
    let jwk = row.and_then(|row| serde_json::from_str(&row.public_jwk).ok());
    Ok(jwk.and_then(|jwk| PublicKey::from_jwk(&jwk).ok()))
}

async fn own_token(ask: &Ask<'_>, text: &str) -> Result<AccessTokenClaims, Failure> {
    let keys = ask.app.keys().await?;
    let issuer = ask.app.config.issuer.as_str();
    access_token::verify(text, |kid| keys.find(kid), issuer, ask.now).map_err(|e| {
        ask.refuse(Refusal::invalid_request(format!(
            "the subject token is not usable: {e}"
        )))
    })
}

/// For clients that send it (CIBA 7.1, `user_code`): outside the transaction, because a slow hash may take no connection.
pub async fn check_code(
    ask: &Ask<'_>,
    request: &BackchannelRequest,
    hinted: &Hinted,
) -> Result<(), Failure> {
    let (app, client) = (ask.app, &ask.caller.client);
    if !client.backchannel.user_code {
        return Ok(());
    }
    let mut session = app.read().await?;
    let loaded = facts::load(ask, &mut session, hinted).await?;
    let user = loaded.person(client).map_err(|r| ask.refuse(r))?.id.clone();
    let settings = session.settings(&user).await?.unwrap_or_default();
    drop(session);
    let Some(hash) = settings.user_code_hash else {
        return Ok(());
    };
    let Some(code) = &request.user_code else {
        let sentence = "parameter `user_code` is missing: this person has one";
        return Err(ask.refuse(Refusal::new(ErrorCode::MissingUserCode, sentence)));
    };
    let wrong = || Refusal::new(ErrorCode::InvalidUserCode, "the user code is wrong");
    if settings
        .user_code_paused_until
        .is_some_and(|until| ask.now < until)
    {
        return Err(ask.refuse(wrong().because("paused after wrong user codes")));
    }
    let Ok(right) = app.passwords.verify(code.clone(), Some(hash)).await else {
        let busy = "too many codes are being checked: try again";
        return Err(ask.refuse(Refusal::new(ErrorCode::TemporarilyUnavailable, busy)));
    };
    let mut session = app.begin().await?;
    if right {
        session.clear_user_code_failures(&user).await?;
    } else {
        let until = ask.now.plus(CODE_PAUSE);
        session
            .record_user_code_failure(&user, MAX_CODE_FAILURES, until, ask.now)
            .await?;
    }
    session.commit().await?;
    if right {
        Ok(())
    } else {
        Err(ask.refuse(wrong()))
    }
}
