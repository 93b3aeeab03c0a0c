//! A login at a provider that opens the enrolment of a first passkey, where the operator says so (`first_passkey`, docs/upstream.md).

use writ_authority::Level;
use writ_core::upstream::AccountOrigin;
use writ_store::{DatabaseTransaction, StoreError};

use crate::people::request::SignedIn;

/// The issuer of the provider that opened this session a moment ago, if its login counted as `passkey` and the operator lets it enrol. What the
/// person linked themselves never does: the password was enough for that, and an agent may have seen it.
pub(super) async fn by_login(
    person: SignedIn<'_>,
    transaction: &mut DatabaseTransaction,
) -> Result<Option<String>, StoreError> {
    let app = person.app;
    if !person.is_fresh() || person.session.level < Level::Passkey {
        return Ok(None);
    }
    let (session, now) = (person.browser.digest(), app.clock.now());
    let Some(issuer) = transaction.session_upstream(&session, now).await? else {
        return Ok(None);
    };
    let mut providers = app.config.upstreams.iter();
    if !providers.any(|one| one.issuer == issuer && one.first_passkey) {
        return Ok(None);
    }
    let accounts = transaction.upstream_accounts_of(person.id()).await?;
    let mut there = accounts.iter().filter(|one| one.issuer == issuer);
    let came = there.all(|one| one.origin == AccountOrigin::Admission);
    Ok(came.then_some(issuer))
}
