//! What people write in their languages is shown as it is: letters, digits and signs of their own.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::select;

use crate::legible::{MAX_VALUE_LENGTH, unclear};
use crate::letters::{MOST_LATIN_MARKS, MOST_MARKS, is_right_to_left};

/// By the language; each is written as its readers write it.
const RIGHT: [(&str, &str); 249] = [
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
    // Letters of their own in Latin: Ewe, Twi, Dagbani, Kabiye, Skolt Sami, Inari Sami, Fula, Bambara, Igbo, Yoruba, Lakota, Navajo.
    ("ee", "Eʋegbe, ɣeyiɣi, nuɖuɖu ƒe ŋkɔ"),
    ("tw", "Ɔkɔtɔ nnwo anomaa, ɛyɛ"),
    ("dag", "Dagbaŋ, ʒia ni ɣiɣi"),
    ("kbp", "Kabɩyɛ, ɖama ʊ tɔm"),
    ("sms", "sääʹmǩiõll, vuâđđǩiõll, Ǯeʹrrem, ʒ, ʹ"),
    ("smn", "anarâškielâ, Čokkam"),
    ("ff", "Pulaar, ɓiɓɓe ƴettii ɗo"),
    ("bm", "ɲɛgɛn, Bamanankan, ŋɔmi"),
    ("ig", "Ọ bụ ụlọ akwụkwọ"),
    ("lkt", "Lakȟótiyapi, wóȟaŋ, wičháša kiŋ; pteʼole"),
    ("nv", "Diné bizaad, tʼááʼáłaʼ"),
    ("srs", "xʷəlmiʔ, ƛ̓əp, kʷatəč"),
    ("dua", "Duálá, ɓɛ́ɛ́, ŋgɔ́ŋ"),
    ("ln", "Lingála, ndɛngɛ, mɔ̌kɔ́"),
    ("kab", "Taqbaylit, aɣrum d yiɣil, ɛeddi"),
    ("az", "Əhməd və Şəhla"),
    ("br", "cʼhoar, Brezhoneg, tri cʼhant"),
    ("uz", "maʼno, sanʼat, gʻalaba"),
    ("crh", "Qırımtatar tili, ñ"),
    ("gn", "avañeʼẽ, heʼi"),
    ("mi", "Māori, whānau"),
    ("rap", "Te Pito o te Henua, Rapa Nui"),
    ("sm", "Faʻafetai, faʼafetai"),
    ("cy", "Llŷr a’r ŵyl"),
    ("sq", "Çfarë është kjo?"),
    ("lv", "Rīga, ķīļi, ģints"),
    ("lt", "Ąžuolų g. 5–7"),
    ("et", "Õhtu, jää, šašlõkk"),
    ("fi", "Åbo–Turku, 5 °C"),
    ("fo", "Føroyar, ð"),
    ("hr", "Đurđica Šćepanović"),
    ("sk", "Ľubomír Hôrka, 5 %"),
    ("sl", "Čebelarstvo Žnidaršič"),
    ("tk", "Türkmençe, ýyl"),
    ("ku", "Kurdî, şîrê mêşê"),
    ("ast", "Ḷḷena"),
    ("lad", "Djudeo-espanyol"),
    ("eo", "ĉiuĵaŭde, eĥoŝanĝo"),
    ("la", "Cæsar, œconomia"),
    ("sa-Latn", "Śrīmad Bhagavad Gītā, ṛṣi, Kṛṣṇa"),
    // Signs of typography.
    ("de", "−5 °C bis +3 °C, 10 − 3 = 7"),
    ("de", "E\u{2011}Mail, 3\u{2010}Zimmer\u{2010}Wohnung"),
    ("de", "z.\u{202f}B. 5\u{a0}kg, §\u{a0}5 Abs.\u{a0}2"),
    ("de-CH", "Fr. 1’234.50.–"),
    (
        "fr",
        "«\u{a0}voilà\u{a0}»\u{202f}: 20\u{202f}%, 1\u{202f}234,56\u{a0}€",
    ),
    ("fr", "Qui est là\u{202f}? C’est moi\u{a0}!"),
    ("fr", "1ᵉʳ mai, XIXᵉ siècle, Mᵐᵉ Aubry, 2ᵉ étage"),
    ("en", "5′ 30″ and 6′2″"),
    ("en", "2⁄3 of it, ½, 3¾"),
    ("en", "5–10, £3, ¥500, ₹1,00,000, ₩5000, ₺20, ₪9, ₦70, 5¢"),
    ("en", "§ 12, ¶ 3, † 1950, ‰, 10 ± 2"),
    ("en", "200 kΩ, 5 MΩ, 50 Ω, 4 mΩ"),
    ("en", "µm, 5 µs, 20 µg/l, 7 μm, 3 µmol, 10 µSv"),
    ("en", "ΔT = 5 K, Δt, ΔpH, 2πr², λ/4, Δ9"),
    ("en", "H₂O, CO₂, m², cm³, 10⁻⁶, Na⁺, SO₄²⁻, x₁"),
    ("en", "α-D-glucose, β-carotene, TNF-α, χ²"),
    ("en", "5 ℓ, 20 mℓ, 7 Å, 5 ℃, 3 №"),
    ("en", "page ② of ③, 2ⁿᵈ"),
    ("ca", "paral·lel, il·lusió"),
    // Cyrillic and Greek.
    ("uk", "Камʼянець, обʼєкт, ґанок, Їжак"),
    ("uk", "З 5 травня, п. І, о 5-й"),
    ("be", "аб’ект, Іўе"),
    ("ru", "О 5 апреля, дом 12б, 5й этаж, 2х4 м, 1С, Т34"),
    ("ru", "3D-принтер, IT-отдел, SMS-код, 5б класс"),
    ("kk", "Қазақстан, әңгіме, үй"),
    ("tt", "Татарча, җәй, һава"),
    ("ba", "Башҡорт, ҙур"),
    ("ce", "Нохчийн, кӏант, г1ала"),
    ("ab", "Аԥсуа, ҳәа"),
    ("os", "Ирон ӕвзаг"),
    ("tg", "Тоҷикӣ, ҳафт"),
    ("ky", "Кыргызча, өң"),
    ("mn", "Монгол улс, өвөл, үнэ 5000₮"),
    ("mk", "Ѓорѓи, ѕвезда, ќе"),
    ("cu", "Сїѧ"),
    ("el", "1ο Δημοτικό Σχολείο, 2ος όροφος, 5η"),
    ("el", "Τι κάνεις; «Καλά»· ευχαριστώ"),
    ("el", "e-mail: πρώτο, 10 €"),
    // Caucasus and around.
    ("hy", "«Բարև»։ Ինչո՞ւ, ա՜խ, շա՛տ, թ․ 2026։"),
    ("hy", "Երևան, ժամը 12։30, 5 դր․"),
    ("hy", "հայ֊ռուս"),
    ("ka", "Facebook-ის გვერდი, №5"),
    // Right to left.
    ("he", "ג׳ירפה, ז״ל, עמ׳"),
    ("ar", "1445هـ"),
    ("ar", "﴿بسم﴾"),
    ("ar", "العدد ١٬٢٣٤٫٥"),
    ("ar", "ﷺ"),
    ("fa", "کتاب‌خانه، ۱۲ تومان؛ چرا؟"),
    ("sd", "سنڌي ٻولي"),
    ("ug", "ئۇيغۇرچە"),
    ("ckb", "کوردی، پێنج"),
    ("dv", "ދިވެހި"),
    ("syr", "ܫܠܡܐ"),
    ("nqo", "ߒߞߏ"),
    ("ff-Adlm", "𞤆𞤵𞤤𞤢𞤪"),
    // South Asia.
    ("hi", "PDF और SMS, ₹५००, १२:३०"),
    ("bn", "PDFটি খুলুন, SMSএর, ৫০%"),
    ("ta", "PDFஐ திற, ௧௨"),
    ("te", "PDFలో, ౧౨"),
    ("kn", "PDFನಲ್ಲಿ, ಕನ್ನಡ ೧೨"),
    ("ml", "PDFൽ, മലയാളം"),
    ("si", "සිංහල, PDFය"),
    ("or", "ଓଡ଼ିଆ ୧୨"),
    ("pa", "ਪੰਜਾਬੀ, ੧੨ ਰੁਪਏ।"),
    ("ne", "नेपाली २०२६।०१।०५"),
    ("sa", "धर्मक्षेत्रे कुरुक्षेत्रे॥"),
    ("sat", "ᱥᱟᱱᱛᱟᱲᱤ"),
    ("mni", "ꯃꯩꯇꯩꯂꯣꯟ"),
    ("bo", "བོད་ཡིག། PDFཡིག"),
    ("dz", "རྫོང་ཁ། ༡༢"),
    // South-east Asia.
    ("th", "เด็กๆ ใช้Facebookและ Googleได้ ฯลฯ"),
    ("th", "พ.ศ. ๒๕๖๙, ราคา 1,200 บาท"),
    ("lo", "ເລື້ອຍໆ, ໒໐໒໖, ໃຊ້Facebookໄດ້"),
    ("km", "ផ្សេងៗ ប្រើFacebookបាន។"),
    ("my", "Facebookက ပို့၊ ၂၀၂၆။"),
    ("jv-Java", "ꦗꦮ"),
    ("su-Sund", "ᮞᮥᮔ᮪ᮓ"),
    ("vi", "Ưu đãi 5.000 ₫"),
    // Ethiopia, Canada and others.
    ("am", "የGoogle አገልግሎት፣ በPDF"),
    ("am", "ከጠዋቱ 2፡30 ሰዓት"),
    ("ti", "ትግርኛ፥ ሰላም"),
    ("iu", "ᐃᓄᒃᑎᑐᑦ - Inuktitut"),
    ("cr", "ᓀᐦᐃᔭᐍᐏᐣ"),
    ("zgh", "ⵜⴰⵎⴰⵣⵉⵖⵜ"),
    ("vai", "ꕙꔤ"),
    ("lis", "ꓡꓲ-ꓢꓴ"),
    ("ii", "ꆈꌠꉙ"),
    ("osa", "𐓏𐓘𐓻𐓘𐓻𐓟"),
    // East Asia.
    ("ja", "β版、γ線とα線、Ω、μ秒"),
    ("ja", "第Ⅳ章、パートⅡ、Ⅲ期"),
    ("ja", "〇×を選ぶ、二〇二六年〇月"),
    ("ja", "会議 10：30、TEL：03-1234"),
    ("ja", "データー100％OFF"),
    ("ja", "午後８:30から"),
    ("ja", "5㎏、㈱東京、㍻、〒100-0001"),
    ("ja", "スーパーAコース、ﾃｽﾄ、々、ゝ、〆切"),
    ("zh", "购买 iPhone（64GB）和 iPad"),
    ("zh", "支持 iOS，Android，Windows"),
    ("zh", "iOS，Android，Windows 都支持"),
    ("zh", "价格 1，000 元；1．5元"),
    ("zh", "他说Привет了，希腊字母Ω"),
    ("zh", "“iOS，Android”等，《WPS》PC版"),
    ("zh-Hant", "臺灣「北部」、ㄅㄆㄇ"),
    ("ko", "K팝TV, 5kg짜리, SNS에서"),
    ("ko", "㈜한국, 10％할인"),
    ("mul", "한국어, 日本語, ไทย, Русский, Ελληνικά"),
    // Emoji, and symbols of biology.
    ("mul", "1️⃣ eins, 2️⃣ zwei, #️⃣ und *️⃣"),
    ("en", "NFκB, TNFα, IFNγ, TGFβ1, HIF1α, IκB, Hα"),
    ("ja", "IFNγ受容体とTNFα"),
    // Words end where no space is written.
    (
        "km",
        "ខ្ញុំ\u{200b}ប្រើ\u{200b}Facebook\u{200b}ជា\u{200b}ភាសា\u{200b}ខ្មែរ",
    ),
    ("my", "မြန်မာ\u{200b}စာ\u{200b}ကို\u{200b}ဖတ်"),
    ("th", "ภาษา\u{200b}ไทย\u{200b}ง่าย, 5 บาท"),
    ("lo", "ພາສາ\u{200b}ລາວ"),
    // Labels of cards and letters.
    ("ja", "株式会社ABC Tokyo Office TEL：03-1234-5678 Fax：03-9"),
    ("ja", "Tokyo Office TEL：03-1234（東京）"),
    ("ja", "E-mail：anna@bank.example、担当"),
    // Letters of Mexico and of southern Africa.
    ("tcf", "Meꞌphaa, ajngáa meꞌphaa"),
    ("mxv", "Ꞌin, ñaꞌa, kuaꞌa"),
    (
        "naq",
        "Khoekhoegowab, ǀGowases, Haiǁom, ǂNūkhoen, ǃguriǃgurisib",
    ),
    ("ktz", "Juǀʼhoansi, ǃKung"),
    ("uk", "Є 100 грн"),
];

#[test]
fn what_people_write_in_their_languages_is_shown() {
    let refused: Vec<String> = RIGHT
        .iter()
        .filter_map(|(language, text)| {
            let why = unclear(text)?;
            Some(format!("{language}: {text}: {why}"))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let languages: BTreeSet<&str> = RIGHT.iter().map(|(language, _)| *language).collect();
    assert!(languages.len() >= 100, "{}", languages.len());
}

proptest! {
    /// None of it is right only because of what stands elsewhere in the line, or wrong because of it.
    #[test]
    fn what_is_right_stays_right_beside_what_is_right(
        texts in (select(RIGHT.as_slice()), select(RIGHT.as_slice()))
    ) {
        let ((_, one), (_, other)) = texts;
        let both = format!("{one} – {other}");
        let turns = both.chars().any(is_right_to_left);
        prop_assume!(!turns && both.chars().count() <= MAX_VALUE_LENGTH);
        prop_assert_eq!(unclear(&both), None, "{}", both);
    }
}

/// In the order of Unicode's normalization form C.
#[test]
fn a_letter_has_so_many_marks() {
    let of_latin = ['\u{301}', '\u{302}', '\u{303}'];
    let of_hebrew = ['\u{5b8}', '\u{5bc}', '\u{5c1}', '\u{591}', '\u{592}'];
    for (letter, marks, most) in [
        ('q', &of_latin[..], MOST_LATIN_MARKS),
        ('\u{5e9}', &of_hebrew, MOST_MARKS),
    ] {
        let with = |count: usize| -> String {
            [letter]
                .into_iter()
                .chain(marks.iter().copied().take(count))
                .collect()
        };
        assert_eq!(unclear(&with(most)), None, "{letter}");
        let refused = unclear(&with(most + 1)).map(|why| why.to_string());
        assert!(refused.is_some_and(|why| why.contains("marks")), "{letter}");
    }
}
