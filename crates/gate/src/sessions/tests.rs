//! How much a session holds.

use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn begin(sessions: &Sessions, of: &str, now: Timestamp) -> Option<Arc<McpSession>> {
    let new = NewSession {
        owner: Owner::named(of),
        upstream_id: None,
        version: None,
        opens_pages: true,
    };
    sessions.begin(new, &Random::System, now)
}

fn session() -> Arc<McpSession> {
    begin(&Sessions::default(), "alice", NOW).unwrap()
}

#[test]
fn there_are_so_many_sessions_until_others_are_over() {
    let sessions = Sessions::default();
    let of_alice = begin(&sessions, "alice", NOW).unwrap();
    let others = (2..MAX_SESSIONS).map(|place| (place.to_string(), Arc::clone(&of_alice)));
    sessions.kept().extend(others);
    assert!(begin(&sessions, "bob", NOW).is_some());
    assert!(begin(&sessions, "carol", NOW).is_none());
    assert!(begin(&sessions, "carol", NOW.plus(SESSION_IDLE)).is_some());
}

#[test]
fn a_server_asks_so_much_at_once_in_a_session() {
    let session = session();
    let asks = |id: usize| {
        let request = ServerRequest {
            method: "ping".to_owned(),
            progress_token: None,
        };
        session.expects(&json!(id), request)
    };
    assert!((0..MAX_OPEN).all(asks));
    assert!(!asks(MAX_OPEN));
    assert!(session.takes_answer(&json!(0)).is_some());
    assert!(asks(MAX_OPEN), "one was answered");
    assert!(session.takes_answer(&json!(0)).is_none());
}

/// Whoever is given one page more may be given an earlier one again.
#[test]
fn a_session_remembers_so_many_pages() {
    let session = session();
    let shows = |question: usize| session.shows(&format!("apr_{question}"));
    assert!((0..MAX_OPEN).all(shows));
    assert!(!shows(0), "it was given");
    assert!(shows(MAX_OPEN));
    assert!(shows(0), "there was no room to know it any more");
}
