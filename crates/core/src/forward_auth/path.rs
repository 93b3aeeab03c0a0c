//! Paths that every program reads in the same way: nothing in them is encoded, resolved, merged or cut off by anybody.

use url::Url;

/// The longest path that is judged, in bytes.
pub const MAX_PATH: usize = 2048;
/// The longest method, in characters.
pub const MAX_METHOD: usize = 32;

/// A path that is read by its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainPath<'a>(&'a str);

/// Why a path is refused rather than normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlainPathError {
    #[error("it does not begin with `/`, or is longer than {MAX_PATH} bytes")]
    NotAPath,
    #[error("it has a percent-encoded character")]
    Encoded,
    #[error("it has `;`")]
    Semicolon,
    #[error("it has a character that no path has")]
    Character,
    #[error("it has two slashes in a row")]
    EmptySegment,
    #[error("a segment ends with a dot")]
    Dot,
}

impl<'a> PlainPath<'a> {
    pub fn parse(text: &'a str) -> Result<Self, PlainPathError> {
        let rest = text.strip_prefix('/').filter(|_| text.len() <= MAX_PATH);
        let rest = rest.ok_or(PlainPathError::NotAPath)?;
        if text.contains('%') {
            return Err(PlainPathError::Encoded);
        }
        // Some programs cut a segment off there.
        if text.contains(';') {
            return Err(PlainPathError::Semicolon);
        }
        if !text.bytes().all(is_of_path) {
            return Err(PlainPathError::Character);
        }
        if text.contains("//") {
            return Err(PlainPathError::EmptySegment);
        }
        // `.` and `..` among them; and some file systems drop a dot at the end.
        if rest.split('/').any(|segment| segment.ends_with('.')) {
            return Err(PlainPathError::Dot);
        }
        Ok(Self(text))
    }

    /// Path and query as they stand in a request line: the query is not judged, but it is one.
    pub fn of_uri(uri: &'a str) -> Result<Self, PlainPathError> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let plain = |b: u8| b.is_ascii_graphic() && b != b'#';
        match query.bytes().all(plain) {
            true => Self::parse(path),
            false => Err(PlainPathError::Character),
        }
    }

    pub const fn as_str(self) -> &'a str {
        self.0
    }

    /// Those after each `/`; the last is empty where the path ends with one.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/').skip(1)
    }
}

/// RFC 3986 section 3.3 without the escapes and `;`.
fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,=:@".contains(&byte)
}

/// A method in capital letters: others are other methods, and some programs take them for these.
pub fn plain_method(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_uppercase() || b == b'-';
    (1..=MAX_METHOD).contains(&text.len()) && text.bytes().all(letters)
}

/// The origin of an `http` or `https` URL that is nothing more.
pub fn origin(text: &str) -> Option<String> {
    let place = HttpPlace::of(text)?;
    (place.path == "/" && !text.contains('?')).then_some(place.origin)
}

/// Where a resource's paths are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpPlace {
    origin: String,
    path: String,
}

impl HttpPlace {
    /// Of a resource's URI. `None`: no plain path is below it.
    pub fn of(uri: &str) -> Option<Self> {
        let url = Url::parse(uri).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https");
        let is_bare = url.query().is_none() && url.username().is_empty();
        PlainPath::parse(url.path()).ok()?;
        (is_http && is_bare && url.fragment().is_none()).then(|| Self {
            origin: url.origin().ascii_serialization(),
            path: url.path().to_owned(),
        })
    }

    /// Whether the path is this one or below it.
    pub fn holds(&self, origin: &str, path: PlainPath<'_>) -> bool {
        self.origin == origin && self.has(path)
    }

    pub fn has(&self, path: PlainPath<'_>) -> bool {
        self.has_text(path.as_str())
    }

    /// The same of a pattern.
    pub fn has_text(&self, path: &str) -> bool {
        match path.strip_prefix(self.path.as_str()) {
            Some(rest) => rest.is_empty() || self.path.ends_with('/') || rest.starts_with('/'),
            None => false,
        }
    }

    pub const fn length(&self) -> usize {
        self.path.len()
    }
}
