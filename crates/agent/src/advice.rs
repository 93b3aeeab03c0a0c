//! What to do next about each error code (RFC 6749 section 5.2 and its extensions), at the server and at a resource.

use writ_wire::error::ErrorCode as Code;

/// One sentence for the agent's developer, or for the agent.
#[expect(
    clippy::too_many_lines,
    reason = "one table, in which no code is forgotten"
)]
pub const fn advice(code: Code) -> &'static str {
    match code {
        Code::InvalidRequest => {
            "read the description: a parameter, the actor's credential or the proof's key is wrong; repeating will not help"
        }
        Code::InvalidClient => {
            "check that `client_id` is registered, that its `jwks` has the assertion key, and that the clock is right"
        }
        Code::InvalidGrant => {
            "the code or refresh token is spent, expired, stopped or bound to another key: start again with `authorize`"
        }
        Code::UnauthorizedClient => "an administrator must allow this client what it asked for",
        Code::UnsupportedGrantType => "compare `grant_types_supported` of the server's metadata",
        Code::UnsupportedResponseType => "use `code`, the only response type",
        Code::InvalidScope => {
            "ask for fewer scopes: a grant can only be narrowed, more needs `authorize` and the person"
        }
        Code::AccessDenied => {
            "the answer is no: do not repeat the request; ask for less, or tell the person why it is needed"
        }
        Code::ServerError => "try again later; if it persists, give the id to the operator",
        Code::TemporarilyUnavailable => "wait, then make the request anew",
        Code::InvalidTarget => "name exactly one `resource`, one that the grant covers",
        Code::InvalidAuthorizationDetails => {
            "correct or narrow the members that `excess` points at; more needs `authorize` and the person"
        }
        Code::InvalidDpopProof => {
            "check the clock, and that the URL is the one that the server has as its own"
        }
        Code::UseDpopNonce => {
            "the kit answered one nonce and was asked again: do several servers work without shared keys?"
        }
        Code::LoginRequired | Code::ConsentRequired | Code::InteractionRequired => {
            "the person must take part: open the URL of `authorize` in the browser"
        }
        Code::InvalidRequestUri => {
            "the pushed request is spent or expired: call `authorize` again and open the new URL at once"
        }
        Code::RequestNotSupported | Code::RequestUriNotSupported => {
            "send no request object of your own: the kit pushes the request"
        }
        Code::InvalidToken => {
            "the token is expired, stopped, not for this resource or not for this key: `refresh` once, then `authorize`"
        }
        Code::InsufficientScope => {
            "ask for the scope that the refusal names with `authorize`, or do without"
        }
        Code::InsufficientAuthorization => {
            "ask for the `insufficient` details with `confirm`; the same reference again means stop"
        }
        Code::InsufficientUserAuthentication | Code::UnmetAuthenticationRequirements => {
            "the person must log in more strongly: ask with the `acr_values` that the refusal names, if they can"
        }
        Code::InvalidRequestObject => "correct the signed request: claims, `aud`, times and key",
        Code::AuthorizationPending => "nobody has decided yet: wait for the interval and ask again",
        Code::SlowDown => "poll less often: the interval is now five seconds longer, for good",
        Code::ExpiredToken => {
            "nobody decided in time, which means no: ask again only if the person wants it"
        }
        Code::ExpiredLoginHintToken => "make a new `login_hint_token`",
        Code::UnknownUserId => {
            "this agent may not ask that person: they must have agreed to it before, or an administrator assign it"
        }
        Code::IdempotencyKeyReused => {
            "a key is for one run: draw a new one, and never take one from whoever calls you"
        }
        Code::OutcomeReported => "the first outcome stays: report each decision once",
        Code::MissingUserCode | Code::InvalidUserCode => {
            "ask the person for the code that they set for requests like this one"
        }
        Code::InvalidBindingMessage => {
            "use a short `binding_message` of letters, digits and plain punctuation"
        }
        Code::TransactionFailed => "the server could not finish: ask again",
        Code::TransactionAuthorizationRequired => {
            "give the refusal to `confirm`, which takes its challenge to the person"
        }
        Code::InvalidClientMetadata => "correct the registration that the description names",
        Code::InvalidRedirectUri => {
            "register this `redirect_uri` exactly; only the port of a loopback address is free"
        }
        Code::InvalidSoftwareStatement | Code::UnapprovedSoftwareStatement => {
            "register without `software_statement`: this server takes none"
        }
    }
}
