//! Token exchange request (RFC 8693 section 2.1).

use crate::authorization::{self, RequestError};
use crate::form::{Form, FormError};
use crate::rar::Detail;
use crate::resource::ResourceUri;
use crate::scope::Scope;

pub const TOKEN_TYPE_ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
pub const TOKEN_TYPE_JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A well-formed exchange: one subject token, at most one actor token with its type.
#[derive(Clone, Debug, PartialEq)]
pub struct ExchangeRequest {
    pub subject_token: String,
    pub actor: Option<ActorToken>,
    /// Of `resource` and of `audience`, which names a target by its `resource` here: each once.
    pub resource: Vec<ResourceUri>,
    pub scope: Option<Scope>,
    /// `None` asks for every object of the subject token that is for this audience.
    pub authorization_details: Option<Vec<Detail>>,
}

/// The actor token, by `actor_token_type`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorToken {
    Assertion(String),
    AccessToken(String),
}

impl ExchangeRequest {
    pub fn parse(form: &Form) -> Result<Self, RequestError> {
        form.refuse_repeats(&["resource", "audience"])?;
        if form.required("subject_token_type")? != TOKEN_TYPE_ACCESS_TOKEN {
            return Err(FormError::invalid(
                "subject_token_type",
                format!("must be `{TOKEN_TYPE_ACCESS_TOKEN}`"),
            )
            .into());
        }
        if form
            .optional("requested_token_type")?
            .is_some_and(|t| t != TOKEN_TYPE_ACCESS_TOKEN)
        {
            return Err(FormError::invalid(
                "requested_token_type",
                format!("must be `{TOKEN_TYPE_ACCESS_TOKEN}`"),
            )
            .into());
        }
        let asked = |name: &'static str| form.contains(name);
        Ok(Self {
            subject_token: form.required("subject_token")?.to_owned(),
            actor: actor_token(form)?,
            resource: authorization::named_resources(form, &["resource", "audience"])?,
            scope: asked("scope")
                .then(|| authorization::scope(form))
                .transpose()?,
            authorization_details: asked("authorization_details")
                .then(|| authorization::details(form))
                .transpose()?,
        })
    }
}

/// `actor_token` and `actor_token_type` come together or not at all (RFC 8693 section 2.1).
fn actor_token(form: &Form) -> Result<Option<ActorToken>, FormError> {
    let token = form.optional("actor_token")?.map(str::to_owned);
    match (token, form.optional("actor_token_type")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(FormError::Missing("actor_token_type")),
        (None, Some(_)) => Err(FormError::Missing("actor_token")),
        (Some(token), Some(TOKEN_TYPE_JWT)) => Ok(Some(ActorToken::Assertion(token))),
        (Some(token), Some(TOKEN_TYPE_ACCESS_TOKEN)) => Ok(Some(ActorToken::AccessToken(token))),
        (Some(_), Some(_)) => Err(FormError::invalid(
            "actor_token_type",
            "is not a type of actor token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(more: &str) -> Result<ExchangeRequest, RequestError> {
        let text = format!("subject_token=s&subject_token_type={TOKEN_TYPE_ACCESS_TOKEN}{more}");
        ExchangeRequest::parse(&Form::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn rfc_8693_2_1_actor_token_and_its_type_go_together() {
        assert_eq!(parse("").unwrap().actor, None);
        assert!(parse("&actor_token=a").is_err());
        assert!(parse(&format!("&actor_token_type={TOKEN_TYPE_JWT}")).is_err());
        assert!(
            parse("&actor_token=a&actor_token_type=urn:ietf:params:oauth:token-type:id_token")
                .is_err()
        );
        let request = parse(&format!("&actor_token=a&actor_token_type={TOKEN_TYPE_JWT}")).unwrap();
        assert_eq!(request.actor, Some(ActorToken::Assertion("a".into())));
    }

    #[test]
    fn rfc_8693_2_1_a_missing_or_repeated_subject_token_fails() {
        let form = Form::parse(
            format!("subject_token=&subject_token_type={TOKEN_TYPE_ACCESS_TOKEN}").as_bytes(),
        )
        .unwrap();
        assert!(ExchangeRequest::parse(&form).is_err());
        assert!(parse("&subject_token=t").is_err());
    }

    #[test]
    fn rfc_8693_2_1_audience_names_a_target_as_resource_does() {
        let named = |more: &str| parse(more).map(|request| request.resource.len());
        assert_eq!(named("&audience=https://a.example"), Ok(1));
        let same = "&audience=https://a.example/&resource=https://a.example";
        assert_eq!(named(same), Ok(1));
        assert_eq!(
            named("&audience=https://a.example&resource=https://b.example"),
            Ok(2)
        );
        let bad = parse("&audience=bank");
        assert!(matches!(bad, Err(RequestError::Resource(_))));
    }
}
