//! Macros that run one SQL text on either driver. The texts use what both databases understand: `$n`, TEXT and BIGINT.

/// A row and its columns in one list; each field is read from the column of its name.
macro_rules! row {
    ($(#[$meta:meta])* $row:ident { $($column:ident: $kind:ty),* $(,)? }) => {
        $(#[$meta])*
        pub(crate) struct $row { $(pub(crate) $column: $kind),* }
        row!(@ sqlx::sqlite::SqliteRow, $row, $($column),*);
        row!(@ sqlx::postgres::PgRow, $row, $($column),*);
    };
    (@ $driver:ty, $row:ident, $($column:ident),*) => {
        impl sqlx::FromRow<'_, $driver> for $row {
            fn from_row(row: &$driver) -> sqlx::Result<Self> {
                Ok(Self { $($column: sqlx::Row::try_get(row, stringify!($column))?),* })
            }
        }
    };
}

/// A row that is several rows side by side; their columns have different names.
macro_rules! joined {
    ($joined:ident { $($part:ident: $row:ty),* $(,)? }) => {
        struct $joined { $($part: $row),* }
        joined!(@ sqlx::sqlite::SqliteRow, $joined, $($part),*);
        joined!(@ sqlx::postgres::PgRow, $joined, $($part),*);
    };
    (@ $driver:ty, $joined:ident, $($part:ident),*) => {
        impl sqlx::FromRow<'_, $driver> for $joined {
            fn from_row(row: &$driver) -> sqlx::Result<Self> {
                Ok(Self { $($part: sqlx::FromRow::from_row(row)?),* })
            }
        }
    };
}

/// One match arm per driver. Statements are prepared once per connection.
macro_rules! on_either {
    ($transaction:ident, $sql:ident, $query:expr, ($($value:expr),*), $verb:ident $($then:tt)*) => {{
        $transaction.statements.count();
        match &mut $transaction.connection {
            $crate::store::DatabaseConnection::Sqlite(connection) => on_either!(@ connection, $sql, $query$(.bind(&$value))*, $verb $($then)*),
            $crate::store::DatabaseConnection::Postgres(connection) => on_either!(@ connection, $sql, $query$(.bind(&$value))*, $verb $($then)*),
        }
    }};
    (@ $connection:ident, $sql:ident, $query:expr, $verb:ident $($then:tt)*) => {
        loop {
            match $connection.for_statement() {
                Ok((connection, deadline)) => {
                    let done = $crate::deadline::within(deadline, $query.$verb(&mut *connection)).await$($then)*;
                    #[cfg(any(test, feature = "testing"))]
                    if done.is_ok() {
                        $crate::testing::plans::check(connection, $sql).await;
                    }
                    if !$connection.has_begun_anew(&done).await {
                        break $connection.statement_ended(done);
                    }
                }
                Err(gone) => break Err(gone),
            }
        }
    };
}

/// The number of rows that were changed.
macro_rules! execute {
    ($transaction:ident, $sql:expr $(, $value:expr)* $(,)?) => {
        {
            let sql: &'static str = $sql;
            on_either!($transaction, sql, sqlx::query(sql), ($($value),*), execute.map(|done| done.rows_affected()))
        }
    };
}

/// The row, if there is one.
macro_rules! optional {
    ($transaction:ident, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        {
            let sql: &'static str = $sql;
            let found = on_either!($transaction, sql, sqlx::query_as::<_, $row>(sql), ($($value),*), fetch_optional);
            $transaction.statements.count_rows(found.as_ref().map_or(0, |row| usize::from(row.is_some())));
            found
        }
    };
}

/// All rows; the statement has a limit.
macro_rules! all {
    ($transaction:ident, $row:ty, $sql:expr $(, $value:expr)* $(,)?) => {
        {
            let sql: &'static str = $sql;
            let found = on_either!($transaction, sql, sqlx::query_as::<_, $row>(sql), ($($value),*), fetch_all);
            $transaction.statements.count_rows(found.as_ref().map_or(0, Vec::len));
            found
        }
    };
}

/// `FROM` for statements over a list of ids, which is one JSON parameter `$ids`: of each of them the first `$most` rows of a table, which
/// `$which` finds and orders by an index. SQLite looks rows up by a subquery of one id, PostgreSQL joins laterally.
/// `CROSS JOIN` keeps SQLite from reading all of the table and then the list, as it may where it was told how many rows there are.
macro_rules! first_of_each {
    (sqlite, $table:literal, $which:expr) => {
        concat!(
            "FROM (SELECT value AS id FROM json_each($ids)) n CROSS JOIN ",
            $table,
            " r ON r.tenant = $tenant AND r.id IN (SELECT x.id FROM ",
            $table,
            " x WHERE x.tenant = $tenant AND ",
            $which,
            " LIMIT CAST($most AS BIGINT)) "
        )
    };
    (postgres, $table:literal, $which:expr) => {
        concat!(
            "FROM (SELECT json_array_elements_text(CAST($ids AS json)) AS id) n
            CROSS JOIN LATERAL (SELECT x.* FROM ",
            $table,
            " x WHERE x.tenant = $tenant AND ",
            $which,
            " LIMIT CAST($most AS BIGINT)) r "
        )
    };
}
