//! Open files: each connection is one, and so are connections to the database and to others.

use super::MAX_CONNECTIONS;

/// Left for what is no connection of a client: the database, calls to others, files, and connections that are just ending.
const RESERVED: u64 = 512;

/// Raises the limit of this process as far as it may, and says for how many connections that is enough.
pub(super) fn room() -> usize {
    let wanted = (MAX_CONNECTIONS as u64).saturating_add(RESERVED);
    // Where the system does not say, its usual limit.
    let granted = rlimit::increase_nofile_limit(wanted).unwrap_or(RESERVED * 2);
    let room = connections_within(granted);
    if room < MAX_CONNECTIONS {
        tracing::warn!(
            open_files = granted,
            connections = room,
            "the system allows few open files (`ulimit -n`): so many connections are held at once"
        );
    }
    room
}

/// With few, half of them.
fn connections_within(granted: u64) -> usize {
    let room = granted.saturating_sub(RESERVED).max(granted / 2);
    usize::try_from(room)
        .unwrap_or(MAX_CONNECTIONS)
        .clamp(1, MAX_CONNECTIONS)
}

#[cfg(test)]
mod tests {
    use super::{MAX_CONNECTIONS, connections_within};

    #[test]
    fn connections_follow_what_the_system_grants() {
        for (granted, connections) in [
            (0, 1),
            (256, 128),
            (1024, 512),
            (4096, 3584),
            (16_896, MAX_CONNECTIONS),
            (u64::MAX, MAX_CONNECTIONS),
        ] {
            assert_eq!(connections_within(granted), connections, "{granted}");
        }
    }
}
