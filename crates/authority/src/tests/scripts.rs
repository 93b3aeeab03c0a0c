//! Letters and digits that pose as others in a word or number; what is right is in `languages.rs`.

use proptest::prelude::*;
use proptest::sample::select;

use crate::legible::{LegibilityError, unclear};
use crate::letters::{is_look_alike, looks_mixed};
use crate::scripts::{Stranger, stranger};

/// Words with letters of two scripts.
const MIXED: [&str; 65] = [
    // Alphabets that were one once: Cyrillic, Greek, Armenian, Georgian, Coptic.
    "p\u{430}ypal",
    "\u{440}aypal",
    "paypa\u{4cf}",
    "σpenai",
    "Ρaypal",
    "goοgle",
    "օpenai",
    "pауpal",
    "ოpen",
    "ⲣaypal",
    "Οля",
    "αж",
    // Scripts with few readers.
    "ᏢayPal",
    "ꓑaypal",
    "ᑭaypal",
    "pᗩypal",
    "ⵔpenai",
    "ߋpenai",
    "𐒴eed",
    "𐐄pen",
    "ꔋest",
    // Scripts whose words may touch those of Latin: what is drawn like Latin, or stands between.
    "gဝဝgle",
    "ဝpenai",
    "gဝံgle",
    "openaiဝ",
    "ငash",
    "ዐpenai",
    "ሀber",
    "gㅇㅇgle",
    "g〇〇gle",
    "〇penai",
    "goഠgle",
    "ଠpenai",
    "סpenai",
    "openaiס",
    "וnvoice",
    "هpenai",
    "اnvoice",
    "goהgle",
    "paयpal",
    "payটpal",
    "हिগ",
    "gംogle",
    "ංpenai",
    "Ba\u{e4d}nk",
    "gᯪogle",
    "goog𐌠e",
    "אبc",
    // Styles.
    "ｐaypal",
    "ⓟaypal",
    "ℙaypal",
    "paypaℓ",
    // What is no unit.
    "µber",
    "μTorrent",
    "ΔPPLE",
    "NVIDIΔ",
    "ΣU",
    "OΩK",
    // No formula: in a word of small letters, before it, inside like `a`, or drawn like a letter of ASCII.
    "tnfα",
    "αTNF",
    "PAYPαL",
    "VISAο",
    "VISAν",
    "GΟOGLE",
    "TNFΑ",
];

/// With the letter or digit that poses.
const LOOK_ALIKES: [(&str, char); 92] = [
    // Letters of Latin that nobody writes a language with.
    ("ᴘaypal", 'ᴘ'),
    ("ᴘᴀʏᴘᴀʟ", 'ᴘ'),
    ("pɑypal", 'ɑ'),
    ("ɡoogle", 'ɡ'),
    ("ꜱafe", 'ꜱ'),
    ("ɪnvoice", 'ɪ'),
    ("ƽafe", 'ƽ'),
    ("ſafe", 'ſ'),
    ("paypaꞁ", 'ꞁ'),
    ("ᵖaypal", 'ᵖ'),
    ("payᵖal", 'ᵖ'),
    ("ﬁle", 'ﬁ'),
    ("𝐩aypal", '𝐩'),
    ("𝟏𝟎𝟎", '𝟏'),
    ("p⍺ypal", '⍺'),
    ("invo¡ce", '¡'),
    ("googl℮", '℮'),
    ("paypa🯱", '🯱'),
    // Letters in numbers.
    ("1З5", 'З'),
    ("4О2.00", 'О'),
    ("1О EUR", 'О'),
    ("О5", 'О'),
    ("1З EUR", 'З'),
    ("1.ОО EUR", 'О'),
    ("О,50 EUR", 'О'),
    ("1’ООО", 'О'),
    ("1о5", 'о'),
    ("1з5", 'з'),
    ("1ООО5", 'О'),
    ("1О\u{301}5", 'О'),
    ("1ο5", 'ο'),
    ("1Ο", 'Ο'),
    ("1Օ5", 'Օ'),
    ("1І5", 'І'),
    ("1〇0", '〇'),
    ("10〇", '〇'),
    ("1ㅇ0", 'ㅇ'),
    ("1ဝ5", 'ဝ'),
    ("1ዐ", 'ዐ'),
    ("5ഠ", 'ഠ'),
    ("І00", 'І'),
    ("Ɩ00", 'Ɩ'),
    ("1Ｏ0", 'Ｏ'),
    ("1ס0", 'ס'),
    ("1.ο0", 'ο'),
    ("10:3о", 'о'),
    ("10:Յ0", 'Յ'),
    ("40ᜂ2", 'ᜂ'),
    ("1ߋ0", 'ߋ'),
    ("1ℴ0", 'ℴ'),
    ("1𐊒0", '𐊒'),
    ("1Ʒ5", 'Ʒ'),
    ("1ʒ5", 'ʒ'),
    ("1ꓳ", 'ꓳ'),
    // Digits of another system, in a word or number.
    ("1.୦୦ EUR", '୦'),
    ("୦penai", '୦'),
    ("openai୦", '୦'),
    ("gpt৪", '৪'),
    ("᪀penai", '᪀'),
    ("б৪", '৪'),
    ("1৪7", '৪'),
    ("12৪", '৪'),
    ("৪12", '৪'),
    ("a٥b", '٥'),
    ("a๑b", '๑'),
    ("1a১", '১'),
    ("১a1", '১'),
    ("1２3", '２'),
    ("１00", '１'),
    ("5 ৪", '৪'),
    ("1’৪৪৪", '৪'),
    ("10:০০", '০'),
    ("१२.5", '१'),
    ("2026-१२", '१'),
    ("TNFα৪", '৪'),
    // Letters that are drawn like the sign of a currency.
    ("Є100", 'Є'),
    ("100Є", 'Є'),
    ("Ꞓ100", 'Ꞓ'),
    ("Ұ100", 'Ұ'),
    ("Ɏ100", 'Ɏ'),
    ("ȼ50", 'ȼ'),
    ("ֆ100", 'ֆ'),
    ("Ք100", 'Ք'),
    ("Ҟ5", 'Ҟ'),
    // At the start of a number.
    ("ӏ00", 'ӏ'),
    // What stands beside nothing of its own.
    ("1\u{20e3}", '\u{20e3}'),
    ("a\u{20e3}", '\u{20e3}'),
    ("1ꞌ000", 'ꞌ'),
    ("a ꞌ b", 'ꞌ'),
    ("a ǀ b", 'ǀ'),
    ("stopǃ", 'ǃ'),
    ("5ǀ5", 'ǀ'),
];

#[test]
fn a_word_has_letters_of_one_script() {
    for word in MIXED {
        for text in [
            word.to_owned(),
            format!("Pay {word}, 5 EUR"),
            format!("東京 {word}"),
        ] {
            assert_eq!(unclear(&text), Some(LegibilityError::MixedScript), "{text}");
        }
        assert!(
            looks_mixed(word) && word.chars().any(is_look_alike),
            "{word}"
        );
    }
}

#[test]
fn what_is_drawn_like_another_letter_or_digit_is_refused_at_its_place() {
    for (text, c) in LOOK_ALIKES {
        let place = text.chars().position(|other| other == c).unwrap() + 1;
        let found = unclear(text);
        assert_eq!(found, Some(LegibilityError::Confusable(c, place)), "{text}");
        let later = format!("a 7; {text}");
        let found = unclear(&later);
        assert_eq!(
            found,
            Some(LegibilityError::Confusable(c, place + 5)),
            "{later}"
        );
    }
}

/// The letters of the sentence stand in words of one script each.
#[test]
fn a_number_ends_at_a_letter_and_at_two_signs() {
    for text in ["5 kg, १२", "१२ (12)", "5а १२", "2026年１２月", "12 – १२"] {
        assert_eq!(unclear(text), None, "{text}");
    }
}

proptest! {
    /// What is found is there, and a line of Latin or of digits of one system is none.
    #[test]
    fn a_stranger_is_where_it_is_said_to_be(
        line in proptest::collection::vec(
            select("aéßжαऀक১৪1２漢ㅇ〇ဝООס .,'’（ᵖµΩ\u{301}".chars().collect::<Vec<_>>()), 0..60,
        ),
    ) {
        if let Some(Stranger::LookAlike(c, place)) = stranger(&line) {
            prop_assert_eq!(line.get(place - 1), Some(&c));
            prop_assert!(!c.is_ascii());
        }
        let plain: Vec<char> = line.iter().copied().filter(|c| c.is_ascii() || "éß".contains(*c)).collect();
        prop_assert_eq!(stranger(&plain), None);
    }
}
