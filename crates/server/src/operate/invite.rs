//! Initial access tokens (RFC 7591 section 1.2): an operator makes one, and whoever holds it registers clients by it.

use std::time::Duration;

use serde_json::json;
use writ_core::event::EventName;
use writ_core::registration::dynamic::{MAX_INVITE_LIFE, MAX_INVITE_USES};
use writ_platform::Random;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::time::Timestamp;

use super::change::ChangeContext;
use crate::node::secret::secret_digest;

/// For how many registrations, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InviteTerms {
    pub uses: u32,
    pub life: Duration,
}

/// A token that was made; kept nowhere.
pub struct MadeInvite {
    pub token: String,
    /// Its [`invite_id`].
    pub id: String,
    pub expires_at: Timestamp,
}

impl InviteTerms {
    /// `life` is a number and `m`, `h` or `d`. An error is a sentence for the operator.
    pub fn read(uses: u32, life: &str) -> Result<Self, String> {
        if !(1..=MAX_INVITE_USES).contains(&uses) {
            return Err(format!("`--uses` is not between 1 and {MAX_INVITE_USES}"));
        }
        let unit = match life.chars().last() {
            Some('m') => 60,
            Some('h') => 3600,
            Some('d') => 24 * 3600,
            _ => 0,
        };
        let number = life.get(..life.len().saturating_sub(1)).unwrap_or_default();
        let seconds = number.parse::<u64>().ok();
        let seconds = seconds.and_then(|number| number.checked_mul(unit));
        let life = seconds
            .filter(|seconds| *seconds > 0)
            .map(Duration::from_secs);
        match life.filter(|life| *life <= MAX_INVITE_LIFE) {
            Some(life) => Ok(Self { uses, life }),
            None => Err(format!(
                "`--expires` is a number and `m`, `h` or `d`, such as `24h`, of at most {} days",
                MAX_INVITE_LIFE.as_secs() / (24 * 3600)
            )),
        }
    }
}

/// How much of a digest names a token in a list and in the record.
const ID_LENGTH: usize = 16;

/// What an initial access token is called: the token itself is kept nowhere.
pub fn invite_id(digest: &str) -> &str {
    digest.get(..ID_LENGTH).unwrap_or(digest)
}

/// Ends the token of this id; `false` if there is none that is good for another registration.
pub async fn end_invite(
    transaction: &mut DatabaseTransaction,
    id: &str,
    change: ChangeContext<'_>,
) -> Result<bool, StoreError> {
    let mut after = String::new();
    loop {
        let page = transaction.invites_after(&after).await?;
        let Some(last) = page.last() else {
            return Ok(false);
        };
        last.digest.clone_into(&mut after);
        let Some(found) = page.iter().find(|one| invite_id(&one.digest) == id) else {
            continue;
        };
        if !transaction.end_invite(&found.digest, change.now).await? {
            return Ok(false);
        }
        let facts = json!({ "invite": id, "state": "ended", "used": found.used });
        let event = change.event(EventName::ClientInvited, facts);
        transaction.insert_event(&event).await?;
        return Ok(true);
    }
}

pub async fn invite_clients(
    transaction: &mut DatabaseTransaction,
    terms: InviteTerms,
    random: &Random,
    change: ChangeContext<'_>,
) -> Result<MadeInvite, StoreError> {
    let token = random.secret();
    let (digest, expires_at) = (secret_digest(&token), change.now.plus(terms.life));
    transaction
        .insert_invite(&digest, terms.uses, expires_at, change.now)
        .await?;
    let facts = json!({
        "invite": invite_id(&digest), "uses": terms.uses, "expires_at": expires_at.rfc3339(),
    });
    let event = change.event(EventName::ClientInvited, facts);
    transaction.insert_event(&event).await?;
    let id = invite_id(&digest).to_owned();
    Ok(MadeInvite {
        token,
        id,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_bounds() {
        let life = |text| InviteTerms::read(1, text).map(|terms| terms.life.as_secs());
        assert_eq!(life("30m"), Ok(1800));
        assert_eq!(life("24h"), Ok(86_400));
        assert_eq!(life("90d"), Ok(90 * 86_400));
        for bad in [
            "",
            "h",
            "0h",
            "-1h",
            "24",
            "24s",
            "91d",
            "99999999999999999999h",
            "h\u{e4}",
        ] {
            assert!(life(bad).is_err(), "{bad}");
        }
        assert!(InviteTerms::read(0, "1h").is_err());
        assert!(InviteTerms::read(MAX_INVITE_USES + 1, "1h").is_err());
    }
}
