//! What an error of a driver says of the database: that it cannot be used just now, or that it refused a statement; and whether the
//! connection is of any use afterwards.

use std::io::ErrorKind;

use sqlx::error::DatabaseError;

/// An error of a driver, as far as others must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The database answers, and refused what was sent: our fault.
    Statement,
    /// It cannot do this now: busy, locked, full.
    Busy,
    /// It is gone, read-only after a failover, or will not serve this connection any more: another connection may do.
    Connection,
    /// It says nothing.
    Silence,
}

impl Trouble {
    pub(crate) fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(error) => of_code(error.as_ref()),
            sqlx::Error::Io(error) if error.kind() == ErrorKind::TimedOut => Self::Silence,
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Self::Connection,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Self::Busy,
            _ => Self::Statement,
        }
    }
}

/// Whether somebody else has a lock that this needs. An exhausted pool is also that: a connection to an SQLite file cannot be opened
/// while it is locked.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
                Some(_) => [BUSY, LOCKED].map(Some).contains(&primary(&code)),
                None => [LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED].contains(&code.as_ref()),
            }
        }),
        sqlx::Error::PoolTimedOut => true,
        _ => false,
    }
}

/// Whether SQLite read past the end of its log: the index names what the log does not have.
pub(crate) fn is_short_log(error: &sqlx::Error) -> bool {
    const SHORT_READ: &str = "522";
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    let of_sqlite = error.try_downcast_ref::<sqlx::sqlite::SqliteError>();
    of_sqlite.is_some_and(|error| error.code().as_deref() == Some(SHORT_READ))
}

/// Whether a table is not there.
pub(crate) fn is_missing_table(error: &sqlx::Error) -> bool {
    const UNDEFINED_TABLE: &str = "42P01";
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        // Its code is that of any other mistake.
        Some(error) => error.message().contains("no such table"),
        None => error.code().as_deref() == Some(UNDEFINED_TABLE),
    }
}

fn of_code(error: &dyn DatabaseError) -> Trouble {
    let Some(code) = error.code() else {
        return Trouble::Statement;
    };
    match error.try_downcast_ref::<sqlx::sqlite::SqliteError>() {
        Some(_) => of_sqlite(&code),
        None => of_sqlstate(&code),
    }
}

/// PostgreSQL's manual, appendix A.
fn of_sqlstate(code: &str) -> Trouble {
    const READ_ONLY: &str = "25006";
    const QUERY_CANCELED: &str = "57014";
    const UNKNOWN_STATEMENT: &str = "26000";
    const STATEMENT_EXISTS: &str = "42P05";
    /// A prepared statement is older than a change of its tables.
    const NOT_SUPPORTED: &str = "0A000";
    /// A right that was taken away, and tables, columns and functions that are not there: while somebody restores a backup, or where
    /// names are looked up elsewhere (`search_path`). The rest of class 42 is wrong in the text that was sent.
    const AWAY: [&str; 5] = ["42501", "42P01", "42703", "42704", "42883"];
    /// A session that was idle in a transaction, or a transaction, for too long.
    const ENDED: [&str; 2] = ["25P03", "25P04"];
    match code {
        READ_ONLY | UNKNOWN_STATEMENT | STATEMENT_EXISTS | NOT_SUPPORTED => Trouble::Connection,
        LOCK_NOT_AVAILABLE | QUERY_CANCELED => Trouble::Busy,
        _ if AWAY.contains(&code) || ENDED.contains(&code) => Trouble::Connection,
        // Connection exceptions; a role or a login that is refused, a database or a schema that is not there; objects that are not
        // in the state for it; an operator's shutdown or a crash; errors of the system and of its configuration; a snapshot that is
        // too old.
        _ if [
            "08", "0P", "28", "3D", "3F", "55", "57", "58", "72", "F0", "XX",
        ]
        .iter()
        .any(|class| code.starts_with(class)) =>
        {
            Trouble::Connection
        }
        // Out of disk, memory or connections; deadlocks and serialization.
        _ if ["53", "40"].iter().any(|class| code.starts_with(class)) => Trouble::Busy,
        _ => Trouble::Statement,
    }
}

/// Result codes of SQLite; the extended ones hold the primary one in their last byte.
fn of_sqlite(code: &str) -> Trouble {
    const PERMISSION: i32 = 3;
    const NO_MEMORY: i32 = 7;
    const READ_ONLY: i32 = 8;
    const INTERRUPTED: i32 = 9;
    const IO: i32 = 10;
    const CORRUPT: i32 = 11;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    const PROTOCOL: i32 = 15;
    const SCHEMA: i32 = 17;
    const NO_DATABASE: i32 = 26;
    match primary(code) {
        Some(BUSY | LOCKED | NO_MEMORY | INTERRUPTED | FULL | PROTOCOL) => Trouble::Busy,
        Some(PERMISSION | READ_ONLY | IO | CORRUPT | CANNOT_OPEN | SCHEMA | NO_DATABASE) => {
            Trouble::Connection
        }
        _ => Trouble::Statement,
    }
}

fn primary(code: &str) -> Option<i32> {
    code.parse().ok().map(|code: i32| code & 0xff)
}

const LOCK_NOT_AVAILABLE: &str = "55P03";
const DEADLOCK_DETECTED: &str = "40P01";
/// Of SQLite.
const BUSY: i32 = 5;
const LOCKED: i32 = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlstates_that_no_statement_of_ours_can_mend() {
        for (code, trouble) in [
            ("25006", Trouble::Connection), // read_only_sql_transaction
            ("57P01", Trouble::Connection), // admin_shutdown
            ("57P02", Trouble::Connection), // crash_shutdown
            ("57P03", Trouble::Connection), // cannot_connect_now
            ("08006", Trouble::Connection), // connection_failure
            ("08P01", Trouble::Connection), // protocol_violation
            ("26000", Trouble::Connection), // invalid_sql_statement_name
            ("0A000", Trouble::Connection), // feature_not_supported: a cached plan
            ("58030", Trouble::Connection), // io_error
            ("53100", Trouble::Busy),       // disk_full
            ("53300", Trouble::Busy),       // too_many_connections
            ("40P01", Trouble::Busy),       // deadlock_detected
            ("55P03", Trouble::Busy),       // lock_not_available
            ("57014", Trouble::Busy),       // query_canceled
            ("23505", Trouble::Statement),  // unique_violation
            ("22021", Trouble::Statement),  // character_not_in_repertoire
            ("42501", Trouble::Connection), // insufficient_privilege
            ("42P01", Trouble::Connection), // undefined_table
            ("42703", Trouble::Connection), // undefined_column
            ("42704", Trouble::Connection), // undefined_object
            ("42883", Trouble::Connection), // undefined_function
            ("3D000", Trouble::Connection), // invalid_catalog_name
            ("3F000", Trouble::Connection), // invalid_schema_name
            ("28000", Trouble::Connection), // invalid_authorization_specification
            ("28P01", Trouble::Connection), // invalid_password
            ("0P000", Trouble::Connection), // invalid_role_specification
            ("25P03", Trouble::Connection), // idle_in_transaction_session_timeout
            ("25P04", Trouble::Connection), // transaction_timeout
            ("55000", Trouble::Connection), // object_not_in_prerequisite_state
            ("57000", Trouble::Connection), // operator_intervention
            ("57P04", Trouble::Connection), // database_dropped
            ("57P05", Trouble::Connection), // idle_session_timeout
            ("72000", Trouble::Connection), // snapshot_too_old
            ("F0000", Trouble::Connection), // config_file_error
            ("XX001", Trouble::Connection), // data_corrupted
            ("53200", Trouble::Busy),       // out_of_memory
            ("53400", Trouble::Busy),       // configuration_limit_exceeded
            ("40001", Trouble::Busy),       // serialization_failure
            ("42601", Trouble::Statement),  // syntax_error
            ("42702", Trouble::Statement),  // ambiguous_column
            ("42804", Trouble::Statement),  // datatype_mismatch
            ("42P18", Trouble::Statement),  // indeterminate_datatype
            ("25P02", Trouble::Statement),  // in_failed_sql_transaction
            ("54000", Trouble::Statement),  // program_limit_exceeded
        ] {
            assert_eq!(of_sqlstate(code), trouble, "{code}");
        }
    }

    #[test]
    fn result_codes_of_sqlite_by_their_primary_one() {
        for (code, trouble) in [
            ("5", Trouble::Busy),
            ("517", Trouble::Busy), // SQLITE_BUSY_SNAPSHOT
            ("13", Trouble::Busy),
            ("778", Trouble::Connection),  // SQLITE_IOERR_WRITE
            ("1544", Trouble::Connection), // SQLITE_READONLY_DIRECTORY
            ("14", Trouble::Connection),
            ("11", Trouble::Connection),  // SQLITE_CORRUPT
            ("267", Trouble::Connection), // SQLITE_CORRUPT_VTAB
            ("26", Trouble::Connection),  // SQLITE_NOTADB
            ("2067", Trouble::Statement), // SQLITE_CONSTRAINT_UNIQUE
            ("1", Trouble::Statement),
        ] {
            assert_eq!(of_sqlite(code), trouble, "{code}");
        }
    }
}
