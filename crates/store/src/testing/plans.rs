//! How the database finds the rows of a statement. The first time that a test runs a text on a kind of database, its plan is looked at,
//! and a plan that reads a whole table or a whole tenant ends the test: a statement that no index serves cannot come in unnoticed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection, Row, SqliteConnection};

/// Tables that may be read as a whole: configuration, in the few rows that an operator makes, and what has a bound of its own (65,536
/// of each kind of `attempts`, 4,096 `fetched_documents`).
const BOUNDED: [&str; 8] = [
    "attempts",
    "fetched_documents",
    "id_token_keys",
    "resources",
    "server_keys",
    "signing_keys",
    "tenants",
    "types",
];

/// What an operator asks or ends when the issuer changes is of everybody.
const OF_EVERYBODY: [&str; 2] = [
    crate::registered::PASSKEYS,
    crate::remembered_consent::FORGET_ALL,
];

/// Texts that were looked at in this process, of each kind of database.
static SEEN: Mutex<BTreeSet<(&'static str, &'static str)>> = Mutex::new(BTreeSet::new());

/// Only tests look: a binary that is built beside them has this code too.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// From now on, in this process.
pub(super) fn switch_on() {
    IS_ON.store(true, Ordering::Relaxed);
}

/// A connection that can say how it would run a text.
pub(crate) trait Planner {
    const KIND: &'static str;

    /// The lines of the plan; none if the text cannot be explained.
    fn plan(&mut self, sql: &str) -> impl Future<Output = sqlx::Result<Vec<String>>> + Send;

    /// What is wrong with a plan.
    fn faults(sql: &str, plan: &[String]) -> Vec<String>;
}

/// Ends the test if this statement's work grows with what it does not return.
#[expect(
    clippy::panic,
    reason = "a statement without an index fails the test that runs it"
)]
pub(crate) async fn check<P: Planner>(planner: &mut P, sql: &'static str) {
    let seen = |seen: &Mutex<BTreeSet<_>>| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        !seen.insert((P::KIND, sql))
    };
    let of_everybody = OF_EVERYBODY.contains(&sql);
    if !IS_ON.load(Ordering::Relaxed) || of_everybody || seen(&SEEN) {
        return;
    }
    for text in sql.split(';').filter(|text| reads_rows(text)) {
        let plan = match planner.plan(text).await {
            Ok(plan) => plan,
            Err(sqlx::Error::Database(error)) if is_of_text(&*error) => {
                panic!("{} cannot explain this: {error}\n{text}", P::KIND)
            }
            // The test cuts the line, or ends the database.
            Err(_) => return,
        };
        let faults = P::faults(text, &plan);
        if !faults.is_empty() {
            let (faults, plan) = (faults.join("\n"), plan.join("\n"));
            panic!(
                "no index serves this on {}:\n{text}\n{faults}\nplan:\n{plan}",
                P::KIND
            );
        }
    }
}

fn reads_rows(text: &str) -> bool {
    let verb = text.split_whitespace().next().unwrap_or_default();
    ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&verb)
}

/// Whether the text is at fault: class 42 of PostgreSQL, `SQLITE_ERROR`.
fn is_of_text(error: &dyn DatabaseError) -> bool {
    let code = error.code();
    code.is_some_and(|code| code.starts_with("42") || code == "1")
}

impl Planner for SqliteConnection {
    const KIND: &'static str = "SQLite";

    async fn plan(&mut self, sql: &str) -> sqlx::Result<Vec<String>> {
        let sql = format!("EXPLAIN QUERY PLAN {sql}");
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(self).await?;
        rows.iter().map(|row| row.try_get("detail")).collect()
    }

    /// `SCAN table`, or `SEARCH table USING INDEX name (tenant=?)` of which not just the first rows in the index's order are taken.
    fn faults(sql: &str, plan: &[String]) -> Vec<String> {
        let tables = tables(sql);
        let is_ordered = |line: &String| line.contains("TEMP B-TREE FOR ORDER BY");
        let walks = sql.contains("LIMIT") && !plan.iter().any(is_ordered);
        let is_fault = |line: &&String| {
            let Some((verb, rest)) = line.split_once(' ') else {
                return false;
            };
            let name = rest.split(' ').next().unwrap_or_default();
            let Some(table) = tables.iter().find(|(alias, _)| alias == name) else {
                return false;
            };
            let is_small = BOUNDED.contains(&table.1.as_str());
            let is_whole_tenant = rest.ends_with("(tenant=?)");
            !is_small && (verb == "SCAN" || verb == "SEARCH" && is_whole_tenant && !walks)
        };
        plan.iter().filter(is_fault).cloned().collect()
    }
}

impl Planner for PgConnection {
    const KIND: &'static str = "PostgreSQL";

    async fn plan(&mut self, sql: &str) -> sqlx::Result<Vec<String>> {
        let parameters = (1..100).take_while(|n| sql.contains(&format!("${n}")));
        let nulls: Vec<&str> = parameters.map(|_| "NULL").collect();
        let nulls = match nulls.is_empty() {
            true => String::new(),
            false => format!("({})", nulls.join(", ")),
        };
        // A text that cannot be explained must not end the transaction of the test; outside of one there is nothing to save.
        let saved = sqlx::raw_sql("SAVEPOINT writ_plan")
            .execute(&mut *self)
            .await;
        let prepare = format!(
            "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
            SET plan_cache_mode = force_generic_plan;
            PREPARE writ_plan AS {sql}"
        );
        let explain = format!("EXPLAIN EXECUTE writ_plan{nulls}");
        let rows = async {
            sqlx::raw_sql(AssertSqlSafe(prepare))
                .execute(&mut *self)
                .await?;
            let rows = sqlx::raw_sql(AssertSqlSafe(explain))
                .fetch_all(&mut *self)
                .await?;
            let forget = "DEALLOCATE writ_plan; RESET plan_cache_mode;
                RESET enable_mergejoin; RESET enable_hashjoin; RESET enable_seqscan";
            sqlx::raw_sql(forget).execute(&mut *self).await?;
            Ok::<_, sqlx::Error>(rows)
        }
        .await;
        if saved.is_ok() {
            let restore = "ROLLBACK TO writ_plan; RELEASE writ_plan";
            sqlx::raw_sql(restore).execute(&mut *self).await?;
        }
        rows?.iter().map(|row| row.try_get(0)).collect()
    }

    /// `Seq Scan on table`, though such scans are said to be dear. Which of several indexes is taken says nothing while the tables are
    /// empty: that is SQLite's part.
    fn faults(_: &str, plan: &[String]) -> Vec<String> {
        let is_fault = |line: &&String| {
            let scanned = line.split_once("Seq Scan on ");
            let name = scanned.and_then(|(_, rest)| rest.split(' ').next());
            name.is_some_and(|name| !BOUNDED.contains(&name))
        };
        plan.iter().filter(is_fault).cloned().collect()
    }
}

/// Whether the text makes this table itself: `WITH table AS (SELECT ...`, or a function.
fn is_made_by(words: &[&str], table: &str) -> bool {
    let named = |three: &[&str]| match three {
        [before, name, _] if matches!(*before, "WITH" | "RECURSIVE") => *name == table,
        [name, "AS", verb] => *name == table && reads_rows(verb),
        _ => false,
    };
    table == "json_each" || words.windows(3).any(named)
}

/// The tables of a text, by what they are called in it.
fn tables(sql: &str) -> Vec<(String, String)> {
    let words: Vec<&str> = sql
        .split(|c: char| c.is_whitespace() || "(),".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    let is_before_table = |word: &str| matches!(word, "FROM" | "JOIN" | "UPDATE" | "INTO");
    let mut tables = Vec::new();
    for (place, pair) in words.windows(2).enumerate() {
        let [before, table] = pair else { continue };
        let is_table = table.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        if !is_before_table(before) || !is_table || is_made_by(&words, table) {
            continue;
        }
        let mut after = words.iter().skip(place + 2);
        let next = after
            .next()
            .filter(|word| **word != "AS")
            .or_else(|| after.next());
        let is_alias = |word: &&&str| word.chars().all(|c| c.is_ascii_lowercase());
        let alias = next.filter(is_alias).unwrap_or(table);
        tables.push(((*alias).to_owned(), (*table).to_owned()));
        tables.push(((*table).to_owned(), (*table).to_owned()));
    }
    tables
}
