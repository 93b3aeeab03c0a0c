//! The members of a client's file that OpenID Connect adds, and those that leave out consent or PKCE: ordinary clients alone.

use writ_jose::key::Algorithm;
use writ_wire::redirect;
use writ_wire::registration::{AuthMethod, ClientFile, Profile};

use super::{MAX_REDIRECT_URIS, auth_method};
use crate::client::{ConsentRule, OpenIdClient, PkceRule};

pub(super) fn read(file: &ClientFile, faults: &mut Vec<String>) -> OpenIdClient {
    check_post_logout(file, faults);
    OpenIdClient {
        id_token_algorithm: id_token_algorithm(file, faults),
        post_logout_redirect_uris: file.post_logout_redirect_uris.clone(),
        consent: consent(file, faults),
        pkce: pkce(file, faults),
    }
}

/// RS256 is the default of OpenID Connect; the profiles of FAPI forbid it.
fn id_token_algorithm(file: &ClientFile, faults: &mut Vec<String>) -> Algorithm {
    let ordinary = file.profile == Profile::Oauth21;
    match file.id_token_signed_response_alg.as_deref() {
        None if ordinary => Algorithm::Rs256,
        None | Some("ES256") => Algorithm::Es256,
        Some("RS256") if ordinary => Algorithm::Rs256,
        Some(_) => {
            let known = if ordinary {
                "`RS256` or `ES256`"
            } else {
                "`ES256`"
            };
            faults.push(format!("`id_token_signed_response_alg` is {known}"));
            Algorithm::Es256
        }
    }
}

fn check_post_logout(file: &ClientFile, faults: &mut Vec<String>) {
    if file.post_logout_redirect_uris.len() > MAX_REDIRECT_URIS {
        faults.push(format!(
            "`post_logout_redirect_uris` has more than {MAX_REDIRECT_URIS} members"
        ));
    }
    for uri in &file.post_logout_redirect_uris {
        if let Err(problem) = redirect::check_registrable(uri) {
            faults.push(format!("`post_logout_redirect_uris`: {problem}"));
        }
    }
}

fn consent(file: &ClientFile, faults: &mut Vec<String>) -> ConsentRule {
    let members = [
        ("first_party", file.first_party),
        ("remember_consent", file.remember_consent),
    ];
    for (member, _) in members.into_iter().filter(|(_, set)| *set) {
        check_ordinary(member, file, faults);
    }
    match (file.first_party, file.remember_consent) {
        (true, true) => {
            faults.push("`first_party` and `remember_consent` contradict each other".to_owned());
            ConsentRule::EachTime
        }
        (true, false) => ConsentRule::FirstParty,
        (false, true) => ConsentRule::Remembered,
        (false, false) => ConsentRule::EachTime,
    }
}

fn pkce(file: &ClientFile, faults: &mut Vec<String>) -> PkceRule {
    if file.pkce_required != Some(false) {
        return PkceRule::Always;
    }
    check_ordinary("pkce_required", file, faults);
    PkceRule::UnlessNonce
}

fn check_ordinary(member: &str, file: &ClientFile, faults: &mut Vec<String>) {
    if file.profile != Profile::Oauth21 || auth_method(file) == AuthMethod::None {
        faults.push(format!(
            "`{member}`: only for clients of profile `oauth21` that authenticate"
        ));
    }
}
