//! Signs that pose as those of ASCII, and what people write in many languages, which has signs of its own.

use std::cell::Cell;

use proptest::prelude::*;

use crate::legible::{LegibilityError, unclear};
use crate::signs::posing;

/// By the language; each is written as its readers write it.
const RIGHT: [(&str, &str); 88] = [
    ("en", "O’Brien & Sons, Ltd. (1984)"),
    ("en", "“Quoted” – and ‘so’…"),
    ("en", "3×4 m, ½ l, 5 °C"),
    ("en", "No. 7 – €12.50 – £3"),
    ("en", "m² of CO₂, 5 kW·h, 10‰"),
    ("en", "a ≤ b, f∘g, x → y, 5 ÷ 2"),
    ("en", "2 ⋆ 3, a ∼ b"),
    ("en", "page 1–2, a—b, wait…what"),
    ("en", "ACME™ Widget® © 2026"),
    ("en", "curl -X POST 'https://a.example/b?c=d&e=%40' | jq ."),
    ("en", "👍 OK ✅"),
    ("haw", "Hawaiʻi, Oʻahu"),
    ("to", "Nukuʻalofa"),
    ("uz", "Oʻzbekiston Respublikasi"),
    ("ca", "Col·lecció L·L"),
    ("de", "Müller–Lüdenscheidt"),
    ("de", "„Straße“ – ‚Maß‘, 3 €"),
    ("de-CH", "‹Zürich›, 5’000 Fr."),
    ("fr", "L’été d’Aÿ, « voilà »… 20 %"),
    ("es", "¿Qué? ¡Sí! 1.º de mayo"),
    ("pt", "São João d’El-Rei"),
    ("it", "Dell’Università, perché no?"),
    ("nl", "’s-Hertogenbosch"),
    ("pl", "„Łódź” – Gdańsk"),
    ("cs", "Příliš žluťoučký kůň"),
    ("hu", "Hódmezővásárhely–Szeged"),
    ("ro", "București, „Țară”"),
    ("tr", "İstanbul’un Kadıköy’ü"),
    ("az", "Gəncə, Azərbaycan"),
    ("ak", "ɔkyerɛma"),
    ("ha", "ɓauna da ɗan"),
    ("vi", "Nguyễn Thị Mỹ Linh – Đà Nẵng"),
    ("ga", "Ó Súilleabháin"),
    ("is", "Þórður Ægisson"),
    ("mt", "Il-Ħamrun"),
    ("sv", "Åsa Öberg:s"),
    ("id", "Bhinneka Tunggal Ika"),
    ("ar-Latn", "Qurʾān, Kaʿba"),
    ("ru-Latn", "Olʹga, obʺekt"),
    ("uk", "Кам’янець-Подільський"),
    ("ru", "«Война и мир», № 5"),
    ("ru", "Иванова–Петрова"),
    ("bg", "България…"),
    ("sr", "Његош, Љубљана"),
    ("el", "Ελλάδα, «Αθήνα» · 5 €"),
    ("hy", "Բարև՝ ընկեր։"),
    ("ka", "თბილისი, საქართველო"),
    ("he", "י׳ בתשרי"),
    ("he", "צה״ל"),
    ("he", "תל־אביב"),
    ("yi", "ייִדיש"),
    ("ar", "محمـــد"),
    ("ar", "خصم 50٪"),
    ("ar", "زيادة ٥٠٪ من فضلك؟"),
    ("fa", "می\u{200c}خواهم ۱۲٫۵ تومان"),
    ("ur", "یہ کتاب ہے۔"),
    ("hi", "कीमत 500।"),
    ("hi", "विटामिन B१२ और दुःख"),
    ("mr", "पुणे, २०२६"),
    ("bn", "১২টি বই।"),
    ("ta", "தமிழ் நாடு"),
    ("te", "తెలుగు ౧౨"),
    ("gu", "દુઃખ"),
    ("th", "กรุงเทพฯ ๑๒ บาท"),
    ("lo", "ວຽງຈັນ"),
    ("km", "ភ្នំពេញ ១២"),
    ("my", "ရန်ကုန်မြို့"),
    ("am", "ሰላም፡ለዓለም።"),
    ("iu", "ᐃᓄᒃᑎᑐᑦ"),
    ("chr", "ᏣᎳᎩ"),
    ("ja", "IT・DX推進"),
    ("ja", "10時〜12時"),
    ("ja", "10:00～12:00"),
    ("ja", "東京―大阪"),
    ("ja", "消費税込みで 100 ％"),
    ("ja", "全品100％OFF"),
    ("ja", "Q＆Aコーナー"),
    ("ja", "株式会社ＡＢＣ（東京）"),
    ("ja", "ＡＢＣ－１２、ＴＥＬ：０３"),
    ("ja", "Tシャツ一枚、Aコース「特」"),
    ("ja", "第1２回"),
    ("ja", "100％"),
    ("zh", "《ABC》杂志"),
    ("zh", "A、B两项，价格：100元。"),
    ("zh", "看《A》B版"),
    ("zh", "二〇二六年一月"),
    ("ko", "중앙은행 · 본점"),
    ("ko", "A사→B사 （주）"),
];

/// With the sign that poses.
const POSING: [(&str, char); 75] = [
    ("anna＠bank.example", '＠'),
    ("anna﹫bank.example", '﹫'),
    ("anna@bank․example", '․'),
    ("anna@bank∙example", '∙'),
    ("anna@bank⋅example", '⋅'),
    ("anna@bank。example", '。'),
    ("anna@bank．example", '．'),
    ("anna@bank܁example", '܁'),
    ("anna@bank۔example", '۔'),
    ("anna@bankꓸexample", 'ꓸ'),
    ("50％40", '％'),
    ("100٪off", '٪'),
    ("a⁒b", '⁒'),
    ("usr⁄bin", '⁄'),
    ("usr∕bin", '∕'),
    ("usr／bin", '／'),
    ("usrᐟbin", 'ᐟ'),
    ("usr⟋bin", '⟋'),
    ("usr丿bin", '丿'),
    ("https:／／bank.example", '／'),
    ("C⧵Users", '⧵'),
    ("C＼Users", '＼'),
    ("C⟍Users", '⟍'),
    ("a│b", '│'),
    ("a┃b", '┃'),
    ("a❘b", '❘'),
    ("a⎮b", '⎮'),
    ("a｜b", '｜'),
    ("a׀b", '׀'),
    ("a।b", '।'),
    ("a˂b", '˂'),
    ("a˃b", '˃'),
    ("a〈b", '〈'),
    ("a⟩b", '⟩'),
    ("a❮b", '❮'),
    ("a＜b", '＜'),
    ("a﹥b", '﹥'),
    ("aᐸb", 'ᐸ'),
    ("f❪x", '❪'),
    ("f（x", '（'),
    ("a〔1", '〔'),
    ("a⟦1", '⟦'),
    ("a❴b", '❴'),
    ("read⋆all", '⋆'),
    ("read⁎all", '⁎'),
    ("read＊all", '＊'),
    ("read٭all", '٭'),
    ("read✱all", '✱'),
    ("http∶80", '∶'),
    ("http꞉80", '꞉'),
    ("http：80", '：'),
    ("http׃80", '׃'),
    ("http˸80", '˸'),
    ("a；b", '；'),
    ("a؛b", '؛'),
    ("1‚000", '‚'),
    ("1٫5", '٫'),
    ("1，000", '，'),
    ("1،000", '،'),
    ("it՝s", '՝'),
    ("it՚s", '՚'),
    ("it׳s", '׳'),
    ("a״b", '״'),
    ("x＝y", '＝'),
    ("x꞊y", '꞊'),
    ("x＋y", '＋'),
    ("x᛭y", '᛭'),
    ("q＆a", '＆'),
    ("home∼anna", '∼'),
    ("snake＿case", '＿'),
    ("a־b", '־'),
    ("aـb", 'ـ'),
    ("a一b", '一'),
    ("1৪7", '৪'),
    ("a٥b", '٥'),
];

/// The same where the letters are not those of ASCII, or more stands between.
const POSING_ELSEWHERE: [(&str, char); 10] = [
    ("é＠ô", '＠'),
    ("анна＠банк.рф", '＠'),
    ("α∼β", '∼'),
    ("e\u{331}＠o", '＠'),
    ("a.＠.b", '＠'),
    ("“a”＠b", '＠'),
    ("a（∼b", '∼'),
    ("12৪", '৪'),
    ("৪12", '৪'),
    ("1２3", '２'),
];

#[test]
fn what_people_write_in_their_languages_is_shown() {
    for (language, text) in RIGHT {
        assert_eq!(unclear(text), None, "{language}: {text}");
    }
    let languages: std::collections::BTreeSet<&str> = RIGHT.iter().map(|(l, _)| *l).collect();
    assert!(languages.len() >= 25);
}

#[test]
fn a_sign_that_poses_as_one_of_ascii_is_refused_at_its_place() {
    for (text, sign) in POSING.iter().chain(&POSING_ELSEWHERE) {
        let place = text.chars().position(|c| c == *sign).unwrap() + 1;
        let found = unclear(text);
        assert_eq!(
            found,
            Some(LegibilityError::Confusable(*sign, place)),
            "{text}"
        );
        // Also where a word of East Asia stands elsewhere, but for what is wide.
        let beside = format!("東京 {text}");
        let is_wide = posing(text.chars()).is_some() && posing(beside.chars()).is_none();
        let folds = matches!(sign, '\u{ff00}'..='\u{ffef}' | '\u{fe50}'..='\u{fe6f}' | '\u{3000}'..='\u{3fff}' | '一' | '丿');
        assert_eq!(is_wide, folds, "{text}");
    }
}

#[test]
fn the_same_sign_at_the_edge_of_a_word_or_beside_its_own_letters_is_free() {
    for text in [
        "100 ％", "100％", "＠bank", "a ＠ b", "50٪", "٪50", "⋆ a", "अ।b", "a।अ", "a。中",
    ] {
        assert_eq!(posing(text.chars()), None, "{text}");
    }
}

proptest! {
    /// Whatever stands there: the cost grows with the length alone.
    #[test]
    fn each_character_is_looked_at_once(
        letters in proptest::collection::vec(
            proptest::sample::select("aéж漢1৪２ ＠⋆٪.ー\u{301}".chars().collect::<Vec<_>>()), 0..500,
        ),
    ) {
        let looked_at = Cell::new(0_usize);
        let counted = letters.iter().inspect(|_| looked_at.set(looked_at.get() + 1));
        match posing(counted.copied()) {
            None => prop_assert_eq!(looked_at.get(), letters.len()),
            Some((c, place)) => {
                prop_assert_eq!(letters.get(place - 1), Some(&c));
                prop_assert!(!c.is_ascii() && looked_at.get() <= letters.len());
            }
        }
    }
}
