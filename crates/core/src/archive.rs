//! An archive of the record: a file of JSON lines, which anybody verifies with the issuer's public keys and nothing else. A head, a
//! line for each row, and an end with a SHA-256 digest over all lines before it, signed by the issuer.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{KeyError, PublicKey, SigningKey};
use writ_wire::time::Timestamp;

/// `typ` of the signature.
pub const ARCHIVE_TYPE: &str = "writ-archive+jwt";
/// The form of an archive that this version makes.
pub const VERSION: u32 = 1;
/// The longest line that is read, in bytes; what is recorded is bounded far below.
pub const MAX_LINE: u64 = 4 * 1024 * 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArchiveLine {
    Head(ArchiveHead),
    Row(ArchivedRow),
    End(ArchiveEnd),
}

/// The first line. Times are RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveHead {
    pub version: u32,
    pub issuer: String,
    /// Every event before it that was in the database; consents and receipts only those that no task can rest on.
    pub before: String,
    pub made_at: String,
    /// The digest of the archive before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
}

/// In the order in which they stand in an archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    Event,
    Consent,
    Receipt,
}

impl RecordKind {
    pub const ALL: [Self; 3] = [Self::Event, Self::Consent, Self::Receipt];
}

/// One row of the record, with all its columns that are not null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchivedRow {
    pub kind: RecordKind,
    pub id: String,
    /// Microseconds since 1970.
    pub at: i64,
    pub columns: Value,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveEnd {
    pub rows: u64,
    /// base64url SHA-256 over all lines before this one, each with its line feed.
    pub digest: String,
    /// A JWS with [`ARCHIVE_TYPE`] over issuer, digest and number of rows.
    pub signature: String,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ArchiveClaims {
    iss: String,
    iat: i64,
    archive_hash: String,
    rows: u64,
}

/// Why a file is no archive, or not the one that was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveFault {
    #[error("line {0} is none of an archive: {1}")]
    Line(u64, String),
    #[error("the file has no end: writing it was interrupted")]
    NoEnd,
    #[error("the file was changed after it was signed")]
    Changed,
    #[error("the signature is not the issuer's: {0}")]
    Signature(String),
}

/// Makes the lines of an archive, in their order.
pub struct ArchiveWriter {
    issuer: String,
    digest: Sha256,
    rows: u64,
}

impl ArchiveWriter {
    /// With the first line.
    pub fn begin(head: ArchiveHead) -> Result<(Self, String), serde_json::Error> {
        let mut writer = Self {
            issuer: head.issuer.clone(),
            digest: Sha256::new(),
            rows: 0,
        };
        let line = writer.line(&ArchiveLine::Head(head))?;
        Ok((writer, line))
    }

    pub fn row(&mut self, row: ArchivedRow) -> Result<String, serde_json::Error> {
        self.rows += 1;
        self.line(&ArchiveLine::Row(row))
    }

    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The last line, and the digest.
    pub fn end(self, key: &SigningKey, now: Timestamp) -> Result<(String, String), KeyError> {
        let digest = URL_SAFE_NO_PAD.encode(self.digest.finalize());
        let claims = ArchiveClaims {
            iss: self.issuer,
            iat: now.seconds(),
            archive_hash: digest.clone(),
            rows: self.rows,
        };
        let end = ArchiveLine::End(ArchiveEnd {
            rows: self.rows,
            digest: digest.clone(),
            signature: key.sign_jwt(ARCHIVE_TYPE, &claims)?,
        });
        let text = serde_json::to_string(&end).map_err(|e| KeyError::Claims(e.to_string()))?;
        Ok((text + "\n", digest))
    }

    fn line(&mut self, line: &ArchiveLine) -> Result<String, serde_json::Error> {
        let text = serde_json::to_string(line)? + "\n";
        self.digest.update(&text);
        Ok(text)
    }
}

/// Reads an archive line by line.
#[derive(Default)]
pub struct ArchiveReader {
    digest: Sha256,
    lines: u64,
    rows: u64,
    head: Option<ArchiveHead>,
    last: Option<(RecordKind, i64)>,
    end: Option<ArchiveEnd>,
}

impl ArchiveReader {
    /// The next line, without its line feed; `Some` is a row.
    pub fn line(&mut self, text: &str) -> Result<Option<ArchivedRow>, ArchiveFault> {
        self.lines += 1;
        let fault = |why: &str| ArchiveFault::Line(self.lines, why.to_owned());
        let line = serde_json::from_str(text).map_err(|e| fault(&e.to_string()))?;
        match line {
            ArchiveLine::End(end) if self.head.is_some() && self.end.is_none() => {
                self.end = Some(end);
                Ok(None)
            }
            ArchiveLine::Head(head) if self.lines == 1 && head.version == VERSION => {
                self.head = Some(head);
                self.add(text);
                Ok(None)
            }
            ArchiveLine::Row(row) if self.head.is_some() && self.end.is_none() => {
                let place = (row.kind, row.at);
                if self.last.is_some_and(|last| last > place) {
                    return Err(fault("it is out of order"));
                }
                self.last = Some(place);
                self.rows += 1;
                self.add(text);
                Ok(Some(row))
            }
            ArchiveLine::Head(_) => Err(fault("a head of this version stands first")),
            ArchiveLine::Row(_) | ArchiveLine::End(_) => Err(fault("it is out of place")),
        }
    }

    fn add(&mut self, text: &str) {
        self.digest.update(text);
        self.digest.update("\n");
    }

    /// After the last line. `find` gives the issuer's key for a `kid`.
    pub fn verify(
        self,
        find: impl FnOnce(&str) -> Option<PublicKey>,
    ) -> Result<(ArchiveHead, ArchiveEnd), ArchiveFault> {
        let (Some(head), Some(end)) = (self.head, self.end) else {
            return Err(ArchiveFault::NoEnd);
        };
        let claims = claims(&end.signature, find)?;
        let digest = URL_SAFE_NO_PAD.encode(self.digest.finalize());
        let says = (end.digest.as_str(), end.rows);
        let signed = (claims.archive_hash.as_str(), claims.rows);
        let read = (digest.as_str(), self.rows);
        if says != read || signed != read || claims.iss != head.issuer {
            return Err(ArchiveFault::Changed);
        }
        Ok((head, end))
    }
}

fn claims(
    signature: &str,
    find: impl FnOnce(&str) -> Option<PublicKey>,
) -> Result<ArchiveClaims, ArchiveFault> {
    let refuse = |e: &dyn std::fmt::Display| ArchiveFault::Signature(e.to_string());
    let unverified = UnverifiedJwt::parse(signature).map_err(|e| refuse(&e))?;
    if !unverified.typ_is(ARCHIVE_TYPE) {
        return Err(refuse(&format!("its `typ` is not `{ARCHIVE_TYPE}`")));
    }
    let kid = unverified.header().kid.as_deref().unwrap_or_default();
    let key = find(kid).ok_or_else(|| refuse(&format!("there is no key `{kid}`")))?;
    unverified.verify(&key).map_err(|e| refuse(&e))
}

#[cfg(test)]
#[path = "archive/tests.rs"]
mod tests;
