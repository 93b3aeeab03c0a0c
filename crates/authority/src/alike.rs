//! What is drawn alike: by `confusables.txt` of UTS 39, and which letters of Latin are written today by its `Identifier_Status` and by
//! the exemplar characters of Unicode CLDR 48 and the SIL Locale Data Repository. Two texts read the same if they have one skeleton
//! (UTS 39 section 4): `it’s` and `itʼs`, `µ` and `μ`, `A` and the same letter of Cyrillic.

use std::collections::BTreeMap;

use unicode_security::skeleton;

/// Two of these names that read the same. Both of ASCII never do: `l` and `1` are for fonts to tell apart.
pub(crate) fn two_alike<'a>(
    names: impl IntoIterator<Item = &'a str>,
) -> Option<(&'a str, &'a str)> {
    let mut known: BTreeMap<String, &'a str> = BTreeMap::new();
    names.into_iter().find_map(|name| {
        let other = *known.entry(skeleton(name).collect()).or_insert(name);
        let are_ascii = other.is_ascii() && name.is_ascii();
        (other != name && !are_ascii).then_some((other, name))
    })
}

/// A letter that is drawn like the sign of a currency: `Є`, `Ұ`, `ֆ`.
pub(crate) fn is_like_currency(c: char) -> bool {
    let drawn = |c: char| skeleton(c.encode_utf8(&mut [0; 4])).collect::<String>();
    let signs = ['$', '¢', '¥', '€', '₭', '₽'];
    c.is_alphabetic() && !c.is_ascii() && signs.iter().any(|sign| drawn(*sign) == drawn(c))
}

/// A letter of Greek that is drawn like one of ASCII.
pub(crate) fn is_greek_like_ascii(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).all(|drawn| drawn.is_ascii())
}

/// A letter or digit that is drawn like a Latin letter or digit, of the scripts whose words may touch Latin ones.
pub(crate) const fn is_like_latin(c: char) -> bool {
    matches!(c,
        // Hebrew, Arabic
        '\u{5d5}' | '\u{5d8}'..='\u{5d9}' | '\u{5df}' | '\u{5e1}' | '\u{5f0}'
        | '\u{627}' | '\u{647}' | '\u{6be}' | '\u{6c1}' | '\u{6d5}'
        | '\u{660}'..='\u{661}' | '\u{665}' | '\u{667}' | '\u{669}'
        | '\u{6f0}'..='\u{6f1}' | '\u{6f5}' | '\u{6f7}' | '\u{6f9}'
        // Devanagari, Bengali, Gurmukhi, Gujarati, Oriya, Tamil, Telugu, Kannada, Malayalam, Sinhala
        | '\u{966}' | '\u{969}' | '\u{9e6}' | '\u{9ea}' | '\u{9ed}' | '\u{a66}'..='\u{a67}' | '\u{a6a}'
        | '\u{ae6}' | '\u{ae9}' | '\u{b03}' | '\u{b20}' | '\u{b66}' | '\u{b68}' | '\u{be6}' | '\u{c02}' | '\u{c66}' | '\u{c82}' | '\u{ce6}'
        | '\u{d02}' | '\u{d1f}'..='\u{d20}' | '\u{d66}' | '\u{d6d}' | '\u{d82}'
        // Thai, Lao, Tibetan, Myanmar, Khmer, Ethiopic
        | '\u{e50}' | '\u{ed0}' | '\u{f20}' | '\u{1004}' | '\u{101d}' | '\u{1040}' | '\u{105a}' | '\u{17e0}'
        | '\u{1200}' | '\u{12d0}'
        // Hangul, Han, Bopomofo
        | '\u{110b}' | '\u{1147}' | '\u{11bc}' | '\u{11ee}' | '\u{3147}' | '\u{3180}' | '\u{ffb7}'
        | '\u{3007}' | '\u{4e05}' | '\u{4e2b}' | '\u{3112}' | '\u{311a}')
}

/// A letter that is drawn like 0, 2 or 3 also at the edge of a number: none that stands there in `1ο` (first) and `5б`.
pub(crate) const fn is_like_digit(c: char) -> bool {
    matches!(
        c,
        '\u{39f}'
            | '\u{41e}'
            | '\u{43e}'
            | '\u{555}'
            | '\u{585}'
            | '\u{1cbf}'
            | '\u{ff2f}'
            | '\u{b20}'
            | '\u{d20}'
            | '\u{101d}'
            | '\u{12d0}'
            | '\u{3007}'
            | '\u{110b}'
            | '\u{11bc}'
            | '\u{3147}'
            | '\u{ffb7}'
            | '\u{1b7}'
            | '\u{417}'
            | '\u{4e0}'
            | '\u{545}'
            | '\u{1c95}'
    )
}

/// A letter that is drawn like 1 beside a digit: over a point it is Roman in `І.5`.
pub(crate) const fn is_like_one(c: char) -> bool {
    matches!(
        c,
        '\u{196}' | '\u{399}' | '\u{406}' | '\u{4c0}' | '\u{4cf}' | '\u{ff29}'
    )
}

/// A letter that is drawn like a digit within a number.
pub(crate) const fn is_like_digit_inside(c: char) -> bool {
    is_like_digit(c)
        || is_like_one(c)
        || is_like_latin(c)
        || matches!(
            c,
            // o and l
            '\u{3bf}' | '\u{3c3}' | '\u{10ff}' | '\u{ff4f}' | '\u{3b9}' | '\u{ff4c}'
            // 2, 3, 4 and 6
            | '\u{10c7}' | '\u{1cb7}' | '\u{a644}' | '\u{292}' | '\u{437}' | '\u{4e1}' | '\u{427}' | '\u{431}' | '\u{42c}'
        )
}

/// A letter of Latin that no living language is written with and that is drawn like another one: small capitals, phonetic signs,
/// letters of the Middle Ages; and `ɑ`, `ɡ` and `ɪ`, which are drawn like `a`, `g` and `I`.
pub(crate) const fn is_old_latin(c: char) -> bool {
    matches!(c,
        '\u{17f}' | '\u{184}'..='\u{185}' | '\u{18d}' | '\u{1a6}'..='\u{1a8}' | '\u{1bb}'..='\u{1bd}' | '\u{1bf}' | '\u{1f7}'
        | '\u{21c}'..='\u{21d}' | '\u{222}'..='\u{223}' | '\u{237}'
        | '\u{250}'..='\u{252}' | '\u{255}' | '\u{258}' | '\u{25a}' | '\u{25c}'..='\u{25f}' | '\u{261}'..='\u{262}'
        | '\u{265}' | '\u{267}' | '\u{26a}' | '\u{26d}'..='\u{271}' | '\u{273}'..='\u{274}' | '\u{276}'..='\u{282}'
        | '\u{284}'..='\u{288}' | '\u{28d}'..='\u{291}' | '\u{293}' | '\u{296}'..='\u{29c}' | '\u{29e}'..='\u{2af}'
        | '\u{1d00}'..='\u{1d2b}' | '\u{1d6b}'..='\u{1d77}' | '\u{1d79}'..='\u{1d7c}' | '\u{1d7e}'..='\u{1d9a}'
        | '\u{1e9a}' | '\u{1e9c}'..='\u{1e9d}' | '\u{1efa}'..='\u{1eff}'
        | '\u{2c6b}'..='\u{2c6d}' | '\u{2c75}'..='\u{2c7b}' | '\u{2c7e}'..='\u{2c7f}'
        | '\u{a728}'..='\u{a729}' | '\u{a730}'..='\u{a73d}' | '\u{a74e}'..='\u{a74f}' | '\u{a75a}'..='\u{a75b}'
        | '\u{a76a}'..='\u{a76b}' | '\u{a76e}'..='\u{a76f}' | '\u{a771}'..='\u{a787}' | '\u{a798}'..='\u{a799}'
        | '\u{a79e}'..='\u{a79f}' | '\u{a7ab}' | '\u{a7ae}'..='\u{a7af}' | '\u{a7b3}'..='\u{a7b5}' | '\u{a7f7}'
        | '\u{a7fa}'..='\u{a7ff}' | '\u{ab30}'..='\u{ab5a}' | '\u{ab60}'..='\u{ab68}' | '\u{1df00}'..='\u{1dfff}')
}

/// A small raised letter that words of living languages have inside, not only at their end.
pub(crate) const fn is_raised_within(c: char) -> bool {
    matches!(
        c,
        'ʰ' | 'ʷ' | 'ʸ' | 'ˤ' | 'ᵃ' | 'ᵉ' | 'ᵍ' | 'ᵏ' | 'ᵘ' | 'ᵤ' | 'ᶻ' | 'ⁱ' | 'ⁿ'
    )
}
