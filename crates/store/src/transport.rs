//! Whether somebody between this machine and the database can read and change what goes there.

use std::net::IpAddr;
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// What is wrong with the way to the database, in a sentence that names the parameter to add; `None` where the database is on this
/// machine, proves who it is, or the URL is none of PostgreSQL. Nothing of a password is in it.
pub fn unprotected(url: &str) -> Option<String> {
    if !url.starts_with("postgres:") && !url.starts_with("postgresql:") {
        return None;
    }
    let options = PgConnectOptions::from_str(url).ok()?;
    let host = options.get_host();
    let found = match options.get_ssl_mode() {
        PgSslMode::VerifyFull => return None,
        PgSslMode::Disable => "is not encrypted",
        PgSslMode::Allow | PgSslMode::Prefer => {
            "is encrypted only unless somebody between turns that off"
        }
        PgSslMode::VerifyCa => "takes any certificate of the authority, whatever name it is for",
        PgSslMode::Require => "does not prove that it is the database which answers",
    };
    if options.get_socket().is_some() || is_here(host) {
        return None;
    }
    let mark = if url.contains('?') { '&' } else { '?' };
    Some(format!(
        "`database.url`: the connection to `{host}` {found}, so whoever is on the way can read and change everything. Add \
         `{mark}sslmode=verify-full` to the URL, and `&sslrootcert=FILE` where an authority of your own signed its certificate"
    ))
}

/// A path is a folder with a socket.
fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.starts_with('/')
        || host.eq_ignore_ascii_case("localhost")
        || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_elsewhere_must_prove_who_it_is() {
        for url in [
            "postgres://writ:hunter2@db.example/writ",
            "postgresql://writ@db.example/writ?sslmode=prefer",
            "postgres://writ@db.example/writ?sslmode=disable",
            "postgres://writ@db.example/writ?sslmode=allow",
            "postgres://writ@db.example/writ?sslmode=require",
            "postgres://writ@db.example/writ?sslmode=verify-ca&sslrootcert=ca.pem",
            "postgres://writ@192.0.2.1/writ",
            "postgres://writ@[2001:db8::1]/writ",
            "postgres://writ@localhost.example/writ",
            "postgres://writ@localhost/writ?host=db.example",
        ] {
            let said = unprotected(url).unwrap_or_else(|| panic!("{url}"));
            let mark = if url.contains('?') { '&' } else { '?' };
            assert!(
                said.contains(&format!("`{mark}sslmode=verify-full`")),
                "{said}"
            );
            assert!(!said.contains("hunter2"), "{said}");
        }
        for url in [
            "postgres://writ@db.example/writ?sslmode=verify-full",
            "postgres://writ@localhost/writ",
            "postgres://writ@LOCALHOST/writ?sslmode=disable",
            "postgres://writ@127.0.0.2/writ",
            "postgres://writ@[::1]/writ",
            "postgres://writ@[::ffff:127.0.0.1]/writ",
            "postgres://writ@localhost/writ?host=/run/postgresql",
            "postgres://writ@%2Frun%2Fpostgresql/writ",
            "sqlite:writ.db",
        ] {
            assert_eq!(unprotected(url), None, "{url}");
        }
    }
}
