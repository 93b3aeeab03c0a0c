//! How a client authenticates (RFC 7591 section 2): its method, and the keys or the secret that go with it.

use writ_jose::key::{Algorithm, KeySet, RsaSignatures};
use writ_wire::jwk::JwkSet;
use writ_wire::registration::{AuthMethod, ClientFile};

use super::auth_method;
use super::backchannel::is_endpoint;
use crate::client::{Authentication, ClientKeys, ClientSecret, SecretMethods};
use crate::client_assertion::rsa_signatures;

/// The longest `jwks_uri`, in bytes.
const MAX_JWKS_URI_BYTES: usize = 2048;

pub(super) fn read(
    file: &ClientFile,
    secret_digest: Option<String>,
    faults: &mut Vec<String>,
) -> Option<Authentication> {
    let found = match auth_method(file) {
        AuthMethod::PrivateKeyJwt => keys(file).map(Authentication::PrivateKeyJwt),
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => {
            without_keys(file).and_then(|()| secret(file, secret_digest))
        }
        AuthMethod::None => without_keys(file).map(|()| Authentication::Public),
    };
    found.map_err(|fault| faults.push(fault)).ok()
}

/// `token_endpoint_auth_signing_alg`: the only one that its assertions may have.
pub(super) fn algorithm(file: &ClientFile, faults: &mut Vec<String>) -> Option<Algorithm> {
    let name = file.token_endpoint_auth_signing_alg.as_deref()?;
    let found = match rsa_signatures(file.profile) {
        RsaSignatures::Pss => Algorithm::parse(name),
        RsaSignatures::PssAndPkcs1 => Algorithm::parse_of_client_assertion(name),
    };
    if found.is_none() {
        faults.push(
            "`token_endpoint_auth_signing_alg` is not one that this server takes of this profile"
                .to_owned(),
        );
    }
    found
}

fn keys(file: &ClientFile) -> Result<ClientKeys, String> {
    match (&file.jwks, &file.jwks_uri) {
        (Some(_), Some(_)) => {
            Err("`jwks` and `jwks_uri` exclude each other (RFC 7591 section 2)".to_owned())
        }
        (Some(jwks), None) => registered(file, jwks).map(ClientKeys::Registered),
        (None, Some(url)) if url.len() <= MAX_JWKS_URI_BYTES && is_endpoint(url) => {
            Ok(ClientKeys::At(url.clone()))
        }
        (None, Some(_)) => Err(
            "`jwks_uri` is no `https` URL of at most 2048 bytes without fragment or user information"
                .to_owned(),
        ),
        (None, None) => {
            Err("`jwks` is missing, or `jwks_uri`: `private_key_jwt` needs one of them".to_owned())
        }
    }
}

fn registered(file: &ClientFile, jwks: &JwkSet) -> Result<KeySet, String> {
    KeySet::of_client(jwks, rsa_signatures(file.profile))
        .map_err(|problem| format!("`jwks`: {problem}"))
}

fn without_keys(file: &ClientFile) -> Result<(), String> {
    if file.jwks.is_some() || file.jwks_uri.is_some() {
        return Err("`jwks` and `jwks_uri` belong to `private_key_jwt` alone".to_owned());
    }
    Ok(())
}

/// A registration that names no method leaves it to the client how it sends its secret.
fn secret(file: &ClientFile, digest: Option<String>) -> Result<Authentication, String> {
    let digest = digest.ok_or_else(|| "the client has no secret".to_owned())?;
    let methods = match file.token_endpoint_auth_method {
        Some(AuthMethod::ClientSecretPost) => SecretMethods::Post,
        Some(_) => SecretMethods::Basic,
        None => SecretMethods::Either,
    };
    Ok(Authentication::Secret(ClientSecret { digest, methods }))
}
