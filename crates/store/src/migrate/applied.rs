//! Which migrations a database has had, which it still needs, and whether this binary can work with it at all.

use sqlx::{PgConnection, SqliteConnection, query_as, query_scalar};

use super::texts::MigrationText;
use crate::error::{Result, StoreError};

/// Where migrations are noted, with a row for each.
pub(crate) const TABLE: &str = "_sqlx_migrations";
const HAS_SQLITE_TABLE: &str = "
    SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '_sqlx_migrations'";
const HAS_POSTGRES_TABLE: &str = "
    SELECT count(*) FROM pg_class WHERE oid = to_regclass('_sqlx_migrations')";
const ROWS: &str = "
    SELECT version, description, checksum FROM _sqlx_migrations ORDER BY version";

row! { AppliedRow { version: i64, description: String, checksum: Vec<u8> } }

pub(crate) struct AppliedMigrations(Vec<AppliedRow>);

impl AppliedMigrations {
    pub(crate) async fn of_sqlite(connection: &mut SqliteConnection) -> Result<Self> {
        let tables: i64 = query_scalar(HAS_SQLITE_TABLE)
            .fetch_one(&mut *connection)
            .await?;
        Ok(Self(match tables {
            0 => Vec::new(),
            _ => query_as(ROWS).fetch_all(connection).await?,
        }))
    }

    pub(crate) async fn of_postgres(connection: &mut PgConnection) -> Result<Self> {
        let tables: i64 = query_scalar(HAS_POSTGRES_TABLE)
            .fetch_one(&mut *connection)
            .await?;
        Ok(Self(match tables {
            0 => Vec::new(),
            _ => query_as(ROWS).fetch_all(connection).await?,
        }))
    }

    /// In their order. Refuses a database that had other migrations of these numbers, or later ones that take away what a binary
    /// with these texts uses. Any other later ones it can live with.
    pub(crate) fn missing<'t>(&self, texts: &'t [MigrationText]) -> Result<Vec<&'t MigrationText>> {
        let newest = texts.iter().map(|text| text.version).max().unwrap_or(0);
        for applied in &self.0 {
            let text = texts.iter().find(|text| text.version == applied.version);
            if text.is_some_and(|text| *text.migration().checksum != *applied.checksum) {
                return Err(StoreError::MigrationChanged(applied.description.clone()));
            }
            let oldest = oldest_after(&applied.description);
            if text.is_none() && oldest.is_some_and(|oldest| newest < oldest) {
                return Err(StoreError::TablesTooNew(applied.description.clone()));
            }
        }
        let missing = |text: &&MigrationText| !self.0.iter().any(|row| row.version == text.version);
        Ok(texts.iter().filter(missing).collect())
    }
}

/// The oldest schema whose binaries still work after this migration, where its name says that it takes something away:
/// `0025_contract_0019_...` takes away what nothing uses any more since 19 (`docs/design/storage.md`).
fn oldest_after(name: &str) -> Option<i64> {
    let (_, contract) = name.split_once("_contract_")?;
    contract.split('_').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn text(version: i64, name: &'static str) -> MigrationText {
        let sql = "SELECT 1";
        MigrationText { version, name, sql }
    }

    const ONE: MigrationText = text(1, "0001_foundation");
    const TWO: MigrationText = text(2, "0002_more");

    fn applied(names: &[&str]) -> AppliedMigrations {
        let row = |(place, name): (usize, &&str)| AppliedRow {
            version: i64::try_from(place).unwrap() + 1,
            description: (*name).to_owned(),
            checksum: ONE.migration().checksum.into_owned(),
        };
        AppliedMigrations(names.iter().enumerate().map(row).collect())
    }

    fn missing(names: &[&str], texts: &[MigrationText]) -> Result<Vec<i64>> {
        let missing = applied(names).missing(texts)?;
        Ok(missing.iter().map(|text| text.version).collect())
    }

    #[test]
    fn what_a_database_has_not_had_is_missing() {
        assert_eq!(missing(&[], &[ONE, TWO]).unwrap(), [1, 2]);
        assert_eq!(missing(&["0001_foundation"], &[ONE, TWO]).unwrap(), [2]);
        let both = ["0001_foundation", "0002_more"];
        assert_eq!(missing(&both, &[ONE, TWO]).unwrap(), [0; 0]);
    }

    #[test]
    fn a_binary_lives_with_newer_tables_unless_they_lack_what_it_uses() {
        let (one, two) = ("0001_foundation", "0002_more");
        for (third, works) in [
            ("0003_more_still", true),
            ("0003_contract_0001_more", true),
            ("0003_contract_0002_more", false),
            ("0003_contract_0003_more", false),
            ("0003_contract_more", true), // the house allows no such name
        ] {
            let found = missing(&[one, two, third], &[ONE]);
            assert_eq!(found.is_ok(), works, "{third}");
            if let Err(refused) = found {
                assert!(matches!(&refused, StoreError::TablesTooNew(name) if name == third));
                assert!(refused.to_string().contains(third), "{refused}");
            }
        }
    }

    #[test]
    fn a_contract_of_this_binary_is_applied_by_it() {
        let three = text(3, "0003_contract_0002_more");
        let found = missing(&["0001_foundation"], &[ONE, TWO, three]);
        assert_eq!(found.unwrap(), [2, 3]);
    }

    #[test]
    fn an_edited_migration_is_refused_by_its_name() {
        let edited = MigrationText {
            sql: "SELECT 2",
            ..ONE
        };
        let refused = missing(&["0001_foundation"], &[edited]).unwrap_err();
        assert!(
            refused.to_string().contains("`0001_foundation`"),
            "{refused}"
        );
    }
}
