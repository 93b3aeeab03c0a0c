//! What a signed-in person changes is changed in a transaction that holds their session: every other one of the pages stands here.

use super::source::code;
use super::{none, rust_files};

const PAGES: &str = "crates/server/src/people/";
/// Where one is begun that holds the session (`App::begin_change`).
const HOLDS: &str = "session.rs";

/// The other transactions: nobody is signed in, or nothing of whoever is signed in changes.
const OTHERS: [(&str, usize, &str); 11] = [
    (
        "account.rs",
        2,
        "a link, and a code that came another way, prove the person",
    ),
    (
        "account/not_me.rs",
        1,
        "whoever has the letter ends its link",
    ),
    (
        "authorize.rs",
        2,
        "a request of an app, before anybody is asked",
    ),
    (
        "consent/refused.rs",
        1,
        "an answer that counts for nothing is on record",
    ),
    (
        "login.rs",
        1,
        "the password proves the person, whose row it holds",
    ),
    ("login/forgotten.rs", 1, "anybody types a name"),
    ("login/passkey.rs", 1, "the passkey proves the person"),
    (
        "login/upstream.rs",
        1,
        "the answer of a provider is used up, whoever it is about",
    ),
    (
        "login/upstream/account.rs",
        1,
        "the provider proves the person, whose row it holds",
    ),
    (
        "logout.rs",
        1,
        "the session itself ends, and it holds the row of its person",
    ),
    ("password.rs", 1, "a wrong password is on record"),
];

#[test]
fn every_change_of_a_person_holds_their_session() {
    let (mut problems, mut changes) = (Vec::new(), 0);
    for (name, text) in rust_files() {
        let Some(page) = name.strip_prefix(PAGES) else {
            continue;
        };
        let text: String = code(&text).split_whitespace().collect();
        changes += text.matches(".begin_change(").count();
        if page == HOLDS {
            continue;
        }
        let known = OTHERS.iter().filter(|(file, ..)| *file == page);
        let known: usize = known.map(|(_, times, _)| times).sum();
        let begun = text.matches(".begin()").count();
        if begun != known {
            problems.push(format!(
                "{name}: {begun} times `begin()`, and {known} are known: `begin_change` is for what a person changes"
            ));
        }
        if text.contains(".hold_session(") {
            problems.push(format!("{name}: `begin_change` holds the session"));
        }
    }
    none(&problems);
    assert!(changes > 20, "{changes} changes are read from the sources");
}
