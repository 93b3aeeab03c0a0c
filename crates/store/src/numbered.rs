//! SQL text with named parameters (`$task_id`) becomes text with numbered ones (`$8`) at compile time: the number of a name is its
//! place in a list of names. A name that is not in the list does not compile.

/// `$template` as a constant, its names numbered by their places in `$names`.
macro_rules! numbered {
    ($template:expr, $names:expr) => {{
        const LENGTH: usize = $crate::numbered::length($template, $names);
        const TEXT: [u8; LENGTH] = $crate::numbered::text($template, $names);
        match std::str::from_utf8(&TEXT) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }};
}

/// All rows of a statement whose values are bound by name; SQLite and PostgreSQL have a template each.
macro_rules! all_by_name {
    ($transaction:ident, $row:ty, ($sqlite:expr, $postgres:expr), {
        $($name:ident: $value:expr,)*
    }) => {{
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        let sql = match $transaction.connection {
            $crate::store::DatabaseConnection::Sqlite(_) => const { numbered!($sqlite, NAMES) },
            $crate::store::DatabaseConnection::Postgres(_) => const { numbered!($postgres, NAMES) },
        };
        all!($transaction, $row, sql, $($value),*)
    }};
}

/// The bytes of [`text`].
pub(crate) const fn length(template: &str, names: &[&str]) -> usize {
    let mut rest = template.as_bytes();
    let mut length = 0;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        length += 1;
        if *first == b'$' {
            let (name, after) = after.split_at(name_length(after));
            rest = after;
            length += if place(name, names) < 10 { 1 } else { 2 };
        }
    }
    length
}

pub(crate) const fn text<const LENGTH: usize>(template: &str, names: &[&str]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let mut room = text.as_mut_slice();
    let mut rest = template.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        room = put(room, *first);
        if *first == b'$' {
            let (name, after) = after.split_at(name_length(after));
            rest = after;
            let place = place(name, names);
            if place >= 10 {
                room = put(room, digit(place / 10));
            }
            room = put(room, digit(place % 10));
        }
    }
    assert!(room.is_empty(), "`length` counts what `text` writes");
    text
}

/// Writes one byte; what is left of the room.
const fn put(room: &mut [u8], byte: u8) -> &mut [u8] {
    match room.split_first_mut() {
        Some((slot, left)) => {
            *slot = byte;
            left
        }
        None => unreachable!(),
    }
}

const fn digit(number: usize) -> u8 {
    b'0' + number as u8
}

/// Small letters, digits and `_` at the beginning.
const fn name_length(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((b'a'..=b'z' | b'0'..=b'9' | b'_', after)) = rest.split_first() {
        rest = after;
    }
    bytes.len() - rest.len()
}

/// The place of a name, counted from 1.
const fn place(name: &[u8], names: &[&str]) -> usize {
    let mut rest = names;
    let mut place = 1;
    loop {
        assert!(!rest.is_empty(), "a name in SQL text is not a parameter");
        if let Some((candidate, after)) = rest.split_first() {
            if is_same(name, candidate.as_bytes()) {
                assert!(place < 100, "at most 99 parameters");
                return place;
            }
            rest = after;
            place += 1;
        }
    }
}

const fn is_same(mut left: &[u8], mut right: &[u8]) -> bool {
    while let (Some((a, rest_of_left)), Some((b, rest_of_right))) =
        (left.split_first(), right.split_first())
    {
        if *a != *b {
            return false;
        }
        left = rest_of_left;
        right = rest_of_right;
    }
    left.is_empty() && right.is_empty()
}

#[cfg(test)]
mod tests {
    const NAMES: &[&str] = &[
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h",
        "i",
        "tenth",
        "tenth_and_more",
    ];

    #[test]
    fn a_name_becomes_its_place() {
        const SQL: &str = numbered!("SELECT $a, CAST($tenth AS TEXT), $tenth_and_more;$b", NAMES);
        assert_eq!(SQL, "SELECT $1, CAST($10 AS TEXT), $11;$2");
    }

    #[test]
    #[should_panic(expected = "a name in SQL text is not a parameter")]
    fn an_unknown_name_does_not_compile() {
        super::length("SELECT $z", NAMES);
    }
}
