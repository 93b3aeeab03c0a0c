//! A temporary folder and database for this run, removed at its end.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Outcome;

pub struct TemporaryDatabase {
    pub folder: PathBuf,
    /// As `WRIT__DATABASE__URL`.
    pub url: String,
    postgres: Option<Postgres>,
}

struct Postgres {
    admin: String,
    name: String,
    /// The parent process of the database server, if it runs here.
    postmaster: Option<u32>,
}

impl TemporaryDatabase {
    pub fn make(database: &str) -> Outcome<Self> {
        let name = format!("writ_bench_{}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder)?;
        let mut place = Self {
            url: format!("sqlite:{}", folder.join("writ.db").display()),
            folder,
            postgres: None,
        };
        if database != "sqlite" {
            psql(database, &format!("CREATE DATABASE {name}"))?;
            place.url = beside(database, &name)?;
            let folder = psql(database, "SHOW data_directory")?;
            let pid_file = std::fs::read_to_string(PathBuf::from(folder).join("postmaster.pid"));
            let postmaster = pid_file.ok().and_then(|t| t.lines().next()?.parse().ok());
            place.postgres = Some(Postgres {
                admin: database.to_owned(),
                name,
                postmaster,
            });
        }
        Ok(place)
    }

    /// Runs this text, by `psql` or `sqlite3`.
    pub fn sql(&self, sql: &str) -> Outcome<()> {
        self.query(sql).map(drop)
    }

    /// The same, and what it finds; columns are separated by `|`.
    pub fn query(&self, sql: &str) -> Outcome<String> {
        match &self.postgres {
            Some(_) => psql(&self.url, sql),
            None => sqlite3(&self.folder.join("writ.db"), sql),
        }
    }

    /// Does now what the database would do by itself soon after many rows came, and while it is measured: PostgreSQL's autovacuum takes as
    /// much time as what it runs beside.
    pub fn settle(&self) -> Outcome<()> {
        self.sql(match &self.postgres {
            Some(_) => "VACUUM (ANALYZE)",
            None => "ANALYZE",
        })
    }

    pub fn postmaster(&self) -> Option<u32> {
        self.postgres.as_ref().and_then(|p| p.postmaster)
    }
}

impl Drop for TemporaryDatabase {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(postgres) = &self.postgres {
            let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", postgres.name);
            let _ = psql(&postgres.admin, &drop);
        }
    }
}

/// The same server, another database.
fn beside(url: &str, name: &str) -> Outcome<String> {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = path.rsplit_once('/').ok_or("the URL names no database")?;
    Ok(format!("{server}/{name}?{query}"))
}

fn sqlite3(file: &Path, sql: &str) -> Outcome<String> {
    let done = Command::new("sqlite3")
        .args(["-batch", "-bail"])
        .arg(file)
        .arg(sql)
        .output()?;
    if !done.status.success() {
        return Err(format!("sqlite3: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}

fn psql(url: &str, sql: &str) -> Outcome<String> {
    let done = Command::new("psql")
        .args(["-X", "-A", "-t", "-q", "-d", url, "-c", sql])
        .output()?;
    if !done.status.success() {
        return Err(format!("psql: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?.trim().to_owned())
}
