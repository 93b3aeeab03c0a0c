//! The code by which a person adds their first passkey. An operator gives it to them on another way than the password, so that whoever has
//! seen the password, an agent in the browser for example, cannot add a passkey of its own and approve with that.

use std::time::Duration;

use serde_json::json;
use writ_core::event::EventName;
use writ_core::id::{EventId, UserId};
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash::digest_text;
use writ_jose::seal::MasterKey;
use writ_pages::messages::Passkey;
use writ_store::DatabaseTransaction;
use writ_store::passkey_code::NewPasskeyCode;
use writ_wire::device::UserCode;
use writ_wire::time::Timestamp;

use crate::node::failure::Failure;
use crate::notifications::account_notice::passkey_changed;
use crate::notifications::outbox::OutboxContext;
use crate::operate::change::{ChangeContext, ChangedBy, Operator};

/// Long enough to be told by telephone and typed.
pub const CODE_LIFETIME: Duration = Duration::from_secs(3600);

/// A new code, which is printed once.
pub struct IssuedCode {
    /// Eight letters, as in the device flow: easily read out and typed.
    pub code: UserCode,
    pub expires_at: Timestamp,
}

/// Makes one, in place of any before it; its event is written, and the person is told. The caller commits.
pub async fn issue(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
    by: &Operator,
) -> Result<IssuedCode, Failure> {
    let OutboxContext {
        config,
        random,
        now,
    } = *outbox;
    let code = UserCode::of(u64::from_be_bytes(random.bytes()));
    let expires_at = now.plus(CODE_LIFETIME);
    transaction
        .put_passkey_code(NewPasskeyCode {
            user,
            digest: &digest_of(&config.master, user, &code),
            created_at: now,
            expires_at,
        })
        .await?;
    let change = ChangeContext {
        by: ChangedBy::Operator(by),
        event_id: EventId::make(now, random.bytes()),
        now,
    };
    let facts = json!({ "passkey": Passkey::CodeMade });
    let event = change.event(EventName::UserChanged, facts);
    let event = event.of_subject(user.as_str());
    transaction.insert_event(&event).await?;
    passkey_changed(outbox, transaction, user, Passkey::CodeMade).await?;
    Ok(IssuedCode { code, expires_at })
}

/// What is stored of it: eight letters can be tried out, so the digest needs the master key.
pub fn digest_of(master: &MasterKey, user: &UserId, code: &UserCode) -> String {
    let place = ["passkey-code", DEFAULT_TENANT, user.as_str()].join("\0");
    digest_text(&[&master.derive(&place), code.as_str().as_bytes()])
}
