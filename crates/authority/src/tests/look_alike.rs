//! Signs that look like others (UTS 39): refused where they would be read as those, taken in the text of their own script.

use icu_properties::CodePointMapData;
use icu_properties::props::{EastAsianWidth, GeneralCategory};
use unicode_security::skeleton;

use crate::legible::{LegibilityError, unclear};

fn is_refused(text: &str, sign: char) -> bool {
    match unclear(text) {
        Some(LegibilityError::Confusable(found, _)) => found == sign,
        // A pair of signs of which one is a mark, or one that NFC writes in another way, is refused for that.
        other => other.is_some(),
    }
}

#[test]
fn a_sign_that_looks_like_one_of_ascii_is_refused() {
    for (like, signs) in [
        // confusables.txt of UTS 39, by the prototype; a bar has that of `l`.
        ("\\", "⧵∖⧹╲⟍﹨"),
        ("/", "⁄∕⧸╱⟋᜵"),
        ("~", "∼⁓˜〜"),
        ("|", "∣￨⏽ǀ"),
        ("<", "ᐸ˂❮𝈶"),
        (">", "ᐳ˃❯"),
        ("*", "⁎∗٭"),
        ("-", "‐‑‒−˗⁃"),
        (":", "։∶꞉˸ː፡׃"),
        ("'", "ʼʹʻ′‵ꞌ՚׳"),
        ("''", "″ʺ‟〃"),
        (",", "‚ꓹ٫"),
        (".", "․ꓸ۔𐩐"),
        ("..", "‥ꓺ"),
        ("=", "᐀⹀꞊"),
        ("==", "⩵"),
        ("+", "᛭ᐩ"),
        ("?", "ʔɁ"),
        ("!", "ǃⵑ"),
        ("(", "❨❲"),
        ("{", "❴𝄔"),
        ("&", "ꝸ🙴"),
        ("_", "ـߺ"),
        ("·", "∙⋅ꞏ‧⸱"),
        ("—", "―"),
        ("│", "⎮⎜⎪"),
        // What the data says nothing of.
        ("|", "❘❙⏐"),
        ("*", "✱⁕"),
        ("<", "⟨❬"),
        ("#", "♯⋕"),
    ] {
        for sign in signs.chars() {
            for text in [
                format!("a{sign}b"),
                format!("a {sign} b"),
                format!("{sign}"),
            ] {
                assert!(is_refused(&text, sign), "{text:?} reads like {like}");
            }
        }
    }
}

/// Every sign of which the data says that it is drawn like signs of ASCII.
#[test]
fn the_data_of_uts_39_is_followed() {
    let category = CodePointMapData::<GeneralCategory>::new();
    let width = CodePointMapData::<EastAsianWidth>::new();
    let mut seen = 0;
    let mut taken = String::new();
    for sign in ('\u{80}'..=char::MAX).filter(|c| !c.is_alphanumeric()) {
        let group = category.get(sign);
        let text = sign.to_string();
        let drawn: String = skeleton(&text).collect();
        let like_ascii = |c: char| c.is_ascii_punctuation();
        if drawn.is_empty()
            || !drawn.chars().all(like_ascii)
            || group == GeneralCategory::SpaceSeparator
        {
            continue;
        }
        seen += 1;
        match unclear(&format!("a{sign}b")) {
            Some(_) => {}
            None => taken.push(sign),
        }
        // Wide signs stand in wide text.
        if width.get(sign) == EastAsianWidth::Fullwidth {
            assert_eq!(unclear(&format!("東{sign}京")), None, "{sign}");
        }
    }
    assert!(seen > 200, "{seen}");
    // Quotation marks, an apostrophe, a dash and an ellipsis, as people type them, and pictures.
    assert_eq!(taken, "´¸–‘’“”…‹›➕➖");
}

#[test]
fn a_sign_is_read_as_what_it_is_in_the_text_of_its_script() {
    for text in [
        "O’Brien & Sons – “Ltd.” ‹a› … 5 € · 20 % × 2 • ©",
        "Բարև։ Ֆիլմ",
        "यह है। दुःख ।",
        "“यह”।",
        "שלום: צה״ל, ג׳ירף, כיתה י",
        "١٢٫٥ ريال، ٠",
        "کتاب۔",
        "株式会社ＡＢＣ（東京）：１／２",
        "ジョン・スミス A4ノート 〔注〕",
        "서울（한국）",
        "ᐸᐅᓪᓚ",
        "ሰላም፡ለዓለም",
        "├── src\n│   └── main.rs",
        "➕ and ‼\u{fe0f} and ✳\u{fe0f}",
        "a ↔ b → c ≤ d ≠ e ∞ √ ∑ №",
        "H₂O, m², 5°, ½",
    ] {
        for line in text.lines() {
            let line = line.split("   ").collect::<Vec<_>>().join(" ");
            assert_eq!(unclear(&line), None, "{line}");
        }
    }
    // A zero of Arabic digits beside digits of ASCII, and a letter of another alphabet between letters of ASCII.
    for (text, sign) in [
        ("1٠5", '٠'),
        ("aノb", 'ノ'),
        ("a丶b", '丶'),
        ("xיy", 'י'),
        ("a／b", '／'),
        ("1։2", '։'),
    ] {
        assert!(is_refused(text, sign), "{text}");
    }
}
