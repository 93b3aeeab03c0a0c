//! Licence expressions (SPDX 2.3 annex D), as far as packages use them.

/// Licences of what we build with, where an alternative leaves no choice among others.
pub(super) const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "MIT",
    "BSD-3-Clause",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT-0",
    // Copyleft by file: webauthn-rs, of which no file is changed.
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Whether an SPDX expression can be met by [`LICENCES`].
pub(super) fn allowed(expression: &str) -> bool {
    let words = words(expression);
    let mut rest = words.as_slice();
    any(&mut rest) && rest.is_empty()
}

pub(super) fn words(expression: &str) -> Vec<String> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    spaced.split_ascii_whitespace().map(str::to_owned).collect()
}

fn any(rest: &mut &[String]) -> bool {
    let mut met = all(rest);
    while takes(rest, "OR") {
        met |= all(rest);
    }
    met
}

fn all(rest: &mut &[String]) -> bool {
    let mut met = one(rest);
    while takes(rest, "AND") {
        met &= one(rest);
    }
    met
}

fn one(rest: &mut &[String]) -> bool {
    if takes(rest, "(") {
        let met = any(rest);
        return takes(rest, ")") && met;
    }
    let Some((name, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    if takes(rest, "WITH") {
        // An exception only permits more; still, none is needed.
        *rest = rest.get(1..).unwrap_or_default();
        return false;
    }
    LICENCES.contains(&name.as_str())
}

fn takes(rest: &mut &[String], word: &str) -> bool {
    match rest.split_first() {
        Some((first, after)) if first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[test]
fn the_reader_of_licences_reads() {
    for good in [
        "MIT",
        "MIT/Apache-2.0",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "GPL-3.0 OR MIT",
    ] {
        assert!(allowed(good), "{good}");
    }
    for bad in [
        "",
        "none",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND",
        "(MIT",
        "MIT MIT",
    ] {
        assert!(!allowed(bad), "{bad}");
    }
}
