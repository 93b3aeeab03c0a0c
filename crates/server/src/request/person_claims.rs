//! What a client learns of a person beside `sub`: as much as the granted scopes promise (OpenID Connect Core 5.4).

use writ_authority::Authority;
use writ_core::id::UserId;
use writ_core::scope::{EMAIL, PROFILE};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::claims::PersonClaims;
use writ_wire::resource::ResourceUri;

/// Reads nothing of the person that no scope promises.
pub async fn person_claims(
    transaction: &mut DatabaseTransaction,
    granted: &Authority,
    issuer: &ResourceUri,
    person: &UserId,
) -> Result<PersonClaims, StoreError> {
    let scopes = granted.scopes_at(issuer);
    let (profile, email) = (scopes.contains(PROFILE), scopes.contains(EMAIL));
    let mut claims = PersonClaims::default();
    if !profile && !email {
        return Ok(claims);
    }
    let Some(stored) = transaction.user_by_id(person).await? else {
        return Ok(claims);
    };
    if profile {
        claims.preferred_username = Some(stored.user.name.clone());
        claims.name = Some(stored.user.name);
    }
    if email {
        // Apps tell people apart by it: what the person typed on their settings page may be somebody else's.
        claims.email_verified = stored.email.as_ref().map(|_| true);
        claims.email = stored.email;
    }
    Ok(claims)
}
