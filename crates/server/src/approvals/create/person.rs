//! Who is asked for: the person of the asking agent's own token; and the person's code against unwanted questions.

use writ_core::OAuthError;
use writ_core::id::UserId;
use writ_jose::access_token;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::error::ErrorCode;

use super::{Ask, facts};
use crate::node::failure::Failure;
use crate::node::passwords::Busy;
use crate::node::rate_limits::Tries;

/// What the request says of the person; everything that is signed is verified.
pub struct Hinted {
    /// A name, or a `usr_` id.
    pub subject: String,
    /// The asking agent's own token.
    pub asking: Option<AccessTokenClaims>,
}

/// The token of the chain that asks, as far as the token alone says.
pub async fn own_token(ask: &Ask<'_>, text: &str) -> Result<AccessTokenClaims, Failure> {
    let keys = ask.app.keys().await?;
    let issuer = ask.app.config.issuer.as_str();
    access_token::verify(text, |kid| keys.find(kid), issuer, ask.now).map_err(|e| {
        ask.refuse(OAuthError::invalid_request(format!(
            "the subject token is not usable: {e}"
        )))
    })
}

/// For clients that send it (CIBA 7.1, `user_code`): outside the transaction, because a slow hash may take no connection.
/// Counted before it is looked at, so that many guesses at once are no more than those one after the other.
pub async fn check_code(
    ask: &Ask<'_>,
    code: Option<&String>,
    hinted: &Hinted,
) -> Result<(), Failure> {
    let app = ask.app;
    let Some((user, hash)) = guard_of(ask, hinted).await? else {
        return Ok(());
    };
    let Some(code) = code else {
        let sentence = "parameter `user_code` is missing: this person has one";
        return Err(ask.refuse(OAuthError::new(ErrorCode::MissingUserCode, sentence)));
    };
    let wrong = || OAuthError::new(ErrorCode::InvalidUserCode, "the user code is wrong");
    let tries = Tries::of_user_code(&user, ask.now);
    if !app.may_try(&tries).await? {
        return Err(ask.refuse(wrong().because("paused after wrong user codes")));
    }
    match app.passwords.verify(code.clone(), Some(hash)).await {
        Ok(true) => Ok(app.forget_tries(&tries).await?),
        Ok(false) => Err(ask.refuse(wrong())),
        Err(Busy) => {
            app.forgive_try(&tries).await?;
            let busy = "too many codes are being checked: try again";
            Err(ask.refuse(OAuthError::new(ErrorCode::TemporarilyUnavailable, busy)))
        }
    }
}

/// Whose code is asked for, and its hash; `None` where none is.
async fn guard_of(ask: &Ask<'_>, hinted: &Hinted) -> Result<Option<(UserId, String)>, Failure> {
    let client = &ask.caller.client;
    if !client.backchannel.user_code {
        return Ok(None);
    }
    let mut session = ask.app.read().await?;
    let loaded = facts::load(ask, &mut session, hinted).await?;
    let user = loaded.person(client).map_err(|r| ask.refuse(r))?.id.clone();
    let settings = session.settings(&user).await?.unwrap_or_default();
    Ok(settings.user_code_hash.map(|hash| (user, hash)))
}
