//! ID tokens (OpenID Connect Core section 2), signed with ES256 or RS256.

/// `typ` of an ID token: never that of an access token.
pub const ID_TOKEN_TYPE: &str = "JWT";
