//! One evaluation, with what it is judged by: the caller's token is verified, and from here on only its claims and its digest are kept.

use std::sync::Arc;

use serde_json::Value;
use writ_authority::Permit;
use writ_core::access::{
    AccessDenial, AccessFacts, AskedAction, asked_action, asked_scope, beyond, canonical, judge,
    require_live,
};
use writ_core::access_request::definition_digest;
use writ_core::client::{Client, Resource};
use writ_core::id::DelegationId;
use writ_core::introspection;
use writ_core::lineage::Lineage;
use writ_core::realm::{DecisionContext, Realm};
use writ_jose::dpop::DpopProof;
use writ_jose::{access_token, hash};
use writ_store::DatabaseTransaction;
use writ_wire::access::{ActionRequest, DecisionReason, Entity, Evaluation, PresentedApproval};
use writ_wire::claims::AccessTokenClaims;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;
use writ_wire::waited_by::WaitedBy;

use super::proof::{PresentedBinding, verify_proof};
use crate::client::sighting::see;
use crate::node::app::App;
use crate::node::failure::Failure;
use crate::node::registry::Catalogue;
use crate::request::client_request::ClientRequest;

/// What a resource server asks.
pub struct AccessQuestion {
    pub subject: Entity,
    pub action: ActionRequest,
    pub entity: Entity,
    pub approval: Option<PresentedApproval>,
    /// Of a tool, as the resource server says it is defined now.
    pub definition_hash: Option<String>,
    pub waited_by: Option<WaitedBy>,
    /// Of a plain HTTP request: what covers it in place of an action.
    scope: Option<String>,
    /// Digest of the caller's token.
    pub token_digest: String,
    /// `None`: a token that is none, is another resource's, or has expired.
    pub token: Option<GoodToken>,
    catalogue: Arc<Catalogue>,
}

/// A token that is signed by this server for the resource of the one who asks. Whether it is live is read each time.
pub struct GoodToken {
    pub claims: AccessTokenClaims,
    /// The client to which it was issued; `None`: it is gone.
    pub holder: Option<Arc<Client>>,
    pub delegation: DelegationId,
    audience: ResourceUri,
    /// The proof that the token's binding asks for.
    proof: Result<Option<DpopProof>, AccessDenial>,
}

/// How a question is judged at one moment.
pub struct JudgedQuestion<'a> {
    /// Of a token that is live.
    pub lineage: Option<Lineage>,
    /// What was asked for, where that could be read.
    pub object: Option<AskedAction<'a>>,
    pub proof: Option<&'a DpopProof>,
    /// Why there is no proof where the token is bound: only an approval that is presented permits then.
    pub unproved: Option<AccessDenial>,
    pub permits: Result<Vec<Permit>, AccessDenial>,
}

impl AccessQuestion {
    /// Verifies the token and its proof; uses nothing up.
    pub async fn of(request: &ClientRequest, evaluation: Evaluation) -> Result<Self, Failure> {
        let app = &request.app;
        let token_digest = hash::access_token_hash(&evaluation.access_token);
        let (catalogue, token) = good_token(request, &evaluation).await?;
        let token = match token {
            Some(token) if see(app, &token.claims, request.now).await? => Some(token),
            _ => None,
        };
        Ok(Self {
            subject: evaluation.subject,
            action: evaluation.action,
            entity: evaluation.resource,
            approval: evaluation.approval,
            definition_hash: evaluation.definition_hash,
            waited_by: evaluation.waited_by,
            scope: None,
            token_digest,
            token,
            catalogue,
        })
    }

    /// The same about whomever the token is for: a proxy names nobody. With a scope that is all it needs.
    pub fn of_holder(mut self, scope: Option<String>) -> Self {
        if let Some(token) = &self.token {
            self.subject.id.clone_from(&token.claims.sub);
        }
        Self { scope, ..self }
    }

    /// The proof that the token's binding asked for.
    pub fn proof(&self) -> Option<&DpopProof> {
        let token = self.token.as_ref()?;
        token.proof.as_ref().ok()?.as_ref()
    }

    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    pub fn realm(&self) -> Realm<'_> {
        self.catalogue.realm()
    }

    pub fn context(&self, now: Timestamp) -> DecisionContext<'_> {
        self.catalogue.context(now)
    }

    /// The action's name; of a tool call the tool's.
    pub fn action_label(&self) -> String {
        let name = match self.entity.kind.as_str() {
            "tool" => &self.entity.id,
            _ => &self.action.name,
        };
        name.chars().take(MAX_LABEL).collect()
    }

    /// Of the tool's definition, for what is kept and compared.
    pub fn definition_digest(&self) -> Option<String> {
        self.definition_hash.as_deref().map(definition_digest)
    }

    /// The resource that the token is for.
    pub fn resource(&self) -> Option<&Resource> {
        let token = self.token.as_ref()?;
        self.catalogue.resources.get(&token.audience)
    }

    /// Digest of everything that is asked, by which the same question is known again.
    pub fn hash(&self) -> String {
        let approval = self.approval.as_ref().map(|approval| approval.id.as_str());
        hash::digest_text(&[
            b"evaluation",
            self.token_digest.as_bytes(),
            self.subject.id.as_bytes(),
            self.entity.kind.as_bytes(),
            self.entity.id.as_bytes(),
            self.action.name.as_bytes(),
            &canonical(&self.action.properties),
            approval.unwrap_or_default().as_bytes(),
            self.definition_hash
                .as_deref()
                .unwrap_or_default()
                .as_bytes(),
        ])
    }

    /// Reads what is above the token, and judges.
    pub async fn judge(
        &self,
        transaction: &mut DatabaseTransaction,
        app: &App,
    ) -> Result<JudgedQuestion<'_>, Failure> {
        let mut judged = JudgedQuestion {
            lineage: None,
            object: None,
            proof: None,
            unproved: None,
            permits: Err(AccessDenial::of(DecisionReason::TokenInvalid)),
        };
        let (Some(token), Some(resource)) = (&self.token, self.resource()) else {
            return Ok(judged);
        };
        let lineage = transaction.lineage(&token.delegation).await?;
        let context = self.context(app.clock.now());
        if require_live(&token.claims, lineage.as_ref(), &self.subject, context).is_err() {
            return Ok(judged);
        }
        judged.lineage = lineage;
        judged.permits = self.judge_live(token, resource, &mut judged);
        Ok(judged)
    }

    fn judge_live<'a>(
        &'a self,
        token: &'a GoodToken,
        resource: &'a Resource,
        judged: &mut JudgedQuestion<'a>,
    ) -> Result<Vec<Permit>, AccessDenial> {
        match &token.proof {
            Ok(proof) => judged.proof = proof.as_ref(),
            // An approval was asked for with a proof; whoever presents it needs no other.
            Err(denial) if self.approval.is_some() => judged.unproved = Some(denial.clone()),
            Err(denial) => return Err(denial.clone()),
        }
        let types = self.realm().types;
        let asked = match &self.scope {
            Some(scope) => asked_scope(scope, &self.entity, resource),
            None => asked_action(&self.action, &self.entity, resource, types),
        }?;
        let asked = judged.object.insert(asked);
        match judged.lineage.as_ref() {
            Some(lineage) => judge(asked, self.facts(token, resource, lineage)),
            None => Err(AccessDenial::of(DecisionReason::TokenInvalid)),
        }
    }

    fn facts<'a>(
        &'a self,
        token: &'a GoodToken,
        resource: &'a Resource,
        lineage: &'a Lineage,
    ) -> AccessFacts<'a> {
        AccessFacts {
            claims: &token.claims,
            lineage,
            holder: token.holder.as_deref(),
            resource,
            realm: self.realm(),
            definition_hash: self.definition_hash.as_deref(),
        }
    }

    /// The denial of what is used up.
    pub fn spent(&self, judged: &JudgedQuestion<'_>, reason: DecisionReason) -> AccessDenial {
        let known = (
            &self.token,
            self.resource(),
            &judged.lineage,
            &judged.object,
        );
        match known {
            (Some(token), Some(resource), Some(lineage), Some(AskedAction::Object(object))) => {
                beyond(reason, object, self.facts(token, resource, lineage))
            }
            _ => AccessDenial::of(reason),
        }
    }
}

impl JudgedQuestion<'_> {
    /// Hash of the object, and the object, for the record.
    pub fn recorded_object(&self, realm: Realm<'_>) -> Option<(String, Value)> {
        match &self.object {
            Some(AskedAction::Object(object)) => {
                let value = Value::Object(object.versioned().into());
                Some((object.hash(realm.types), value))
            }
            Some(AskedAction::Discovery | AskedAction::Scope(_)) | None => None,
        }
    }
}

/// A resource that was registered a moment ago counts.
async fn good_token(
    request: &ClientRequest,
    evaluation: &Evaluation,
) -> Result<(Arc<Catalogue>, Option<GoodToken>), Failure> {
    let (app, client) = (&request.app, request.client());
    let mut catalogue = app.catalogue().await?;
    let keys = app.keys().await?;
    let (token, issuer) = (evaluation.access_token.as_str(), app.config.issuer.as_str());
    let verified = access_token::verify(token, |kid| keys.find(kid), issuer, request.now);
    let Ok(claims) = verified else {
        return Ok((catalogue, None));
    };
    if !introspection::may_ask(&claims, client, catalogue.realm()) {
        catalogue = app.fresh_catalogue().await?;
        if !introspection::may_ask(&claims, client, catalogue.realm()) {
            return Ok((catalogue, None));
        }
    }
    let audience = ResourceUri::parse(&claims.aud).ok();
    let delegation = claims.delegation().map(DelegationId::from_text);
    let (Some(audience), Some(delegation)) = (audience, delegation) else {
        return Ok((catalogue, None));
    };
    let holder = app.client(&claims.client_id).await?;
    let proof = match catalogue.resources.get(&audience) {
        Some(resource) => verify_proof(&PresentedBinding {
            claims: &claims,
            token,
            presented: evaluation.dpop.as_ref(),
            resource,
            endpoint: request.endpoint,
            now: request.now,
        }),
        None => Ok(None),
    };
    let good = GoodToken {
        claims,
        holder,
        delegation,
        audience,
        proof,
    };
    Ok((catalogue, Some(good)))
}

/// The most that is kept of an action's name, in characters.
const MAX_LABEL: usize = 140;
