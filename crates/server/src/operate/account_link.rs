//! Makes the links by which people finish an invitation, a reset or a change of address. A mailed link proves no person, because agents
//! read mail: what sets a password needs a code, which comes to the person another way, or a passkey of theirs as well.

use writ_core::account_link::LinkKind;
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_jose::hash::digest_text;
use writ_jose::seal::MasterKey;
use writ_store::account_link::NewAccountLink;
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::device::UserCode;
use writ_wire::time::Timestamp;

use crate::config::Config;
use crate::node::secret::secret_digest;
use crate::notifications::outbox::OutboxContext;

/// What is made.
#[derive(Clone, Copy)]
pub struct LinkDraft<'a> {
    pub user: &'a UserId,
    pub kind: LinkKind,
    /// What the link confirms.
    pub address: Option<&'a str>,
    pub second: SecondProof,
}

/// What finishes the link beside its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondProof {
    /// A code that is made with it.
    Code,
    /// A passkey of the person, their session, or a code that an operator makes later.
    Another,
}

/// A new link. Its secret and its code are kept nowhere.
pub struct IssuedLink {
    pub secret: String,
    /// Eight letters, as in the device flow: easily read out and typed.
    pub code: Option<UserCode>,
    pub expires_at: Timestamp,
}

/// Makes one, in place of the person's one before it; the caller records it and commits. `None`: one that an operator made is still good,
/// and this one was asked for by anybody.
pub async fn issue(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    draft: LinkDraft<'_>,
) -> Result<Option<IssuedLink>, StoreError> {
    let (secret, now) = (outbox.random.secret(), outbox.now);
    let code = match draft.second {
        SecondProof::Code => Some(new_code(outbox)),
        SecondProof::Another => None,
    };
    let digest = |code: &UserCode| code_digest(&outbox.config.master, draft.user, code);
    let expires_at = now.plus(draft.kind.lifetime());
    let written = transaction
        .put_account_link(NewAccountLink {
            user: draft.user,
            kind: draft.kind,
            link: &secret_digest(&secret),
            code: code.as_ref().map(digest).as_deref(),
            address: draft.address,
            created_at: now,
            expires_at,
        })
        .await?;
    Ok(written.then_some(IssuedLink {
        secret,
        code,
        expires_at,
    }))
}

pub fn new_code(outbox: &OutboxContext<'_>) -> UserCode {
    UserCode::of(u64::from_be_bytes(outbox.random.bytes()))
}

/// What is stored of a code: eight letters can be tried out, so the digest needs the master key.
pub fn code_digest(master: &MasterKey, user: &UserId, code: &UserCode) -> String {
    let place = ["account-code", DEFAULT_TENANT, user.as_str()].join("\0");
    digest_text(&[&master.derive(&place), code.as_str().as_bytes()])
}

/// Whether the person has a passkey that counts here: then that finishes what sets a password, and no code does.
pub async fn has_passkey(
    config: &Config,
    transaction: &mut DatabaseTransaction,
    user: &UserId,
) -> Result<bool, StoreError> {
    let mut stored = transaction.passkeys_of(user).await?.into_iter();
    Ok(stored.any(|one| config.passkeys.accept(&one.passkey)))
}
