//! Introspection (RFC 7662): only the resource that a token is for learns anything.

use writ_wire::claims::AccessTokenClaims;
use writ_wire::introspection::{ActiveToken, IntrospectionResponse};
use writ_wire::resource::ResourceUri;
use writ_wire::token::TokenType;

use crate::api;
use crate::client::Client;
use crate::lineage::Lineage;
use crate::realm::{DecisionContext, Realm};

/// Whether `client` serves the token's audience. The operators' API is served here: whoever has a token for it asks about its own.
pub fn may_ask(claims: &AccessTokenClaims, client: &Client, realm: Realm<'_>) -> bool {
    if api::is_own_token(claims, realm.issuer) {
        return claims.client_id == client.id.as_str();
    }
    ResourceUri::parse(&claims.aud)
        .ok()
        .and_then(|uri| realm.resources.get(&uri))
        .filter(|resource| resource.uri.as_str() == claims.aud)
        .is_some_and(|resource| resource.served_by.as_ref() == Some(&client.id))
}

/// The answer for a verified token with its lineage.
pub fn answer(
    claims: AccessTokenClaims,
    lineage: &Lineage,
    context: DecisionContext<'_>,
) -> IntrospectionResponse {
    if !lineage.is_live(context) || claims.exp <= context.now.seconds() {
        return IntrospectionResponse::INACTIVE;
    }
    let token_type = if claims.cnf.is_some() {
        TokenType::DPoP
    } else {
        TokenType::Bearer
    };
    IntrospectionResponse {
        active: true,
        token: Some(Box::new(ActiveToken {
            iss: claims.iss,
            aud: claims.aud,
            sub: claims.sub,
            client_id: claims.client_id,
            token_type,
            exp: claims.exp,
            iat: claims.iat,
            jti: claims.jti,
            scope: claims.scope,
            cnf: claims.cnf,
            act: claims.act,
            sub_profile: claims.sub_profile,
            authorization_details: claims.authorization_details,
            mission: claims.mission,
            auth_time: claims.auth_time,
            acr: claims.acr,
            txn: claims.txn,
            approval: claims.approval,
        })),
    }
}
