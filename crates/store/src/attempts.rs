//! Tries that may be guesses, or too many, counted before they are looked at, so that many at once on many nodes are no way around (RFC
//! 8628 section 5.1). A holder is a digest: of somebody who exists or of anything that was typed, the rows look the same.

use writ_wire::time::Timestamp;

use crate::error::Result;
use crate::store::Session;

/// What is tried. Each kind has its own bound ([`MOST_ROWS`]), so that one cannot crowd out another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A password, by the name it was typed with.
    Login,
    /// A code of the device flow, by person.
    DeviceCode,
    /// A person's own code, by the person whose it is.
    UserCode,
    /// A code of the device flow that is asked for, by client, address and time.
    Device,
    /// A request in the front channel, by address and minute.
    FrontRequest,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Login,
        Self::DeviceCode,
        Self::UserCode,
        Self::Device,
        Self::FrontRequest,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::DeviceCode => "device_code",
            Self::UserCode => "user_code",
            Self::Device => "device",
            Self::FrontRequest => "front_request",
        }
    }
}

/// Rows of one kind that a sweep leaves: anybody can send names. What is forgotten first would have ended first.
pub const MOST_ROWS: u32 = 65_536;

/// One more try.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    pub kind: Kind,
    pub holder: &'a str,
    /// From this one on each try pauses the next ones.
    pub most: i64,
    pub paused_until: Timestamp,
    /// Counted until then, unless one more comes.
    pub kept_until: Timestamp,
}

row! { CountedRow { failures: i64 } }

const ATTEMPT: &str = "
    INSERT INTO attempts (tenant, kind, holder, failures, paused_until, kept_until)
    VALUES ($1, $2, $3, 1, CASE WHEN CAST($4 AS BIGINT) <= 1 THEN CAST($5 AS BIGINT) END, $6)
    ON CONFLICT (tenant, kind, holder) DO UPDATE SET failures = attempts.failures + 1,
        paused_until = CASE WHEN attempts.failures + 1 >= $4 THEN CAST($5 AS BIGINT) END,
        kept_until = excluded.kept_until
    WHERE attempts.paused_until IS NULL OR attempts.paused_until <= $7
    RETURNING failures";

const FORGIVE: &str = "
    UPDATE attempts SET failures = failures - 1,
        paused_until = CASE WHEN failures - 1 >= $4 THEN paused_until END
    WHERE tenant = $1 AND kind = $2 AND holder = $3 AND failures > 0";

const FORGET: &str = "DELETE FROM attempts WHERE tenant = $1 AND kind = $2 AND holder = $3";

impl Session {
    /// Counts it, unless the holder is paused: whether it may be looked at.
    pub async fn attempt(&mut self, attempt: &Attempt<'_>, now: Timestamp) -> Result<bool> {
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
        Ok(counted.is_some_and(|row| row.failures > 0))
    }

    /// One that was counted was right, or was not looked at; a pause that it began ends.
    pub async fn forgive_attempt(&mut self, kind: Kind, holder: &str, most: i64) -> Result<()> {
        let kind = kind.as_str();
        execute!(self, FORGIVE, &self.tenant, kind, holder, most)?;
        Ok(())
    }

    /// A right one forgets the wrong ones before it.
    pub async fn forget_attempts(&mut self, kind: Kind, holder: &str) -> Result<()> {
        execute!(self, FORGET, &self.tenant, kind.as_str(), holder)?;
        Ok(())
    }
}
