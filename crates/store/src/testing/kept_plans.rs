//! How a database finds the rows of a statement: PostgreSQL by the plan that it makes once and keeps, whatever the tables held then.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use crate::error::{Result, StoreError};
use crate::store::{DatabaseConnection, Store};
use crate::testing::statistics::{self, Age};
use crate::testing::{DatabaseKind, TestDatabase, end};

/// Few rows, whatever is done: tenants (`n`), and a batch of what is over (`p`).
const SMALL: [&str; 3] = ["tenants", "n", "p"];

impl Store {
    /// The plan of a statement, line by line.
    pub async fn plan_of(&self, sql: &'static str) -> Result<Vec<String>> {
        let mut reading = self.read("").await?;
        Ok(match &mut reading.connection {
            DatabaseConnection::Sqlite(connection) => {
                let (connection, _) = connection.for_statement()?;
                statistics::plan(connection, sql).await?
            }
            DatabaseConnection::Postgres(connection) => {
                let (connection, _) = connection.for_statement()?;
                let prepare = AssertSqlSafe(format!("PREPARE writ_plan AS {sql}"));
                sqlx::raw_sql(prepare).execute(&mut *connection).await?;
                let plan = kept_plan(connection, "writ_plan").await?;
                sqlx::raw_sql("DEALLOCATE writ_plan")
                    .execute(&mut *connection)
                    .await?;
                plan
            }
        })
    }

    /// On PostgreSQL every statement that an idle connection of this node has prepared, and its plan; on SQLite none.
    pub async fn prepared_plans(&self) -> Result<Vec<(String, Vec<String>)>> {
        let mut reading = self.read("").await?;
        let DatabaseConnection::Postgres(connection) = &mut reading.connection else {
            return Ok(Vec::new());
        };
        let (connection, _) = connection.for_statement()?;
        let prepared = sqlx::query("SELECT name, statement FROM pg_prepared_statements");
        let prepared = prepared.fetch_all(&mut *connection).await?;
        let mut plans = Vec::new();
        for row in prepared {
            let (name, sql): (String, String) = (row.try_get("name")?, row.try_get("statement")?);
            let first = sql.trim_start().split_ascii_whitespace().next();
            if matches!(
                first,
                Some("SELECT" | "WITH" | "INSERT" | "UPDATE" | "DELETE")
            ) {
                plans.push((sql, kept_plan(connection, &name).await?));
            }
        }
        Ok(plans)
    }
}

/// So many rows in each table but those that a node reads whole, on PostgreSQL, which is not told: their columns are filled with what tells the rows apart. SQLite
/// has none, and is told that there are years of them. Ends the test if that cannot be done.
pub async fn grow(database: &TestDatabase, rows: u32) {
    let grown = async {
        if database.kind == DatabaseKind::Sqlite {
            let connection = &mut SqliteConnection::connect(&database.url).await?;
            return statistics::write(connection, Age::Years).await;
        }
        let connection = &mut PgConnection::connect(&database.url).await?;
        let inserts = sqlx::query_scalar::<_, String>(GROWING).bind(i64::from(rows));
        for insert in inserts.fetch_all(&mut *connection).await? {
            sqlx::raw_sql(AssertSqlSafe(insert))
                .execute(&mut *connection)
                .await?;
        }
        Ok::<_, sqlx::Error>(())
    };
    grown
        .await
        .unwrap_or_else(|error| end(&StoreError::from(error).into()));
}

/// Autovacuum must not come to the help of a test.
const GROWING: &str = "
    SELECT 'ALTER TABLE ' || table_name || ' SET (autovacuum_enabled = off); INSERT INTO ' || table_name || ' ('
        || string_agg(column_name, ', ') || ') SELECT ' || string_agg(
            CASE WHEN column_name = 'tenant' AND table_name = 'tenants' THEN '''t'' || i'
                WHEN column_name = 'tenant' THEN '''default'''
                WHEN data_type = 'text' THEN 'md5(i::text)' ELSE 'i' END, ', ')
        || ' FROM generate_series(1, ' || $1 || ') i ON CONFLICT DO NOTHING'
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT IN
            ('signing_keys', 'id_token_keys', 'server_keys', 'types', 'resources')
        AND table_name NOT LIKE '\\_%'
    GROUP BY table_name";

/// The plan for any values.
async fn kept_plan(connection: &mut PgConnection, name: &str) -> sqlx::Result<Vec<String>> {
    let parameters =
        "SELECT cardinality(parameter_types) AS count FROM pg_prepared_statements WHERE name = $1";
    let parameters = sqlx::query(parameters).bind(name);
    let count: i32 = parameters
        .fetch_one(&mut *connection)
        .await?
        .try_get("count")?;
    let nulls = vec!["NULL"; usize::try_from(count).unwrap_or_default()].join(", ");
    let given = if nulls.is_empty() {
        nulls
    } else {
        format!("({nulls})")
    };
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE \"{name}\"{given}");
    sqlx::raw_sql("SET plan_cache_mode = force_generic_plan")
        .execute(&mut *connection)
        .await?;
    let rows = sqlx::raw_sql(AssertSqlSafe(explain))
        .fetch_all(&mut *connection)
        .await?;
    sqlx::raw_sql("RESET plan_cache_mode")
        .execute(connection)
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Tables of which a plan reads all rows, or all of a tenant.
pub fn whole_tables(plan: &[String]) -> Vec<String> {
    let mut whole = Vec::new();
    for (place, line) in plan.iter().enumerate() {
        let next = plan.get(place + 1).map_or("", |line| line.trim());
        if let Some(table) = read_whole(line.trim_start_matches([' ', '-', '>']), next)
            && !SMALL.contains(&table)
        {
            whole.push(table.to_owned());
        }
    }
    whole
}

fn read_whole<'a>(line: &'a str, next: &str) -> Option<&'a str> {
    // PostgreSQL: `Seq Scan on T`, `Index Scan using I on T`; SQLite: `SCAN T`.
    if let Some((_, table)) = line.split_once("Seq Scan on ") {
        return table.split(' ').next();
    }
    if let Some((_, rest)) = line.split_once("Scan using ") {
        let bounded = next
            .strip_prefix("Index Cond: ")
            .is_some_and(|bounds| !is_tenant_alone(bounds));
        let table = rest.split_once(" on ").map_or(rest, |(_, table)| table);
        return table.split(' ').next().filter(|_| !bounded);
    }
    let table = line.strip_prefix("SCAN ")?.split(' ').next();
    table.filter(|table| !table.starts_with('(') && *table != "CONSTANT")
}

fn is_tenant_alone(bounds: &str) -> bool {
    bounds.starts_with("(tenant = ") && !bounds.contains(" AND ")
}
