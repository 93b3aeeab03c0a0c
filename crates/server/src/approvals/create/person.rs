//! The person whom a request is about, named or by the asking agent's own token; and the check of their `user_code` (CIBA section 7.1).

use std::time::Duration;

use writ_core::OAuthError;
use writ_core::id::UserId;
use writ_jose::access_token;
use writ_store::attempts::Admission;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;

use super::{ApprovalContext, facts};
use crate::node::failure::Failure;
use crate::node::outage::RETRY_AFTER;
use crate::node::passwords::{HashFor, HashHolder, PasswordPoolFull};
use crate::node::rate_limits::RateLimit;

/// What the request says of the person; everything that is signed is verified.
pub struct HintedPerson {
    /// A name, or a `usr_` id.
    pub subject: String,
    /// The asking agent's own token.
    pub asking: Option<AccessTokenClaims>,
}

/// The token of the chain that asks, as far as the token alone says.
pub async fn verify_own_token(
    context: &ApprovalContext<'_>,
    text: &str,
) -> Result<AccessTokenClaims, Failure> {
    let (app, now) = (&context.request.app, context.request.now);
    let keys = app.keys().await?;
    let issuer = app.config.issuer.as_str();
    access_token::verify(text, |kid| keys.find(kid), issuer, now).map_err(|e| {
        context.refuse(OAuthError::invalid_request(format!(
            "the subject token is not usable: {e}"
        )))
    })
}

/// For clients that send it (CIBA 7.1, `user_code`): outside the transaction, because a slow hash may take no connection.
/// Counted before it is looked at, so that many guesses at once are no more than those one after the other.
pub async fn check_code(
    context: &ApprovalContext<'_>,
    code: Option<&String>,
    hinted: &HintedPerson,
) -> Result<(), Failure> {
    let app = &context.request.app;
    let Some((user, hash)) = guard_of(context, hinted).await? else {
        return Ok(());
    };
    let Some(code) = code else {
        let sentence = "parameter `user_code` is missing: this person has one";
        return Err(context.refuse(OAuthError::new(ErrorCode::MissingUserCode, sentence)));
    };
    let wrong = || OAuthError::new(ErrorCode::InvalidUserCode, "the user code is wrong");
    let busy = || {
        let busy = "too many codes are being checked: try again";
        let refused = context.refuse(OAuthError::new(ErrorCode::TemporarilyUnavailable, busy));
        refused.with_retry_after(Duration::from_secs(RETRY_AFTER))
    };
    let paused = || context.refuse(wrong().because("paused after wrong user codes"));
    let client = HashHolder::of(context.request.client().id.as_str());
    let tries = RateLimit::of_user_code(&user, context.request.now);
    let Ok(room) = app.passwords.room(HashFor::Client(client)) else {
        let until = app.paused_until(std::iter::once(&tries)).await?;
        return Err(until.map_or_else(busy, |_| paused()));
    };
    if app.admit_attempt(&tries).await? != Admission::Admitted {
        return Err(paused());
    }
    match room.verify(code.clone(), Some(hash)).await {
        Ok(true) => {
            app.reset_attempts(&tries).await;
            Ok(())
        }
        Ok(false) => Err(context.refuse(wrong())),
        Err(PasswordPoolFull) => {
            app.uncount_attempt(&tries).await;
            Err(busy())
        }
    }
}

/// Whose code is asked for, and its hash; `None` where none is.
async fn guard_of(
    context: &ApprovalContext<'_>,
    hinted: &HintedPerson,
) -> Result<Option<(UserId, String)>, Failure> {
    let client = context.request.client();
    if !client.backchannel.user_code {
        return Ok(None);
    }
    let mut reading = context.request.app.read().await?;
    let facts = facts::load(context, &mut reading, hinted).await?;
    let user = facts
        .person(client)
        .map_err(|r| context.refuse(r))?
        .id
        .clone();
    let settings = reading.settings(&user).await?.unwrap_or_default();
    Ok(settings.user_code_hash.map(|hash| (user, hash)))
}
