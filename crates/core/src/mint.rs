//! Makes the claims of an access token and of an ID token from a delegation and the authority that the grant decided on.

use std::time::Duration;

use writ_authority::Authority;
use writ_jose::key::Thumbprint;
use writ_wire::claims::{
    AccessTokenClaims, ConfirmationClaim, IdTokenClaims, MissionClaim, PROFILE_AGENT, PROFILE_USER,
    PersonClaims,
};
use writ_wire::registration::TaskClaim;
use writ_wire::resource::ResourceUri;
use writ_wire::scope::Scope;
use writ_wire::time::Timestamp;
use writ_wire::token::TokenType;

use crate::delegation::Delegation;
use crate::realm::{DecisionContext, Realm};
use crate::task::{Subject, Task};

/// Life of an access token unless something ends earlier.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(300);
/// Lifetime of an ID token.
pub const ID_TOKEN_LIFETIME: Duration = Duration::from_secs(300);

/// Everything that one token says.
pub struct Minting<'a> {
    pub task: &'a Task,
    pub delegation: &'a Delegation,
    pub audience: &'a ResourceUri,
    /// The part of the delegation's authority that this audience needs.
    pub view: &'a Authority,
    /// The key that the token is bound to; absent is bearer.
    pub jkt: Option<&'a Thumbprint>,
    /// The end of what it was made from.
    pub not_after: Timestamp,
}

impl Minting<'_> {
    /// Claims; `jti` comes from outside.
    pub fn claims(&self, realm: Realm<'_>, now: Timestamp, jti: String) -> AccessTokenClaims {
        let (task, delegation) = (self.task, self.delegation);
        let scope = scope_text(self.view);
        let approval = delegation.approval.as_ref().unwrap_or(&task.approval);
        let authentication = approval.authentication.as_ref();
        let is_agents = delegation.act.is_some() || matches!(task.subject, Subject::Agent(_));
        AccessTokenClaims {
            iss: realm.issuer.to_string(),
            aud: self.audience.to_string(),
            client_id: delegation.holder.to_string(),
            jti,
            iat: now.seconds(),
            exp: self.expires_at(now).seconds(),
            sub: task.subject.as_str().to_owned(),
            sub_profile: profile(&task.subject).map(str::to_owned),
            dlg: delegation.act.is_none().then(|| delegation.id.to_string()),
            act: delegation.act.clone(),
            mission: is_agents.then(|| self.mission(realm)),
            scope: (!scope.is_empty()).then_some(scope),
            authorization_details: self.view.details().to_vec(),
            cnf: self.jkt.map(|jkt| ConfirmationClaim {
                jkt: jkt.to_string(),
            }),
            auth_time: authentication.map(|a| a.at.seconds()),
            acr: authentication.map(|a| a.acr.clone()),
            amr: authentication.map(|a| a.amr.clone()).unwrap_or_default(),
            txn: Some(self.transaction()),
            approval: Some(approval.claim()),
            may_act: None,
        }
    }

    /// Never past the delegation, the task or what it was made from.
    pub fn expires_at(&self, now: Timestamp) -> Timestamp {
        now.plus(TOKEN_LIFETIME)
            .min(self.not_after)
            .min(self.delegation.expires_at)
            .min(self.task.expires_at)
    }

    /// `txn` (RFC 8417 section 2.2): the resource server's own name of what was approved, where it gave one.
    fn transaction(&self) -> String {
        let approval = self.delegation.approval.as_ref();
        let challenged = approval.and_then(|approval| approval.transaction.clone());
        challenged.unwrap_or_else(|| self.task.transaction.to_string())
    }

    pub fn token_type(&self) -> TokenType {
        if self.jkt.is_some() {
            TokenType::DPoP
        } else {
            TokenType::Bearer
        }
    }

    fn mission(&self, realm: Realm<'_>) -> MissionClaim {
        let claims = realm
            .resources
            .get(self.audience)
            .map(|r| r.task_claims.as_slice())
            .unwrap_or_default();
        let purpose = claims
            .contains(&TaskClaim::Purpose)
            .then(|| self.task.purpose.clone())
            .flatten();
        MissionClaim {
            id: self.task.id.to_string(),
            issuer: realm.issuer.to_string(),
            authority_hash: self.task.authority.hash(&self.task.salt),
            expires_at: self.task.expires_at.rfc3339(),
            purpose,
            risk: None,
        }
    }
}

/// The scope names of a view, all of one audience.
pub fn scope_text(view: &Authority) -> String {
    view.scopes()
        .iter()
        .map(|s| s.scope.clone())
        .collect::<Scope>()
        .to_string()
}

/// Claims of the ID token beside an access token (OpenID Connect Core 2), without those of the person. `None` where no person was authenticated.
pub fn id_token(
    task: &Task,
    client_id: &str,
    nonce: Option<&str>,
    at_hash: String,
    context: DecisionContext<'_>,
) -> Option<IdTokenClaims> {
    let authentication = task.approval.authentication.as_ref()?;
    Some(IdTokenClaims {
        iss: context.realm.issuer.to_string(),
        sub: task.subject.as_str().to_owned(),
        aud: client_id.to_owned(),
        azp: client_id.to_owned(),
        iat: context.now.seconds(),
        exp: context.now.plus(ID_TOKEN_LIFETIME).seconds(),
        auth_time: authentication.at.seconds(),
        nonce: nonce.map(str::to_owned),
        acr: authentication.acr.clone(),
        amr: authentication.amr.clone(),
        at_hash,
        person: PersonClaims::default(),
    })
}

const fn profile(subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::Person(_) => Some(PROFILE_USER),
        Subject::Agent(_) => Some(PROFILE_AGENT),
        Subject::Client(_) => None,
    }
}
