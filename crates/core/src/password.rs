//! Which passwords may be set (NIST SP 800-63B revision 4, section 3.1.1.2), and how many wrong ones are looked at (section 3.2.2). There
//! are no rules of composition, and none expires. A password that is set already is never judged again.

use std::borrow::Cow;
use std::time::Duration;

use writ_authority::letters;

/// The shortest, in Unicode code points. A password alone signs in here, also for somebody with a passkey, so the length of a
/// single factor holds for everybody.
pub const MIN_PASSWORD: usize = 15;
/// The longest, in bytes after normalization: hashing must stay bounded. At least 64 characters fit, of whatever script.
pub const MAX_PASSWORD: usize = 1024;
/// A shorter text repeated to the end is guessed like that text.
const LONGEST_PERIOD: usize = 8;
/// What must be left of a password without the names of the person and of this server, in characters.
const LEAST_OF_ITS_OWN: usize = 8;

/// Wrong passwords in a row, by name and place, by browser or by session, before a pause.
pub const MAX_PASSWORD_FAILURES: i64 = 5;
/// The pause after too many wrong passwords; each further one begins it again.
pub const PASSWORD_PAUSE: Duration = Duration::from_secs(60);
/// Passwords that are tried in a day, by name over all places, by browser or by session.
pub const MAX_PASSWORD_TRIES_OF_DAY: i64 = 100;
/// The same of one site for one name, so that none of few sites uses up the day of a name.
pub const MAX_PASSWORD_TRIES_OF_SITE: i64 = 30;

/// Passwords that one person proves in an hour, right ones too, in all their sessions and in the browsers that are known: each costs a hash, which others
/// wait for.
pub const MAX_PASSWORD_PROOFS_OF_PERSON: u32 = 200;

/// Passwords that strangers of one network try in an hour, whatever the names: an office whose people all sign in on Monday has them,
/// because a success is taken back. Of names alone one network could fill what is counted.
pub const MAX_PASSWORD_TRIES_OF_NETWORK: u32 = 300;

/// Sorted, in lower case; where it is from is in `password/breached.md`.
const BREACHED: &str = include_str!("password/breached.txt");

/// Whose password it becomes, and where.
#[derive(Clone, Copy, Debug)]
pub struct PasswordPlace<'a> {
    pub user: &'a str,
    /// Of the issuer.
    pub host: &'a str,
}

/// Why a password cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordFault {
    #[error("the password has fewer than {MIN_PASSWORD} characters")]
    TooShort,
    #[error("a password has at most {MAX_PASSWORD} bytes")]
    TooLong,
    #[error("this password is on a list of passwords known from breaches: choose another")]
    Breached,
    #[error(
        "this password repeats itself, or is hardly more than a name of the person or of this server: choose another"
    )]
    Guessable,
}

/// As it is hashed, whatever keyboard typed it: in Unicode's form NFC.
pub fn normalized(password: &str) -> Cow<'_, str> {
    letters::nfc(password)
}

/// Whether it may become this person's password.
pub fn check_new(password: &str, place: PasswordPlace<'_>) -> Result<(), PasswordFault> {
    let password = normalized(password);
    if password.chars().count() < MIN_PASSWORD {
        return Err(PasswordFault::TooShort);
    }
    if password.len() > MAX_PASSWORD {
        return Err(PasswordFault::TooLong);
    }
    let lower = password.to_lowercase();
    if is_breached(&lower) {
        return Err(PasswordFault::Breached);
    }
    if repeats(&lower) || own_characters(&lower, place) < LEAST_OF_ITS_OWN {
        return Err(PasswordFault::Guessable);
    }
    Ok(())
}

/// A binary search over the lines.
fn is_breached(lower: &str) -> bool {
    let (mut from, mut to) = (0, BREACHED.len());
    while from < to {
        let middle = from + (to - from) / 2;
        let before = BREACHED.get(..middle).and_then(|text| text.rfind('\n'));
        let start = before.map_or(0, |at| at + 1);
        let rest = BREACHED.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        match line.cmp(lower) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => from = start + line.len() + 1,
            std::cmp::Ordering::Greater => to = start,
        }
    }
    false
}

/// Whether it is one short text again and again: `abcabcabcabcabc`.
fn repeats(lower: &str) -> bool {
    let letters: Vec<char> = lower.chars().collect();
    (1..=LONGEST_PERIOD).any(|period| {
        let later = letters.iter().skip(period);
        later.zip(&letters).all(|(one, other)| one == other)
    })
}

/// Characters beside the names of the person and of this server.
fn own_characters(lower: &str, place: PasswordPlace<'_>) -> usize {
    let names = [place.user, place.host].map(str::to_lowercase);
    let named = names.iter().filter(|name| !name.is_empty());
    let rest = named.fold(lower.to_owned(), |rest, name| rest.replace(name, ""));
    rest.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: PasswordPlace<'static> = PasswordPlace {
        user: "alexandra.smith",
        host: "login.example.org",
    };

    fn judged(password: &str) -> Result<(), PasswordFault> {
        check_new(password, PLACE)
    }

    #[test]
    fn nist_63b_3_1_1_2_fifteen_code_points_whatever_they_are() {
        for good in [
            "correct horse battery",
            "alllowercasebutlong",
            "   spaces  count  too ",
            "\u{e4}\u{f6}\u{fc}\u{df}\u{e9}\u{e8}\u{ea}\u{eb}\u{ee}\u{ef}\u{f4}\u{fb}\u{f9}\u{f1}\u{e7}",
            "\u{5bc6}\u{7801}\u{5f88}\u{957f}\u{4f46}\u{5bb9}\u{6613}\u{8bb0}\u{4f4f}\u{5c31}\u{50cf}\u{4e00}\u{9996}\u{6b4c}\u{66f2}",
            "fifteen letters",
            &"a long sentence that a person likes, with a number 7 in it".repeat(2),
        ] {
            assert_eq!(judged(good), Ok(()), "{good:?}");
        }
        for short in ["", "fourteen chars", "Tr0ub4dor&3", "\u{1f600}\u{1f601}"] {
            assert_eq!(judged(short), Err(PasswordFault::TooShort), "{short:?}");
        }
        // Fourteen characters in fifteen code points before they are normalized.
        let decomposed = "e\u{301}ins zwei drei";
        assert_eq!(decomposed.chars().count(), 15);
        assert_eq!(judged(decomposed), Err(PasswordFault::TooShort));
    }

    #[test]
    fn nist_63b_3_1_1_2_sixty_four_characters_and_more_but_bounded() {
        let long: String = ('a'..='z').cycle().take(64).collect();
        assert_eq!(judged(&long), Ok(()));
        let most: String = ('a'..='z').cycle().take(MAX_PASSWORD).collect();
        assert_eq!(judged(&most), Ok(()));
        let over: String = ('a'..='z').cycle().take(MAX_PASSWORD + 1).collect();
        assert_eq!(judged(&over), Err(PasswordFault::TooLong));
    }

    #[test]
    fn nist_63b_3_1_1_2_what_is_known_from_breaches_is_refused_in_any_case() {
        for known in ["1q2w3e4r5t6y7u8i", "PasswordPassword", "1234567890qwerty"] {
            assert_eq!(judged(known), Err(PasswordFault::Breached), "{known}");
        }
        // The first line, the last one, and every one between.
        for line in BREACHED.lines() {
            assert!(is_breached(line), "{line}");
        }
        for other in [
            "",
            "!",
            "correct horse battery",
            "~~~~~~~~~~~~~~~~~~~~~~~~~~z",
        ] {
            assert!(!is_breached(other), "{other}");
        }
    }

    #[test]
    fn the_list_is_sorted_in_lower_case_and_long_enough() {
        assert!(BREACHED.lines().is_sorted());
        assert!(BREACHED.ends_with('\n'));
        for line in BREACHED.lines() {
            assert!(line.chars().count() >= MIN_PASSWORD, "{line}");
            assert_eq!(line.to_lowercase(), line);
        }
    }

    #[test]
    fn nist_63b_3_1_1_2_what_follows_from_the_names_or_repeats_itself_is_refused() {
        for guessable in [
            "qxqxqxqxqxqxqxqxq",
            "wvuwvuwvuwvuwvuwvu",
            "hgfedcbhgfedcbhgfedcb",
            "hgfedcbahgfedcba",
            "Alexandra.Smith",
            "alexandra.smith1",
            "Alexandra.SmithAlexandra.Smith",
            "login.example.org!2",
        ] {
            assert_eq!(
                judged(guessable),
                Err(PasswordFault::Guessable),
                "{guessable}"
            );
        }
        assert_eq!(judged("alexandra.smith likes blue"), Ok(()));
    }
}
