//! How the database finds the rows of a statement. The first time that a test runs a text on a kind of database, its plan is looked at,
//! and a plan that reads a whole table or a whole tenant ends the test: a statement that no index serves cannot come in unnoticed. On
//! SQLite it is looked at again with the statistics that `ANALYZE` writes of few and of many rows, and must find its rows as well.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sqlx::error::DatabaseError;
use sqlx::{AssertSqlSafe, PgConnection, Row, SqliteConnection};

use super::statistics::{self, Age};

/// Tables that may be read as a whole: configuration, in the few rows that an operator makes, and what has a bound of its own (65,536
/// of each kind of `attempts`, 4,096 of each purpose of `fetched_documents`).
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

    /// Its plan on this database.
    fn plan(&mut self, sql: &str) -> impl Future<Output = sqlx::Result<Vec<String>>> + Send;

    /// Its plans where the database knows how many rows there are, if that can make a difference.
    fn informed_plans(
        &mut self,
        sql: &str,
    ) -> impl Future<Output = sqlx::Result<Vec<(Age, Vec<String>)>>> + Send;

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
        let faults = informed_faults(planner, text, &plan).await;
        if !faults.is_empty() {
            let faults = faults.join("\n");
            panic!(
                "statistics make {} choose badly:\n{text}\n{faults}",
                P::KIND
            );
        }
    }
}

/// What is wrong with how a text would be run where the database knows how many rows there are, beside how it is run here.
pub(crate) async fn informed_faults<P: Planner>(
    planner: &mut P,
    text: &str,
    plan: &[String],
) -> Vec<String> {
    let mut faults = Vec::new();
    let plans = match planner.informed_plans(text).await {
        Ok(plans) => plans,
        Err(sqlx::Error::Database(error)) if is_of_text(&*error) => return vec![error.to_string()],
        // As above.
        Err(_) => return faults,
    };
    for (age, informed) in plans {
        let mut found = P::faults(text, &informed);
        found.extend(widened(plan, &informed));
        if !found.is_empty() {
            let (found, informed) = (found.join("\n"), informed.join("\n"));
            faults.push(format!("{age:?}: {found}\nplan:\n{informed}"));
        }
    }
    faults
}

/// Searches that look through all rows of a table, or all of one kind or time, where without statistics a few are found. Of several
/// searches of one table each stands for one that is as good, while there is one.
fn widened(plan: &[String], informed: &[String]) -> Vec<String> {
    let searches = |plan: &[String]| -> Vec<(String, bool)> {
        let found = plan.iter().filter_map(|line| search(line));
        found.map(|(table, few)| (table.to_owned(), few)).collect()
    };
    let mut before = searches(plan);
    let mut faults = Vec::new();
    for line in informed {
        let Some((table, few)) = search(line) else {
            continue;
        };
        let as_good = before.iter().position(|one| one.0 == table && one.1 == few);
        match as_good {
            Some(place) => drop(before.remove(place)),
            None if !few && before.iter().any(|one| one.0 == table) => {
                faults.push(format!("{line}: fewer rows are found without statistics"));
            }
            None => {}
        }
    }
    faults
}

/// What a line of SQLite's plan searches, and whether a column with many values is compared.
fn search(line: &str) -> Option<(&str, bool)> {
    let rest = line.strip_prefix("SEARCH ")?;
    let (_, bounds) = rest.split_once('(')?;
    let compared = bounds.trim_end_matches(')').split(" AND ");
    let mut equal = compared.filter_map(|bound| bound.strip_suffix("=?"));
    let few = equal.any(|column| column != "tenant" && !statistics::FEW_VALUES.contains(&column));
    Some((rest.split(' ').next()?, few))
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
        statistics::plan(self, sql).await
    }

    async fn informed_plans(&mut self, sql: &str) -> sqlx::Result<Vec<(Age, Vec<String>)>> {
        statistics::plans(self, sql).await
    }

    /// `SCAN table`, or `SEARCH table USING INDEX name (tenant=?)` of which not just the first rows in the index's order are taken; and what
    /// is made of a whole table first: `BLOOM FILTER ON table`, `AUTOMATIC INDEX`.
    fn faults(sql: &str, plan: &[String]) -> Vec<String> {
        let tables = tables(sql);
        let is_ordered = |line: &String| line.contains("TEMP B-TREE FOR ORDER BY");
        let walks = sql.contains("LIMIT") && !plan.iter().any(is_ordered);
        let is_fault = |line: &&String| {
            if line.starts_with("BLOOM FILTER ON ") || line.contains(" AUTOMATIC ") {
                return true;
            }
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

    /// Its statistics are of no use to a plan that is kept for any values, with scans switched off: `kept_plans` looks at those.
    async fn informed_plans(&mut self, _: &str) -> sqlx::Result<Vec<(Age, Vec<String>)>> {
        Ok(Vec::new())
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
