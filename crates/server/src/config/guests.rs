//! `[guests]`: which documents of clients that nobody registered are taken, and which of their redirect URIs.

use std::collections::BTreeSet;

use serde::Deserialize;
use writ_core::guest::{GuestPolicy, HostPattern};
use writ_platform::guard::{AddressPolicy, Origin};
use writ_wire::redirect::UNSAFE_SCHEMES;

use super::channels::origins;
use super::without_credentials;

/// The most entries of one list.
const MAX_ENTRIES: usize = 1024;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct GuestsFile {
    hosts: Vec<String>,
    deny: Vec<String>,
    schemes: Vec<String>,
    trusted: Vec<String>,
}

/// What is taken of guests, and from where it may be fetched.
pub(super) struct GuestRules {
    pub(super) policy: GuestPolicy,
    pub(super) addresses: AddressPolicy,
}

pub(super) fn check(file: &GuestsFile, problems: &mut Vec<String>) -> GuestRules {
    for (key, list) in [
        ("hosts", &file.hosts),
        ("deny", &file.deny),
        ("schemes", &file.schemes),
        ("trusted", &file.trusted),
    ] {
        if list.len() > MAX_ENTRIES {
            problems.push(format!(
                "`guests.{key}` has more than {MAX_ENTRIES} entries"
            ));
        }
    }
    let hosts = patterns("hosts", &file.hosts, problems);
    if hosts.contains(&HostPattern::All) {
        problems.push("`guests.hosts`: `*` would trust every host".to_owned());
    }
    GuestRules {
        policy: GuestPolicy {
            hosts,
            deny: patterns("deny", &file.deny, problems),
            schemes: schemes(&file.schemes, problems),
        },
        addresses: AddressPolicy {
            trusted: trusted(&file.trusted, problems),
        },
    }
}

/// Documents and key sets of guests are https, whoever hosts them.
fn trusted(list: &[String], problems: &mut Vec<String>) -> Vec<Origin> {
    let found = origins("guests.trusted", list, problems);
    for origin in &found {
        if !origin.as_str().starts_with("https://") {
            problems.push(format!(
                "`guests.trusted`: `{}` is not https: nothing is fetched from it for guests",
                origin.as_str()
            ));
        }
    }
    found
}

fn patterns(key: &str, list: &[String], problems: &mut Vec<String>) -> Vec<HostPattern> {
    let mut found = Vec::new();
    for text in list {
        match HostPattern::parse(text) {
            Some(pattern) => found.push(pattern),
            None => problems.push(format!(
                "`guests.{key}`: `{}` is no host in lower case and punycode, without port and final dot, such as `client.example` or `*.client.example`",
                without_credentials(text)
            )),
        }
    }
    found
}

fn schemes(list: &[String], problems: &mut Vec<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for text in list {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
        if UNSAFE_SCHEMES.contains(&text.as_str()) {
            problems.push(format!(
                "`guests.schemes`: browsers run or open `{text}` themselves"
            ));
        } else if text.is_empty()
            || ["http", "https"].contains(&text.as_str())
            || !text.bytes().all(plain)
        {
            problems.push(format!(
                "`guests.schemes`: `{}` is no scheme of an app, such as `cursor`",
                without_credentials(text)
            ));
        } else {
            found.insert(text.clone());
        }
    }
    found
}
