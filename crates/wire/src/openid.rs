//! Parameters that OpenID Connect adds to an authorization request (OpenID Connect Core 3.1.2.1), and the request of a logout (OpenID
//! Connect RP-Initiated Logout 1.0 section 2).

use serde::{Deserialize, Serialize};

use crate::form::{Form, FormError};

/// The longest `login_hint`, in bytes.
pub const MAX_LOGIN_HINT: usize = 200;
/// The longest `id_token_hint`, in bytes.
pub const MAX_ID_TOKEN_HINT: usize = 16 * 1024;
/// The longest `state` and URI of a logout, in bytes.
pub const MAX_LOGOUT_TEXT: usize = 2048;
/// The most languages of `ui_locales` that are read.
pub const MAX_LOCALES: usize = 16;
/// The longest tag of a language, in bytes.
const MAX_LOCALE: usize = 35;

/// How an answer goes to the redirect URI (OAuth 2.0 Multiple Response Type Encoding Practices, OAuth 2.0 Form Post Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    #[default]
    Query,
    FormPost,
}

impl ResponseMode {
    pub const ALL: [Self; 2] = [Self::Query, Self::FormPost];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }

    /// As far as it can be told from a request that is malformed elsewhere.
    pub fn of(form: &Form) -> Self {
        let named = form.optional("response_mode").ok().flatten();
        named.and_then(Self::parse).unwrap_or_default()
    }
}

/// What a request says beside what is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIdParameters {
    #[serde(default)]
    pub response_mode: ResponseMode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_hint: Option<String>,
    /// Most wanted first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ui_locales: Vec<String>,
    /// Never kept: whom it names is.
    #[serde(skip)]
    pub id_token_hint: Option<String>,
}

impl OpenIdParameters {
    /// All but `response_mode`.
    pub fn parse(form: &Form, response_mode: ResponseMode) -> Result<Self, FormError> {
        Ok(Self {
            response_mode,
            login_hint: form.bounded("login_hint", MAX_LOGIN_HINT)?,
            ui_locales: locales(form)?,
            id_token_hint: form.bounded("id_token_hint", MAX_ID_TOKEN_HINT)?,
        })
    }
}

/// Tags that are too long are ignored, and those after the first [`MAX_LOCALES`].
fn locales(form: &Form) -> Result<Vec<String>, FormError> {
    let text = form.optional("ui_locales")?.unwrap_or_default();
    let tags = text.split(' ');
    let tags = tags.filter(|tag| (1..=MAX_LOCALE).contains(&tag.len()));
    Ok(tags.take(MAX_LOCALES).map(str::to_owned).collect())
}

/// A well-formed request of a client to end a person's session here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogoutRequest {
    pub id_token_hint: Option<String>,
    pub client_id: Option<String>,
    pub post_logout_redirect_uri: Option<String>,
    pub state: Option<String>,
    pub ui_locales: Vec<String>,
}

impl LogoutRequest {
    /// Unknown parameters are ignored.
    pub fn parse(form: &Form) -> Result<Self, FormError> {
        Ok(Self {
            id_token_hint: form.bounded("id_token_hint", MAX_ID_TOKEN_HINT)?,
            client_id: form.bounded("client_id", MAX_LOGOUT_TEXT)?,
            post_logout_redirect_uri: form.bounded("post_logout_redirect_uri", MAX_LOGOUT_TEXT)?,
            state: form.bounded("state", MAX_LOGOUT_TEXT)?,
            ui_locales: locales(form)?,
        })
    }

    /// The same parameters again, in the order of the specification.
    pub fn fields(&self) -> Vec<(&'static str, String)> {
        let locales = (!self.ui_locales.is_empty()).then(|| self.ui_locales.join(" "));
        let fields = [
            ("id_token_hint", self.id_token_hint.clone()),
            ("client_id", self.client_id.clone()),
            (
                "post_logout_redirect_uri",
                self.post_logout_redirect_uri.clone(),
            ),
            ("state", self.state.clone()),
            ("ui_locales", locales),
        ];
        let present = fields.into_iter();
        present
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_3_1_2_1_locales_are_a_bounded_list() {
        let of = |text: &str| locales(&Form::from_pairs([("ui_locales", text)])).unwrap();
        assert_eq!(of("de-AT  en"), ["de-AT", "en"]);
        assert_eq!(of(&"x ".repeat(100)).len(), MAX_LOCALES);
        assert!(of(&"x".repeat(MAX_LOCALE + 1)).is_empty());
    }

    #[test]
    fn modes_read_back_and_requests_of_before_had_none() {
        for mode in ResponseMode::ALL {
            assert_eq!(ResponseMode::parse(mode.as_str()), Some(mode));
        }
        assert_eq!(ResponseMode::parse("fragment"), None);
        let kept: OpenIdParameters = serde_json::from_str("{}").unwrap();
        assert_eq!(kept, OpenIdParameters::default());
    }
}
