//! The token endpoint (OAuth 2.1 section 3.2): parse, identify, then the grant's own file.

use axum::response::Response;
use http::StatusCode;
use writ_core::OAuthError;
use writ_core::checks::Endpoint;
use writ_wire::form::Form;
use writ_wire::token::{GrantType, TokenRequest, TokenResponse};

use crate::client::error::{ClientError, ProgramRoute};
use crate::client::grants;
use crate::client::incoming::IncomingRequest;
use crate::node::failure::Failure;
use crate::request::client_request::ClientRequest;
use crate::request::token_request::TokenRequestContext;

pub async fn token(incoming: IncomingRequest) -> Result<Response, ClientError> {
    let (form, asked) = match read_token_request(&incoming) {
        Ok(read) => read,
        Err(failure) => {
            let route = ProgramRoute::TokenWithoutGrant;
            return Err(incoming.head.error(route, failure));
        }
    };
    let endpoint = Endpoint::Token(asked.grant_type());
    let request = incoming.authenticate_form(endpoint, form).await?;
    let is_poll = is_polled(asked.grant_type());
    let result = issue_token(&request, asked).await;
    if is_poll {
        request.answer_poll(result)
    } else {
        request.answer(StatusCode::OK, result)
    }
}

/// Grants that wait for a person's answer.
const fn is_polled(grant: GrantType) -> bool {
    matches!(grant, GrantType::Ciba | GrantType::DeviceCode)
}

fn read_token_request(incoming: &IncomingRequest) -> Result<(Form, TokenRequest), Failure> {
    let form = incoming.body.form()?;
    let asked = TokenRequest::parse(&form).map_err(OAuthError::from)?;
    Ok((form, asked))
}

async fn issue_token(
    request: &ClientRequest,
    asked: TokenRequest,
) -> Result<TokenResponse, Failure> {
    let allowed = request.client().may_use(asked.grant_type());
    allowed.map_err(|refusal| request.refuse(refusal))?;
    let context = TokenRequestContext::of(request).await?;
    match asked {
        TokenRequest::Code(asked) => grants::code::redeem(&context, &asked).await,
        TokenRequest::Refresh(asked) => grants::refresh::refresh(&context, &asked).await,
        TokenRequest::ClientCredentials(asked) => {
            grants::credentials::own_work(context, &asked).await
        }
        TokenRequest::Exchange(asked) => grants::exchange::exchange(&context, &asked).await,
        TokenRequest::Ciba(asked) => grants::ciba::redeem(context, &asked).await,
        TokenRequest::Device(asked) => grants::device::redeem(context, &asked).await,
    }
}
