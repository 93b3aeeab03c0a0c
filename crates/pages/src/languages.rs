//! The catalogues of all languages, and which one a person reads: their own choice, then their browser's (RFC 9110 section
//! 12.5.4), then English.

use std::sync::Arc;
#[cfg(debug_assertions)]
use std::sync::OnceLock;

use http::HeaderMap;
use http::header::{ACCEPT_LANGUAGE, COOKIE};

use super::brand::Brand;
#[cfg(debug_assertions)]
use super::pseudo;
use super::texts::{TextError, Texts};

/// Holds the tag that a person chose.
pub const LANGUAGE_COOKIE: &str = "writ-language";

/// The tags of all languages, English first.
pub const LANGUAGES: [&str; 2] = ["en", "de"];

/// Every language; English is the first one and stands in for all others.
#[derive(Debug)]
pub struct Languages {
    english: Texts,
    others: Vec<Texts>,
    /// Found by its tag alone, and named nowhere; read when somebody asks for it, if it can be.
    #[cfg(debug_assertions)]
    pseudo: OnceLock<Option<Texts>>,
}

impl Languages {
    pub fn load() -> Result<Self, TextError> {
        Ok(Self {
            english: Texts::load()?,
            others: vec![Texts::german()?],
            #[cfg(debug_assertions)]
            pseudo: OnceLock::new(),
        })
    }

    /// The same under the operator's name.
    pub fn under(self, brand: &Arc<Brand>) -> Self {
        let others = self.others.into_iter();
        Self {
            english: self.english.under(brand),
            others: others.map(|texts| texts.under(brand)).collect(),
            #[cfg(debug_assertions)]
            pseudo: OnceLock::new(),
        }
    }

    /// Whether there are texts of this tag, or of its language.
    pub fn knows(&self, tag: &str) -> bool {
        self.find(tag).is_some()
    }

    /// The texts of a BCP 47 tag: of exactly that, or of its language, or English.
    pub fn of(&self, tag: &str) -> &Texts {
        self.find(tag).unwrap_or(&self.english)
    }

    /// By the value of [`LANGUAGE_COOKIE`] and by `Accept-Language`.
    pub fn choose(&self, cookie: Option<&str>, accept_language: Option<&str>) -> &Texts {
        let wanted = preferred(accept_language.unwrap_or_default());
        cookie
            .into_iter()
            .chain(wanted)
            .find_map(|tag| self.find(tag))
            .unwrap_or(&self.english)
    }

    /// What a person reads at a page that an app asked for in these languages (`ui_locales`): their own choice still comes first.
    pub fn of_request_in(&self, headers: &HeaderMap, asked: &[String]) -> &Texts {
        let asked = asked.iter().map(String::as_str);
        let found = cookie(headers).into_iter().chain(asked);
        let found = found.into_iter().find_map(|tag| self.find(tag));
        found.unwrap_or_else(|| self.of_request(headers))
    }

    /// The first of these that there is.
    pub fn first_of(&self, asked: &[String]) -> Option<&Texts> {
        asked.iter().find_map(|tag| self.find(tag))
    }

    /// What this browser wants, by its cookie and its header.
    pub fn of_request(&self, headers: &HeaderMap) -> &Texts {
        self.choose(cookie(headers), accept_language(headers))
    }

    /// Tag and own name of each language.
    pub fn names(&self) -> Vec<(String, String)> {
        self.all()
            .map(|texts| (texts.locale().to_owned(), texts.layout.name.clone()))
            .collect()
    }

    /// English, for answers without a language of the user's.
    pub fn english(&self) -> &Texts {
        &self.english
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Texts> {
        std::iter::once(&self.english).chain(&self.others)
    }

    fn find(&self, tag: &str) -> Option<&Texts> {
        let primary = primary(tag);
        let mut all = self.all();
        let found = all.find(|texts| texts.locale().eq_ignore_ascii_case(primary));
        #[cfg(debug_assertions)]
        let found = found.or_else(|| self.pseudo(primary));
        found
    }

    #[cfg(debug_assertions)]
    fn pseudo(&self, primary: &str) -> Option<&Texts> {
        let read = || Some(Texts::pseudo().ok()?.under(self.english.shared_brand()));
        let is_asked_for = primary.eq_ignore_ascii_case(pseudo::TAG);
        is_asked_for.then(|| self.pseudo.get_or_init(read).as_ref())?
    }
}

/// The languages of a browser, most wanted first, without region.
pub(super) fn wanted(headers: &HeaderMap) -> Vec<&str> {
    let preferred = preferred(accept_language(headers).unwrap_or_default());
    cookie(headers)
        .into_iter()
        .chain(preferred)
        .map(primary)
        .collect()
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let mut cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let found = cookies.find(|(name, _)| *name == LANGUAGE_COOKIE);
    found.map(|(_, tag)| tag)
}

fn accept_language(headers: &HeaderMap) -> Option<&str> {
    headers.get(ACCEPT_LANGUAGE)?.to_str().ok()
}

fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or_default()
}

/// The tags of `Accept-Language`, most wanted first; a few of them are enough.
fn preferred(header: &str) -> Vec<&str> {
    let ranges = header.split(',').take(MOST_RANGES).filter_map(|range| {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let quality = match parameters.trim().strip_prefix("q=") {
            Some(text) => text.trim().parse::<f32>().ok()?,
            None => 1.0,
        };
        (quality > 0.0).then_some((tag.trim(), quality))
    });
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranges.into_iter().map(|(tag, _)| tag).collect()
}

const MOST_RANGES: usize = 16;

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn chosen(cookie: Option<&str>, accept: Option<&str>) -> String {
        let languages = Languages::load().unwrap();
        languages.choose(cookie, accept).locale().to_owned()
    }

    /// RFC 9110 section 12.5.4, with the example of its section 12.4.2 for weights.
    #[test]
    fn the_browser_says_what_is_read() {
        assert_eq!(chosen(None, None), "en");
        assert_eq!(chosen(None, Some("de")), "de");
        assert_eq!(chosen(None, Some("de-AT, en;q=0.7")), "de");
        assert_eq!(chosen(None, Some("en;q=0.3, DE ; q=0.8")), "de");
        assert_eq!(chosen(None, Some("fr, de;q=0.5, en;q=0.4")), "de");
        assert_eq!(chosen(None, Some("de;q=0, *")), "en");
        assert_eq!(chosen(None, Some(";;q=,,x;q=nan,\u{0}")), "en");
    }

    #[test]
    fn as_many_languages_of_a_browser_are_read() {
        for (before, language) in [(MOST_RANGES - 1, "de"), (MOST_RANGES, "en")] {
            let header = format!("{}de", "tlh,".repeat(before));
            assert_eq!(chosen(None, Some(&header)), language, "{before}");
        }
    }

    #[test]
    fn what_a_person_chose_comes_first() {
        assert_eq!(chosen(Some("de"), Some("en")), "de");
        assert_eq!(chosen(Some("en"), Some("de")), "en");
        assert_eq!(chosen(Some("xx"), Some("de")), "de");
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        let cookies = HeaderValue::from_static("a=b; writ-language=de; c=d");
        headers.insert(COOKIE, cookies);
        assert_eq!(
            Languages::load().unwrap().of_request(&headers).locale(),
            "de"
        );
    }

    #[test]
    fn unknown_languages_are_english() {
        let languages = Languages::load().unwrap();
        assert_eq!(languages.of("de-CH").locale(), "de");
        assert_eq!(languages.of("tlh").locale(), "en");
        let tags = languages.all().map(Texts::locale);
        assert_eq!(tags.collect::<Vec<_>>(), LANGUAGES);
        let names = [("en", "English"), ("de", "Deutsch")];
        assert_eq!(
            languages.names(),
            names.map(|(tag, name)| (tag.to_owned(), name.to_owned()))
        );
    }
}
