//! A backchannel authentication request (CIBA 7.1, 7.2; FAPI-CIBA): what a client may ask, whom, and how strongly that person
//! must answer.

use std::time::Duration;

use writ_authority::Level;
use writ_wire::ciba::BackchannelRequest;
use writ_wire::error::ErrorCode;
use writ_wire::registration::Profile;
use writ_wire::token::GrantType;

use crate::client::{Client, User};
use crate::lineage::Lineage;
use crate::oauth_error::OAuthError;
use crate::pending::{Delivery, Kind, LONGEST_WAIT, PreparedApproval, SHORTEST_WAIT, USUAL_WAIT};
use crate::request::{self, OPENID, RequestContext, Wanted};
use crate::requirements::{Requirements, requirements};
use crate::target;
use crate::task::level_of;
use crate::words;

/// Wrong user codes of one person (CIBA 7.1) before each further one pauses the code; a code may have four digits.
pub const MAX_USER_CODE_FAILURES: i64 = 5;
pub const USER_CODE_PAUSE: Duration = Duration::from_secs(900);

/// Decides what this client may ask anybody. `strongest`: the strongest answer that can be given here.
pub fn prepare(
    request: &BackchannelRequest,
    client: &Client,
    strongest: Level,
    context: &mut RequestContext<'_>,
) -> Result<PreparedApproval, OAuthError> {
    let realm = context.realm;
    client.may_use(GrantType::Ciba)?;
    let delivery = client.backchannel.delivery;
    if delivery != Delivery::Poll && request.client_notification_token.is_none() {
        return Err(OAuthError::invalid_request(
            "parameter `client_notification_token` is missing: this client is told of the answer",
        ));
    }
    check_message(request, client)?;
    let wanted = Wanted {
        scopes: &request.scope,
        resources: &request.resource,
        details: &request.authorization_details,
    };
    let authority = request::resolve(&wanted, client, context)?;
    if authority.is_empty() {
        return Err(OAuthError::invalid_scope(
            "the request asks for nothing: name `scope`, `authorization_details` or `resource`",
        ));
    }
    let identity = request.scope.iter().any(|scope| scope == OPENID);
    if delivery == Delivery::Push {
        target::audience(&authority, &[], realm)?;
        // CIBA 10.3.1: the ID token alone binds what is pushed to the request.
        if !identity {
            return Err(OAuthError::invalid_scope(
                "`scope` without `openid`: what is pushed to this client comes with an ID token",
            ));
        }
    }
    Ok(PreparedApproval {
        kind: Kind::Ciba,
        delivery,
        transaction: None,
        access: None,
        level: level(
            &requirements(&authority, client, None, None, realm),
            &request.acr_values,
            strongest,
        )?,
        authority,
        binding_message: request.binding_message.clone(),
        identity,
        wait: request
            .requested_expiry
            .map_or(USUAL_WAIT, Duration::from_secs)
            .clamp(SHORTEST_WAIT, LONGEST_WAIT),
    })
}

/// What is shown is exactly what was sent, so whatever would have to be cleaned is refused.
fn check_message(request: &BackchannelRequest, client: &Client) -> Result<(), OAuthError> {
    let invalid = |sentence: &str| OAuthError::new(ErrorCode::InvalidBindingMessage, sentence);
    match &request.binding_message {
        Some(text) if words::clean(text, words::LONGEST_WORDS) != *text => Err(invalid(
            "`binding_message` would not be shown as it is: at most 140 plain characters in one line, without links, \
             double quotes, invisible characters, or letters of two alphabets in one word",
        )),
        // FAPI-CIBA 5.2.2: the person must be able to tell this request from another.
        None if client.profile == Profile::Fapi2 && request.authorization_details.is_empty() => {
            Err(invalid(
                "`binding_message` is missing: this client sends it or `authorization_details`",
            ))
        }
        _ => Ok(()),
    }
}

/// The weakest answer that counts: what the decision needs, and one of the classes asked for (RFC 9470 section 4).
pub(crate) fn level(
    needs: &Requirements<'_>,
    acr_values: &[String],
    strongest: Level,
) -> Result<Level, OAuthError> {
    let by_class = acr_values.iter().filter_map(|acr| level_of(acr)).min();
    if by_class.is_none() && !acr_values.is_empty() {
        return Err(OAuthError::invalid_request(
            "no value of `acr_values` is known: see `acr_values_supported` of the metadata",
        ));
    }
    let level = needs.level.max(by_class.unwrap_or(Level::None));
    if level > strongest {
        return Err(OAuthError::new(
            ErrorCode::AccessDenied,
            "this needs a stronger answer than anybody can give here: no verifier is configured",
        ));
    }
    Ok(level)
}

/// What is known of the person who is to be asked.
pub struct Hinted<'a> {
    pub found: Option<&'a User>,
    /// The chain that asks, if one does.
    pub asking: Option<&'a Lineage>,
    /// Whether anything that this person agreed to for this client is live: a task, or a consent that is remembered.
    pub agreed: bool,
}

/// Whether this client may ask this person. Unknown, disabled and unrelated look the same, so that no client learns who has an
/// account, or uses up what others may ask a person.
pub fn person<'a>(client: &Client, hinted: &Hinted<'a>) -> Result<&'a User, OAuthError> {
    let found = hinted.found.filter(|user| !user.disabled);
    let related = |user: &User| match hinted.asking {
        Some(lineage) => lineage.task.subject.as_str() == user.id.as_str(),
        None => hinted.agreed || client.may_ask.contains(&user.name),
    };
    found.filter(|user| related(user)).ok_or_else(|| {
        OAuthError::new(
            ErrorCode::UnknownUserId,
            "this person is not known, or this client may not ask them: it asks people who agreed to it before, and whom its `may_ask` names",
        )
    })
}
