//! What SQLite chooses where it was told how many rows there are: by `ANALYZE`, which any operator may run. The rows of a server with
//! years in it are not made for that, only what `ANALYZE` would write of them (`sqlite_stat1`), from the schema.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tokio::sync::Mutex;

use crate::connect::{AUTOMATIC_INDEX, OFF};

/// Of each index how many rows have the same value of its first column, of its first two and so on, as powers of ten: a tenant has every
/// row, a name of few values a tenth of them, a person, client or resource a thousandth; and where a unique index ends, or with any other
/// column, it is one row.
const WRITE: &str = "
    BEGIN;
    ANALYZE;
    DELETE FROM sqlite_stat1;
    INSERT INTO sqlite_stat1 (tbl, idx, stat)
    WITH columns (tbl, idx, is_unique, place, digits) AS (
        SELECT t.name, i.name, i.\"unique\", c.seqno,
            CASE WHEN c.name = 'tenant' THEN 0
                WHEN c.name IN ($FEW) THEN 1
                WHEN c.name IN ('subject', 'user_id', 'client_id', 'owner_id', 'sponsor_id', 'caller',
                    'resource') THEN 3
                ELSE $DIGITS END
        FROM sqlite_schema t, pragma_index_list(t.name) i, pragma_index_info(i.name) c
        WHERE t.type = 'table'
    ), told (tbl, idx, place, told) AS (
        SELECT tbl, idx, place,
            '1' || substr('$ZEROS', 1, CASE WHEN is_unique AND place = MAX(place) OVER (PARTITION BY idx) THEN 0
                ELSE $DIGITS - SUM(digits) OVER (PARTITION BY idx ORDER BY place) END)
        FROM columns
    ), stats (tbl, idx, place, stat) AS (
        SELECT tbl, idx, place, '1$ZEROS ' || group_concat(told, ' ') OVER (PARTITION BY idx ORDER BY place)
        FROM told
    )
    SELECT tbl, idx, stat FROM stats s
    WHERE place = (SELECT MAX(place) FROM columns c WHERE c.idx = s.idx);
    COMMIT;
    ANALYZE sqlite_schema";

/// Columns with some ten values.
pub(crate) const FEW_VALUES: [&str; 7] = [
    "kind",
    "name",
    "type_name",
    "purpose",
    "endpoint",
    "code",
    "state",
];

/// How many rows each table had when the statistics were made: a million, or a hundred in the first week. Of less than some fifty SQLite
/// reads all, whatever the text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    Years,
    Week,
}

impl Age {
    pub(crate) const ALL: [Self; 2] = [Self::Years, Self::Week];

    const fn zeros(self) -> &'static str {
        match self {
            Self::Years => "000000",
            Self::Week => "00",
        }
    }
}

/// As if `ANALYZE` had been run at that age. Whoever opens the file knows it.
pub(crate) async fn write(connection: &mut SqliteConnection, age: Age) -> sqlx::Result<()> {
    let zeros = age.zeros();
    let few = FEW_VALUES.map(|name| format!("'{name}'")).join(", ");
    let sql = WRITE
        .replace("$ZEROS", zeros)
        .replace("$FEW", &few)
        .replace("$DIGITS", &zeros.len().to_string());
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}

/// An empty database in memory with these statements' tables, for each age.
struct Analysed {
    schema: String,
    ages: Vec<SqliteConnection>,
}

/// One for all tests of this process: they have the same tables.
static ANALYSED: Mutex<Option<Analysed>> = Mutex::const_new(None);

/// How this text would be run on a database with those tables, of each age.
pub(crate) async fn plans(
    real: &mut SqliteConnection,
    sql: &str,
) -> sqlx::Result<Vec<(Age, Vec<String>)>> {
    let schema = schema(real).await?;
    let mut analysed = ANALYSED.lock().await;
    if analysed.as_ref().is_none_or(|known| known.schema != schema) {
        *analysed = Some(Analysed::of(schema).await?);
    }
    let mut plans = Vec::new();
    for (age, connection) in Age::ALL
        .into_iter()
        .zip(analysed.iter_mut().flat_map(|known| &mut known.ages))
    {
        plans.push((age, plan(connection, sql).await?));
    }
    Ok(plans)
}

/// The lines of the plan.
pub(crate) async fn plan(
    connection: &mut SqliteConnection,
    sql: &str,
) -> sqlx::Result<Vec<String>> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(connection).await?;
    rows.iter().map(|row| row.try_get("detail")).collect()
}

impl Analysed {
    async fn of(schema: String) -> sqlx::Result<Self> {
        let mut ages = Vec::new();
        for age in Age::ALL {
            let options = SqliteConnectOptions::new().in_memory(true);
            let options = options.pragma(AUTOMATIC_INDEX, OFF);
            let mut connection = SqliteConnection::connect_with(&options).await?;
            sqlx::raw_sql(AssertSqlSafe(schema.clone()))
                .execute(&mut connection)
                .await?;
            write(&mut connection, age).await?;
            ages.push(connection);
        }
        Ok(Self { schema, ages })
    }
}

/// The statements that make these tables, and then their indexes and triggers.
async fn schema(connection: &mut SqliteConnection) -> sqlx::Result<String> {
    let made = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
        ORDER BY type <> 'table', type, name";
    let made: Vec<String> = sqlx::query_scalar(made).fetch_all(connection).await?;
    Ok(made.join(";\n"))
}
