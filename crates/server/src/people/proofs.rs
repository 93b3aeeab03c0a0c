//! What each form of a person asks for before it changes anything. Less takes a tap: what takes away asks for the session alone. More takes a
//! fresh proof, as strong as what it opens, because an agent that drives the browser can tap too. A form without a row here fails a test
//! (`tests/people/proofs.rs`), which sends each of them without its proof.

/// What a form brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedProof {
    /// Nothing: it begins something that asks for its own proof, or changes how pages look and when they are told.
    Begins,
    /// The session: it only takes away.
    Session,
    /// The form is the proof of who signs in.
    Login,
    /// An answer of a passkey of theirs to a challenge for this act alone; for the first one an operator's code, or a login at a
    /// provider that the operator lets enrol.
    Passkey,
    /// A passkey of theirs over this very change; the password only where they have none.
    Strongest,
    /// A password or a passkey, as what it opens asks for.
    AsStrong,
    /// A login that was made a moment ago (`FRESH_LOGIN`).
    FreshLogin,
    /// The secret of a mailed link, and a code that came another way or a passkey.
    LinkAndSecond,
    /// The name of a mailed link, which opens nothing: it only ends it.
    LinkName,
    /// The secret of a mailed link, in a session of the person whose address it confirms; the password was asked for before it was sent.
    Link,
}

/// Every form of the pages: its path, which of the forms there, and what it asks for.
pub const FORMS: &[(&str, &str, AskedProof)] = &[
    ("/account", "", AskedProof::LinkAndSecond),
    ("/account/not-me", "", AskedProof::LinkName),
    ("/account/passkey/options", "", AskedProof::Begins),
    ("/app/agents/forget", "", AskedProof::Session),
    ("/app/agents/stop", "", AskedProof::Session),
    ("/app/agents/undo", "", AskedProof::AsStrong),
    ("/app/agents/unpause", "", AskedProof::AsStrong),
    ("/app/devices/passkeys", "", AskedProof::Passkey),
    ("/app/devices/passkeys/options", "", AskedProof::Passkey),
    ("/app/devices/passkeys/prove", "", AskedProof::Begins),
    ("/app/devices/passkeys/remove", "", AskedProof::Passkey),
    ("/app/devices/push", "", AskedProof::FreshLogin),
    ("/app/devices/push/remove", "", AskedProof::Session),
    ("/app/devices/sessions/end", "", AskedProof::Session),
    ("/app/devices/sessions/end-others", "", AskedProof::Session),
    ("/app/requests/{id}", "approve", AskedProof::AsStrong),
    ("/app/requests/{id}", "deny", AskedProof::Session),
    ("/app/resume", "", AskedProof::FreshLogin),
    ("/app/settings", "email", AskedProof::Strongest),
    ("/app/settings", "password", AskedProof::Strongest),
    ("/app/settings", "preferences", AskedProof::Begins),
    ("/app/settings", "time_zone", AskedProof::Begins),
    ("/app/settings", "user_code", AskedProof::Strongest),
    ("/app/settings/address", "", AskedProof::Link),
    ("/app/stop", "", AskedProof::Session),
    ("/app/upstream", "", AskedProof::Strongest),
    ("/app/upstream/remove", "", AskedProof::Session),
    ("/authorize", "", AskedProof::Begins),
    ("/consent", "approve", AskedProof::AsStrong),
    ("/consent", "deny", AskedProof::Session),
    ("/device", "", AskedProof::Begins),
    ("/login", "", AskedProof::Login),
    ("/login/forgot", "", AskedProof::Begins),
    ("/login/passkey", "", AskedProof::Login),
    ("/login/passkey/options", "", AskedProof::Begins),
    ("/logout", "", AskedProof::Session),
    ("/upstream/{provider}", "", AskedProof::Begins),
];
