//! The texts of all migrations, as they stand in `migrations/`: the same numbers and names for both databases.

use std::borrow::Cow;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType};

/// A migration of one kind of database; a landed one is never edited.
#[derive(Clone, Copy)]
pub(crate) struct MigrationText {
    pub(crate) version: i64,
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

impl MigrationText {
    pub(crate) fn migration(&self) -> Migration {
        Migration::new(
            self.version,
            Cow::Borrowed(self.name),
            MigrationType::Simple,
            self.sql.into_sql_str(),
            false,
        )
    }
}

macro_rules! migrations {
    ($kind:literal: $($version:literal $name:literal,)*) => {
        &[$(MigrationText {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../../migrations/", $kind, "/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const SQLITE: &[MigrationText] = migrations! { "sqlite":
    1 "0001_foundation",
    2 "0002_delegation",
    3 "0003_grants",
    4 "0004_events",
    5 "0005_pending",
    6 "0006_passkey",
    7 "0007_notice",
    8 "0008_usual",
    9 "0009_limits",
    10 "0010_consent_screen",
    11 "0011_fetched_documents",
    12 "0012_refresh_twin",
    13 "0013_guests",
    14 "0014_interaction",
    15 "0015_openid_connect",
    16 "0016_credentials",
    17 "0017_registration",
    18 "0018_remembered_by_client",
    19 "0019_passwords",
    20 "0020_user_email",
    21 "0021_clock",
    22 "0022_by_index",
    23 "0023_ends",
    24 "0024_access",
    25 "0025_access_requests",
    26 "0026_undoable_stops",
    27 "0027_sessions_seen",
    28 "0028_decision_details",
    29 "0029_standing",
    30 "0030_account_links",
    31 "0031_elsewhere",
    32 "0032_registration_sites",
    33 "0033_paused_because",
    34 "0034_session_proof",
    35 "0035_upstream_accounts",
    36 "0036_roles",
    37 "0037_operators",
    38 "0038_api",
    39 "0039_events_out",
    40 "0040_upstream_reads",
    41 "0041_paused_tasks",
    42 "0042_last_token",
};
pub(crate) const POSTGRES: &[MigrationText] = migrations! { "postgres":
    1 "0001_foundation",
    2 "0002_delegation",
    3 "0003_grants",
    4 "0004_events",
    5 "0005_pending",
    6 "0006_passkey",
    7 "0007_notice",
    8 "0008_usual",
    9 "0009_limits",
    10 "0010_consent_screen",
    11 "0011_fetched_documents",
    12 "0012_refresh_twin",
    13 "0013_guests",
    14 "0014_interaction",
    15 "0015_openid_connect",
    16 "0016_credentials",
    17 "0017_registration",
    18 "0018_remembered_by_client",
    19 "0019_passwords",
    20 "0020_user_email",
    21 "0021_clock",
    22 "0022_by_index",
    23 "0023_ends",
    24 "0024_access",
    25 "0025_access_requests",
    26 "0026_undoable_stops",
    27 "0027_sessions_seen",
    28 "0028_decision_details",
    29 "0029_standing",
    30 "0030_account_links",
    31 "0031_elsewhere",
    32 "0032_registration_sites",
    33 "0033_paused_because",
    34 "0034_session_proof",
    35 "0035_upstream_accounts",
    36 "0036_roles",
    37 "0037_operators",
    38 "0038_api",
    39 "0039_events_out",
    40 "0040_upstream_reads",
    41 "0041_paused_tasks",
    42 "0042_last_token",
};
