//! Rate limiting of guesses (RFC 8628 section 5.1): each attempt is counted before it is checked, so that concurrent attempts on several
//! nodes do not pass the limit. A holder is a digest, of an existing account or of any text: the rows do not tell which.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::DatabaseTransaction;

/// What is attempted. Each kind has its own limit of rows ([`MOST_ROWS`]), so that one cannot crowd out another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// A password of somebody unknown, by the user name that was typed and the network.
    Login,
    /// The same, by the user name and the day.
    LoginOfDay,
    /// The same, by the network and hour, whatever the name.
    LoginFrom,
    /// A password from a browser in which the person signed in before, by that browser, and by it and the day.
    KnownBrowser,
    /// A password within a session, by that session, and by it and the day.
    Session,
    /// A password within a session or from such a browser, by person and hour, right ones too.
    OwnPassword,
    /// A code of the device flow, by person.
    DeviceCode,
    /// A code for a first passkey, by session.
    PasskeyCode,
    /// A person's `user_code` (CIBA section 7.1), by person.
    UserCode,
    /// A device authorization request, by client, address and time.
    Device,
    /// A request to the authorization endpoint, by address and minute.
    FrontRequest,
    /// A registration of a client by itself, by address and hour, and by hour alone.
    Registration,
    /// A request of a client that registered itself about that, by address and hour, and by client and hour.
    ManagedRegistration,
    /// A password that somebody says they forgot: of strangers by name and network and day, by name and day, and by network and hour; of a
    /// browser in which the person signed in before by that browser and day.
    Forgotten,
}

impl AttemptKind {
    pub(crate) const ALL: [Self; 14] = [
        Self::Login,
        Self::LoginOfDay,
        Self::LoginFrom,
        Self::KnownBrowser,
        Self::Session,
        Self::OwnPassword,
        Self::DeviceCode,
        Self::PasskeyCode,
        Self::UserCode,
        Self::Device,
        Self::FrontRequest,
        Self::Registration,
        Self::ManagedRegistration,
        Self::Forgotten,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginOfDay => "login_of_day",
            Self::LoginFrom => "login_from",
            Self::KnownBrowser => "known_browser",
            Self::Session => "session",
            Self::OwnPassword => "own_password",
            Self::DeviceCode => "device_code",
            Self::PasskeyCode => "passkey_code",
            Self::UserCode => "user_code",
            Self::Device => "device",
            Self::FrontRequest => "front_request",
            Self::Registration => "registration",
            Self::ManagedRegistration => "managed_registration",
            Self::Forgotten => "forgotten",
        }
    }
}

/// Rows of one kind that a sweep keeps, because anybody can send names. Those with the fewest attempts are deleted first, and of these
/// those that expire first: nobody buys a count back with names that are tried once.
pub const MOST_ROWS: u32 = 65_536;

/// One attempt.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub kind: AttemptKind,
    pub holder: &'a str,
    /// From this one on each attempt pauses the following ones.
    pub most: i64,
    pub paused_until: Timestamp,
    /// Counted until then, unless one more comes.
    pub kept_until: Timestamp,
}

/// Whether an attempt may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Admitted,
    /// From then on one is admitted again.
    PausedUntil(Timestamp),
}

/// What became of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// As how many-th of its holder.
    Counted(i64),
    /// From then on one is admitted again.
    PausedUntil(Timestamp),
}

/// One that was counted, or may have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedAttempt {
    pub kind: AttemptKind,
    pub holder: String,
    pub most: i64,
    /// It was not counted where fewer are.
    pub unless_below: i64,
}

row! { CountedRow { failures: i64 } }

row! { PausedRow { paused_until: Option<i64> } }

const ATTEMPT: &str = "
    INSERT INTO attempts (tenant, kind, holder, failures, paused_until, kept_until)
    VALUES ($1, $2, $3, 1, CASE WHEN CAST($4 AS BIGINT) <= 1 THEN CAST($5 AS BIGINT) END, $6)
    ON CONFLICT (tenant, kind, holder) DO UPDATE SET failures = attempts.failures + 1,
        paused_until = CASE WHEN attempts.failures + 1 >= $4 THEN CAST($5 AS BIGINT) END,
        kept_until = excluded.kept_until
    WHERE attempts.paused_until IS NULL OR attempts.paused_until <= $7
    RETURNING failures";

const PAUSED: &str =
    "SELECT paused_until FROM attempts WHERE tenant = $1 AND kind = $2 AND holder = $3";

/// What would be none is no row: nobody fills the table with what was not looked at.
const FORGIVE_ONLY: &str = "
    DELETE FROM attempts
    WHERE tenant = $1 AND kind = $2 AND holder = $3 AND failures <= 1 AND failures >= $4";

const FORGIVE: &str = "
    UPDATE attempts SET failures = failures - 1,
        paused_until = CASE WHEN failures - 1 >= $4 THEN paused_until END
    WHERE tenant = $1 AND kind = $2 AND holder = $3 AND failures > 1 AND failures >= $5";

const FORGET: &str = "DELETE FROM attempts WHERE tenant = $1 AND kind = $2 AND holder = $3";

impl DatabaseTransaction {
    /// Counts it, unless the holder is paused.
    pub async fn attempt(&mut self, attempt: &Attempt<'_>, now: Timestamp) -> Result<Attempted> {
        let counted = optional!(
            self,
            CountedRow,
            ATTEMPT,
            &self.tenant,
            attempt.kind.as_str(),
            attempt.holder,
            attempt.most,
            attempt.paused_until.micros(),
            attempt.kept_until.micros(),
            now.micros()
        )?;
        if let Some(row) = counted {
            return Ok(Attempted::Counted(row.failures));
        }
        // Its pause may have ended between the two statements.
        let until = self.paused_until(attempt.kind, attempt.holder).await?;
        Ok(Attempted::PausedUntil(until.unwrap_or(now)))
    }

    /// When the pause of this holder ends or ended, if there was one.
    pub async fn paused_until(
        &mut self,
        kind: AttemptKind,
        holder: &str,
    ) -> Result<Option<Timestamp>> {
        let kind = kind.as_str();
        let row = optional!(self, PausedRow, PAUSED, &self.tenant, kind, holder)?;
        let until = row.and_then(|row| row.paused_until);
        Ok(until.map(Timestamp::from_micros))
    }

    /// Takes back one that was counted and succeeded, or was not checked; a pause that it began ends.
    pub async fn forgive_attempt(&mut self, attempt: &CountedAttempt) -> Result<()> {
        let CountedAttempt {
            kind,
            holder,
            most,
            unless_below,
        } = attempt;
        let (kind, holder) = (kind.as_str(), holder.as_str());
        if execute!(
            self,
            FORGIVE_ONLY,
            &self.tenant,
            kind,
            holder,
            *unless_below
        )? == 0
        {
            execute!(
                self,
                FORGIVE,
                &self.tenant,
                kind,
                holder,
                *most,
                *unless_below
            )?;
        }
        Ok(())
    }

    /// After a success: the failures before it no longer count.
    pub async fn forget_attempts(&mut self, kind: AttemptKind, holder: &str) -> Result<()> {
        execute!(self, FORGET, &self.tenant, kind.as_str(), holder)?;
        Ok(())
    }
}
