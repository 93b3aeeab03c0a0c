//! `/admin`: whose console it is, and until when.

use axum::response::{IntoResponse, Response};
use writ_pages::ConsoleHome;

use super::request::ConsoleOperator;
use crate::people::error::PageError;
use crate::people::request::Visitor;

pub async fn show(operator: ConsoleOperator, visitor: Visitor) -> Result<Response, PageError> {
    let person = visitor.signed_in(super::HOME)?;
    let home = ConsoleHome {
        console: operator.frame(&visitor),
    };
    let texts = person.texts().await?;
    Ok(home.page(&texts).into_http().into_response())
}
