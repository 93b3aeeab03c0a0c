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
    let mut claims = PersonClaims::default();
    if scopes.contains(PROFILE) {
        let found = transaction.user_by_id(person).await?;
        let name = found.map(|stored| stored.user.name);
        claims.preferred_username.clone_from(&name);
        claims.name = name;
    }
    if scopes.contains(EMAIL) {
        let settings = transaction.settings(person).await?;
        claims.email = settings.and_then(|settings| settings.email);
    }
    Ok(claims)
}
