//! What a person calls a browser, from its `User-Agent` (RFC 9110 section 10.1.5). Browsers claim to be others, so the one that most
//! others claim to be is looked for last. It decides nothing.

use std::fmt;

/// The longest text that is kept, in characters.
pub const LONGEST: usize = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrowserName {
    pub browser: Option<&'static str>,
    pub system: Option<&'static str>,
}

const BROWSERS: [(&str, &str); 9] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Safari/", "Safari"),
];

const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
];

impl BrowserName {
    pub fn of(user_agent: &str) -> Self {
        let first = |names: &[(&str, &'static str)]| {
            let found = names.iter().find(|(token, _)| user_agent.contains(token));
            found.map(|(_, name)| *name)
        };
        Self {
            browser: first(&BROWSERS),
            system: first(&SYSTEMS),
        }
    }
}

/// Without words of any language; empty where the browser said nothing of itself.
impl fmt::Display for BrowserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.browser.into_iter().chain(self.system);
        f.write_str(&names.collect::<Vec<_>>().join(" · "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the makers document them: MDN, "User-Agent" and "Browser detection using the user agent".
    #[test]
    fn browsers_are_called_by_their_own_name() {
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, browser, system) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:47.0) Gecko/20100101 Firefox/47.0".to_owned(),
                Some("Firefox"),
                Some("Linux"),
            ),
            (
                format!("Mozilla/5.0 (Windows NT 10.0; Win64; x64) {webkit} Chrome/124.0.0.0 Safari/537.36 Edg/124.0.2478.109"),
                Some("Edge"),
                Some("Windows"),
            ),
            (
                format!("Mozilla/5.0 (Linux; Android 10; K) {webkit} Chrome/124.0.0.0 Mobile Safari/537.36"),
                Some("Chrome"),
                Some("Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 13_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/13.1.1 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                Some("Safari"),
                Some("iPhone"),
            ),
            ("curl/8.5.0".to_owned(), None, None),
            (String::new(), None, None),
        ] {
            let name = BrowserName { browser, system };
            assert_eq!(BrowserName::of(&user_agent), name, "{user_agent}");
        }
    }
}
