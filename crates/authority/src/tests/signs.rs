//! Signs that pose as those of ASCII; what is right is in `languages.rs`.

use std::cell::Cell;

use proptest::prelude::*;

use crate::legible::{LegibilityError, unclear};
use crate::signs::posing;

/// With the sign that poses.
const POSING: [(&str, char); 109] = [
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
    ("a丨b", '丨'),
    ("1꘎5", '꘎'),
    ("a⳿b", '⳿'),
    ("10᎓30", '᎓'),
    ("1⸒5", '⸒'),
    ("in⋁oice", '⋁'),
    ("w⨯yz", '⨯'),
    ("a꠰b", '꠰'),
    ("aﾉb", 'ﾉ'),
    ("it′s", '′'),
    ("f‶x", '‶'),
    ("a᠆b", '᠆'),
    ("a֊b", '֊'),
    ("a﴾b", '﴾'),
    ("a։b", '։'),
    ("1։2", '։'),
    ("2፡30", '፡'),
    ("1ʼ000", 'ʼ'),
    ("ʼ5", 'ʼ'),
    ("\u{2011}\u{2011}all", '\u{2011}'),
    ("a \u{2010}b", '\u{2010}'),
    ("01⁄a", '⁄'),
    ("Ⅳ", 'Ⅳ'),
    ("Ⅰnvoice", 'Ⅰ'),
    // Letters of East Asia that are a stroke or two.
    ("aヽb", 'ヽ'),
    ("aㄟb", 'ㄟ'),
    ("aニb", 'ニ'),
    ("a二b", '二'),
    ("aㄧb", 'ㄧ'),
    ("aくb", 'く'),
    ("a十b", '十'),
    // A point or comma before a number.
    ("٫5", '٫'),
    ("،5", '،'),
    ("∙5", '∙'),
    ("⋅5", '⋅'),
    ("a ꓸ5", 'ꓸ'),
];

/// The same where the letters are not those of ASCII, or more stands between.
const POSING_ELSEWHERE: [(&str, char); 18] = [
    ("é＠ô", '＠'),
    ("анна＠банк.рф", '＠'),
    ("α∼β", '∼'),
    ("e\u{331}＠o", '＠'),
    ("a.＠.b", '＠'),
    ("“a”＠b", '＠'),
    ("a（∼b", '∼'),
    ("a＠²b", '＠'),
    ("a＠ªb", '＠'),
    ("a＠ʼb", '＠'),
    ("x，1．5", '，'),
    ("Բարև a։", '։'),
    ("ሰላም a፡b", '፡'),
    ("Ελλάδα a\u{375}b", '\u{375}'),
    ("anna＠bank.example東", '＠'),
    ("收件人：anna＠bank.example", '＠'),
    ("東京 bank。example", '。'),
    ("ー100％OFF", '％'),
];

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
    }
}

#[test]
fn a_sign_of_east_asia_is_judged_by_what_is_around_it_and_a_pause_by_its_line() {
    for (text, sign) in POSING {
        let is_pause = "（，：；〈〔".contains(sign);
        for around in [
            format!("東京 a {text} b 東京"),
            format!("東京 {text}"),
            format!("{text} 東京"),
        ] {
            assert_eq!(unclear(&around).is_none(), is_pause, "{around}");
        }
    }
}

#[test]
fn the_same_sign_at_the_edge_of_a_word_or_beside_its_own_letters_is_free() {
    for text in [
        "100 ％", "100％", "＠bank", "a ＠ b", "50٪", "٪50", "⋆ a", "अ।b", "a।अ", "a。中", "٫ 5",
        "‚5",
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
