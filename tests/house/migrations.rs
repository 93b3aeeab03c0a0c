//! Both databases have the same migrations, none is missing, and each leaves the version before it running.

use std::collections::BTreeSet;

use super::{none, root};

const KINDS: [&str; 2] = ["sqlite", "postgres"];

/// Name and text of each, in order.
fn migrations(kind: &str) -> Vec<(String, String)> {
    let folder = root().join("migrations").join(kind);
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn names(kind: &str) -> Vec<String> {
    migrations(kind).into_iter().map(|(name, _)| name).collect()
}

/// The same numbers and names for both databases.
#[test]
fn both_databases_have_the_same_migrations() {
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    for (place, name) in sqlite.iter().enumerate() {
        assert!(
            name.starts_with(&format!("{:04}_", place + 1)),
            "`{name}`: no number is left out"
        );
    }
}

/// Expand first, contract in a later release (docs/design/storage.md): nodes of the version before run while it is applied, and go on.
#[test]
fn a_migration_only_adds_unless_its_name_says_since_when_nothing_uses_what_it_takes() {
    let mut problems = Vec::new();
    for kind in KINDS {
        let mut known = Known::default();
        for (name, sql) in migrations(kind) {
            let found = problems_of(&name, &sql, &mut known);
            problems.extend(
                found
                    .into_iter()
                    .map(|found| format!("{kind}/{name}: {found}")),
            );
        }
    }
    none(&problems);
}

/// What files up to this one have made.
#[derive(Default)]
struct Known {
    unique_indexes: BTreeSet<String>,
}

fn problems_of(name: &str, sql: &str, known: &mut Known) -> Vec<String> {
    let mut problems = Vec::new();
    let mut own = BTreeSet::new();
    let contract = contract(name);
    if contract == Contract::Misnamed {
        problems.push("`_contract_NNNN_` names an earlier migration".to_owned());
    }
    for statement in statements(sql) {
        let words: Vec<_> = statement.split(' ').collect();
        if let Some(why) = outside_transaction(&words) {
            problems.push(format!("`{statement}`: {why}"));
        }
        let adds = adds(&words, &own, known);
        if contract == Contract::None && !adds {
            problems.push(format!(
                "`{statement}` may break the version before: name the file `NNNN_contract_MMMM_...`, where nothing uses it since MMMM"
            ));
        }
        match words.as_slice() {
            ["CREATE", "TABLE", table, ..] => drop(own.insert((*table).to_owned())),
            // Null in every row that older code writes, and so never twice the same.
            ["ALTER", "TABLE", table, "ADD", "COLUMN", column, ..]
                if !words.contains(&"DEFAULT") =>
            {
                own.insert(format!("{table}.{column}"));
            }
            ["CREATE", "UNIQUE", "INDEX", index, ..] => {
                known.unique_indexes.insert((*index).to_owned());
            }
            _ => {}
        }
    }
    problems
}

#[derive(Debug, PartialEq, Eq)]
enum Contract {
    None,
    Named,
    Misnamed,
}

/// As `crates/store/src/migrate/applied.rs` reads it.
fn contract(name: &str) -> Contract {
    let number = |text: &str| {
        let digits = text.split('_').next()?;
        (digits.len() == 4).then(|| digits.parse::<u32>().ok())?
    };
    let Some((own, since)) = name.split_once("_contract_") else {
        return match name.contains("contract") {
            true => Contract::Misnamed,
            false => Contract::None,
        };
    };
    match (number(own), number(since)) {
        (Some(own), Some(since)) if 0 < since && since < own => Contract::Named,
        _ => Contract::Misnamed,
    }
}

/// In capitals, without comments, with one space between words and brackets apart.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap());
    let sql = lines.collect::<Vec<_>>().join(" ").to_uppercase();
    let sql = sql
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace(',', " , ");
    let mut found = Vec::new();
    let mut open = String::new();
    for piece in sql.split(';') {
        open.push_str(piece);
        let statement = open.split_whitespace().collect::<Vec<_>>().join(" ");
        if is_within_a_body(&statement) {
            open.push_str(" ; ");
            continue;
        }
        open.clear();
        found.push(statement);
    }
    found.push(open.split_whitespace().collect::<Vec<_>>().join(" "));
    found.retain(|statement| !statement.is_empty());
    found
}

/// Of a function of PostgreSQL, or a trigger of SQLite: it has statements of its own.
fn is_within_a_body(statement: &str) -> bool {
    let of_trigger = statement.starts_with("CREATE TRIGGER") && statement.contains(" BEGIN ");
    statement.matches("$$").count() % 2 == 1 || (of_trigger && !statement.ends_with(" END"))
}

/// A file and the row that notes it are one transaction.
fn outside_transaction(words: &[&str]) -> Option<&'static str> {
    const ENDS: [&str; 8] = [
        "BEGIN",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT",
        "RELEASE",
        "START",
        "ABORT",
    ];
    const NEVER_INSIDE: [&str; 5] = ["PRAGMA", "VACUUM", "ATTACH", "DETACH", "SET"];
    let first = words.first()?;
    if ENDS.contains(first) {
        return Some("the file's transaction is not its own to end");
    }
    (NEVER_INSIDE.contains(first) || words.contains(&"CONCURRENTLY"))
        .then_some("it cannot be undone with the rest of its file")
}

/// Whether whatever the version before sends still means the same.
fn adds(words: &[&str], own: &BTreeSet<String>, known: &Known) -> bool {
    let has = |word: &str| words.contains(&word);
    match words {
        ["CREATE", "TABLE", ..]
        | ["CREATE", "INDEX", ..]
        | ["CREATE", "STATISTICS", ..]
        | ["CREATE", "FUNCTION", ..]
        | ["INSERT", ..]
        | ["UPDATE", ..]
        | ["ANALYZE", ..]
        | ["ALTER", "TABLE", _, "SET", "(", ..] => true,
        // Older code still inserts what it was never told to keep apart.
        ["CREATE", "UNIQUE", "INDEX", _, "ON", table, ..] => {
            own.contains(*table)
                || words
                    .iter()
                    .any(|word| own.contains(&format!("{table}.{word}")))
        }
        ["ALTER", "TABLE", table, ..] if own.contains(*table) => true,
        ["ALTER", "TABLE", _, "ADD", "COLUMN", ..] => {
            let constraints = ["UNIQUE", "CHECK", "REFERENCES", "PRIMARY", ","];
            let required = has("NOT") && !has("DEFAULT");
            !required && !constraints.iter().any(|word| has(word))
        }
        [
            "ALTER",
            "TABLE",
            _,
            "ALTER",
            "COLUMN",
            _,
            "SET",
            "STATISTICS",
            ..,
        ] => true,
        // What older code inserts is inserted as before; what is written beside it goes to a table of this file.
        ["CREATE", "TRIGGER", _, "AFTER", "INSERT", "ON", ..] => {
            let into = words
                .windows(3)
                .filter(|three| three[..2] == ["INSERT", "INTO"]);
            let changes = ["UPDATE", "DELETE"].iter().any(|word| has(word));
            !changes && into.map(|three| three[2]).all(|table| own.contains(table))
        }
        // Slower, at most; a unique one is what `ON CONFLICT` asks for.
        ["DROP", "INDEX", index] => !known.unique_indexes.contains(*index),
        _ => false,
    }
}

#[test]
fn what_may_break_the_version_before_is_seen() {
    let before = "CREATE TABLE t (a TEXT NOT NULL); CREATE UNIQUE INDEX t_a ON t (a);
        CREATE INDEX t_plain ON t (a);";
    for (sql, breaks) in [
        ("ALTER TABLE t ADD COLUMN b TEXT; -- NOT NULL", false),
        (
            "ALTER TABLE t ADD COLUMN b BIGINT NOT NULL DEFAULT 0;",
            false,
        ),
        ("alter table t add column b bigint not null;", true),
        ("ALTER TABLE t ADD COLUMN b TEXT UNIQUE;", true),
        (
            "ALTER TABLE t ADD COLUMN b TEXT, ADD COLUMN c TEXT NOT NULL DEFAULT '';",
            true,
        ),
        ("ALTER TABLE t ADD COLUMN b TEXT CHECK (b <> '');", true),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a <> '');", true),
        ("ALTER TABLE t DROP COLUMN a;", true),
        ("ALTER TABLE t RENAME COLUMN a TO b;", true),
        ("ALTER TABLE t RENAME TO u; CREATE TABLE t (a TEXT);", true),
        ("ALTER TABLE t ALTER COLUMN a SET NOT NULL;", true),
        ("ALTER TABLE t ALTER COLUMN a SET STATISTICS 1000;", false),
        ("ALTER TABLE t SET (fillfactor = 70);", false),
        ("DROP TABLE t;", true),
        ("DROP INDEX t_plain;", false),
        ("DROP INDEX t_a;", true),
        ("CREATE INDEX t_b ON t (a);", false),
        ("CREATE UNIQUE INDEX t_b ON t (a);", true),
        (
            "ALTER TABLE t ADD COLUMN b TEXT; CREATE UNIQUE INDEX t_b ON t (b);",
            false,
        ),
        (
            "ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT ''; CREATE UNIQUE INDEX t_b ON t (b);",
            true,
        ),
        (
            "CREATE TABLE u (a TEXT); CREATE UNIQUE INDEX u_a ON u (a);",
            false,
        ),
        ("UPDATE t SET a = 'x';", false),
        ("DELETE FROM t;", true),
        (
            "CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f();",
            true,
        ),
    ] {
        is_seen(before, sql, breaks);
    }
}

#[test]
fn a_trigger_adds_if_it_writes_to_a_table_of_its_own_file_after_an_insert() {
    let before = "CREATE TABLE t (a TEXT NOT NULL);";
    for (sql, breaks) in [
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
            CREATE TRIGGER g AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION f();",
            false,
        ),
        (
            "CREATE TABLE u (a TEXT);
            CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.a); END;",
            false,
        ),
        (
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO t VALUES (NEW.a); END;",
            true,
        ),
        (
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END;",
            true,
        ),
        (
            "CREATE TABLE u (a TEXT);
            CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO u VALUES (NEW.a); END; DROP TABLE t;",
            true,
        ),
    ] {
        is_seen(before, sql, breaks);
    }
}

/// What is seen of this file under each name, behind one with `before`.
fn is_seen(before: &str, sql: &str, breaks: bool) {
    for (name, allowed) in [
        ("0003_more.sql", false),
        ("0003_contract_0002_more.sql", true),
        ("0003_contract_0003_more.sql", false),
        ("0003_contract_more.sql", false),
    ] {
        let mut known = Known::default();
        assert!(problems_of("0001_before.sql", before, &mut known).is_empty());
        let found = problems_of(name, sql, &mut known);
        let misnamed = contract(name) == Contract::Misnamed;
        let expected = misnamed || (breaks && !allowed);
        assert_eq!(!found.is_empty(), expected, "{name}: {sql}: {found:?}");
    }
}

#[test]
fn what_does_not_fit_into_one_transaction_is_seen() {
    for sql in [
        "CREATE INDEX CONCURRENTLY t_a ON t (a);",
        "PRAGMA foreign_keys = off;",
        "VACUUM;",
        "COMMIT; ALTER TABLE t ADD COLUMN b TEXT; BEGIN;",
    ] {
        let name = "0003_contract_0002_more.sql";
        let found = problems_of(name, sql, &mut Known::default());
        assert!(!found.is_empty(), "{sql}");
    }
}
