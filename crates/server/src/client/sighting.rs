//! Whether an access token that came with a rotated refresh token is seen: then its answer was not lost, and the refresh token that
//! was rotated away is good for no second successor (`core/src/rotation.rs`).

use writ_store::StoreError;
use writ_store::refresh::Sighting;
use writ_wire::claims::AccessTokenClaims;
use writ_wire::time::Timestamp;

use crate::node::app::App;

/// Remembers that a valid access token was presented, and says whether it is good: one whose refresh token was replaced by a twin is
/// not. Only public clients' refresh tokens are rotated, so that nobody else's tokens cost a statement.
pub async fn see(
    app: &App,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let client = app.client(&claims.client_id).await?;
    if !client.is_some_and(|client| client.is_public()) {
        return Ok(true);
    }
    let known = app.read().await?.sighting(&claims.jti).await?;
    let known = match known {
        Sighting::Unseen => first(app, claims, now).await?,
        known => known,
    };
    Ok(known != Sighting::Dead)
}

/// A twin at the same moment comes before or after: what is read then is true.
async fn first(
    app: &App,
    claims: &AccessTokenClaims,
    now: Timestamp,
) -> Result<Sighting, StoreError> {
    let mut transaction = app.begin().await?;
    transaction.see_access_token(&claims.jti, now).await?;
    let known = transaction.sighting(&claims.jti).await?;
    transaction.commit().await?;
    Ok(known)
}
