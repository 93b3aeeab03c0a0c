//! A person's browser and phone, without a browser engine: cookies, redirects, forms as they stand on the page, and the answers to an
//! approval page by password or passkey. For the demo and for tests.

mod browser;
mod error;
mod page;
mod phone;

pub use browser::{Consented, WebBrowser};
pub use error::{BrowserError, Step};
pub use page::{ShownPage, attribute, plain};
pub use phone::{DECISION, PersonPhone};
