//! Why something waits until its person lets it go on. One cause each, so that a page can say the true one.

/// Why a task is suspended, or a client paused for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBecause {
    /// Their person set another password by a link.
    Recovered,
    /// What a guest says of itself became weaker.
    DocumentWeaker,
    /// A request of the client was reported as not theirs.
    NotMe,
    /// A wrong number was typed for a request of the client.
    WrongNumber,
}

impl PausedBecause {
    pub const ALL: [Self; 4] = [
        Self::Recovered,
        Self::DocumentWeaker,
        Self::NotMe,
        Self::WrongNumber,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::DocumentWeaker => "document_weaker",
            Self::NotMe => "not_me",
            Self::WrongNumber => "wrong_number",
        }
    }

    /// `None` for what another version wrote.
    pub fn from_row(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}
