//! All words come from the catalogue, and the catalogue holds no word that nothing shows.

use std::fs;
use std::path::Path;

fn sources(folder: &str, ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let named = files.map(|path| (path.display().to_string(), path));
    named
        .filter(|(name, _)| name.ends_with(ending) && !name.ends_with("_tests.rs"))
        .map(|(name, path)| (name, fs::read_to_string(path).unwrap()))
        .collect()
}

/// `text` without everything from an `open` to the next `close`.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        kept.push(' ');
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

#[test]
fn templates_hold_no_words() {
    for (name, template) in sources("templates", ".html") {
        let code = [("{#", "#}"), ("{%", "%}"), ("{{", "}}"), ("<", ">")];
        let words = code
            .iter()
            .fold(template, |text, (open, close)| without(&text, open, close));
        assert!(
            !words.contains(char::is_alphabetic),
            "{name}: {}",
            words.trim()
        );
    }
}

#[test]
fn attributes_that_people_read_come_from_the_catalogue() {
    for (name, template) in sources("templates", ".html") {
        for attribute in [
            "aria-label",
            "placeholder",
            "title",
            "alt",
            "aria-description",
        ] {
            for rest in template.split(&format!(" {attribute}=\"")).skip(1) {
                // A picture that is only decoration has no words (WCAG 2.2, success criterion 1.1.1).
                let decoration = attribute == "alt" && rest.starts_with('"');
                let worded = rest.starts_with("{{ texts.") || decoration;
                assert!(worded, "{name}: {attribute}");
            }
        }
    }
}

/// Scripts are files of ours; nothing in a page runs.
#[test]
fn pages_hold_no_script_and_no_style_of_their_own() {
    for (name, template) in sources("templates", ".html") {
        let ours = "<script type=\"module\" src=\"{{ crate::";
        for script in template.split("<script").skip(1) {
            let script = format!("<script{script}");
            assert!(script.starts_with(ours), "{name}: {script}");
            let (_, inside) = script.split_once('>').unwrap();
            assert!(inside.starts_with("</script>"), "{name}: {script}");
        }
        for part in [
            "<style",
            " style=",
            " onclick",
            " onload",
            "javascript:",
            "|safe",
        ] {
            assert!(!template.contains(part), "{name}: {part}");
        }
    }
}

#[test]
fn every_text_is_used() {
    let mut code: Vec<_> = sources("templates", ".html");
    code.extend(sources("src", ".rs"));
    let code: String = code.into_iter().map(|(_, text)| text).collect();
    let catalogue: toml::Table = toml::from_str(include_str!("../text/en.toml")).unwrap();
    for key in keys(&catalogue, "") {
        let (table, field) = key.rsplit_once('.').unwrap();
        let through_section = format!("{table}.{field}");
        // Renderers name a section `text` or `failure` where they use many of its keys.
        let short = table.rsplit_once('.').map_or(table, |(_, last)| last);
        let named = [
            through_section,
            format!("{short}.{field}"),
            format!("text.{field}"),
        ];
        assert!(
            named.iter().any(|name| code.contains(name)),
            "nothing uses `{key}`"
        );
    }
}

fn catalogues() -> [(&'static str, toml::Table); 2] {
    let read = |text| toml::from_str(text).unwrap();
    [
        ("en", read(include_str!("../text/en.toml"))),
        ("de", read(include_str!("../text/de.toml"))),
    ]
}

/// `{name}` in a text.
fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .split('{')
        .skip(1)
        .map(|rest| rest.split('}').next().unwrap())
        .collect();
    found.sort_unstable();
    found
}

/// Every text of a catalogue by its key; lists by their length alone.
fn flat(table: &toml::Table) -> Vec<(String, String)> {
    let found = keys(table, "").into_iter().map(|key| {
        let value = key.split('.').fold(None, |at: Option<&toml::Value>, name| {
            Some(at.map_or_else(|| &table[name], |value| &value[name]))
        });
        let text = match value.unwrap() {
            toml::Value::String(text) => text.clone(),
            other => other.as_array().unwrap().len().to_string(),
        };
        (key, text)
    });
    found.collect()
}

#[test]
fn all_languages_say_the_same() {
    let [(_, english), (_, german)] = catalogues();
    let (mut english, mut german) = (flat(&english), flat(&german));
    english.sort_unstable();
    german.sort_unstable();
    let names =
        |all: &[(String, String)]| all.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
    assert_eq!(names(&english), names(&german));
    for ((key, english), (_, german)) in english.iter().zip(&german) {
        assert_eq!(placeholders(english), placeholders(german), "{key}");
        assert!(!german.trim().is_empty(), "{key}");
    }
}

/// Only names, signs and words that both languages share stay the same.
#[test]
fn what_is_translated_differs() {
    let [(_, english), (_, german)] = catalogues();
    let german: std::collections::BTreeMap<_, _> = flat(&german).into_iter().collect();
    let same = flat(&english)
        .into_iter()
        .filter(|(key, text)| german[key] == *text);
    let same: Vec<String> = same.map(|(key, _)| key).collect();
    assert!(same.len() <= 16, "{same:?}");
}

/// What reads like a quotation mark, of any language. An apostrophe does not.
const MARKS: [char; 15] = [
    '"', '“', '”', '„', '‟', '‘', '‚', '‛', '«', '»', '‹', '›', '`', '´', '″',
];

/// Every text of a catalogue and of its notices.
fn all_texts() -> [(&'static str, Vec<(String, String)>); 2] {
    let read = |text| flat(&toml::from_str(text).unwrap());
    let both = |one, other| [read(one), read(other)].concat();
    [
        (
            "en",
            both(
                include_str!("../text/en.toml"),
                include_str!("../text/notices/en.toml"),
            ),
        ),
        (
            "de",
            both(
                include_str!("../text/de.toml"),
                include_str!("../text/notices/de.toml"),
            ),
        ),
    ]
}

/// One kind in each language, that of the texts from a request: opened and closed in turn, around something.
#[test]
fn quotation_marks_are_those_of_the_language() {
    let mut quoted = 0;
    for (language, texts) in all_texts() {
        let (before, after) = writ_authority::marks(language);
        for (key, text) in texts {
            let marks: String = text.chars().filter(|c| MARKS.contains(c)).collect();
            let pairs = marks.chars().count() / 2;
            let expected = [before, after].concat().repeat(pairs);
            assert_eq!(marks, expected, "{language} {key}: {text}");
            assert!(!text.contains(&[before, after].concat()), "{key}: {text}");
            quoted += pairs;
        }
    }
    assert!(quoted > 8, "{quoted}");
}

/// One way to speak to somebody, and one word for each thing, as their other programs have it.
#[test]
fn german_is_formal_and_has_one_word_for_each_thing() {
    let [_, (_, german)] = all_texts();
    let informal = [
        "du", "dich", "dir", "dein", "deine", "deinen", "deinem", "deiner", "euch", "euer",
    ];
    let others = [
        "Mitteilung",
        "Zugang",
        "pausier",
        "Mailadresse",
        "die, die ",
        "denen, die ",
    ];
    for (key, text) in german {
        let words = text
            .split(|c: char| !c.is_alphabetic())
            .map(str::to_lowercase);
        for word in words {
            assert!(!informal.contains(&word.as_str()), "{key}: {text}");
        }
        for other in others {
            assert!(!text.contains(other), "{key}: `{other}` in {text}");
        }
        // "Among agents": the name of a page is quoted.
        assert!(!text.contains("unter Agenten"), "{key}: {text}");
    }
}

fn keys(table: &toml::Table, path: &str) -> Vec<String> {
    let nested = table.iter().map(|(name, value)| {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            toml::Value::Table(table) => keys(table, &path),
            _ => vec![path],
        }
    });
    nested.flatten().collect()
}
