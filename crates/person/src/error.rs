//! Why the browser could not go on.

use writ_passkey::PasskeyError;
use writ_platform::TransportError;

use crate::page::ShownPage;

/// What a step of the person leads to, most often a page.
pub type Step<T = ShownPage> = Result<T, BrowserError>;

#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    #[error("no address: {0}")]
    Address(#[from] url::ParseError),
    #[error("no request: {0}")]
    Request(#[from] http::Error),
    #[error(transparent)]
    Transport(#[from] TransportError),
    #[error(transparent)]
    Passkey(#[from] PasskeyError),
    #[error("the server redirects in circles")]
    Circle,
    /// The text of the page is for `Debug` alone.
    #[error("{problem} at {path}")]
    Page {
        problem: String,
        path: String,
        text: String,
    },
}
