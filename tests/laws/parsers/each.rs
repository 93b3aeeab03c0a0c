//! One function for each parser of what strangers send: whatever the bytes are, it ends without a panic, and what it takes keeps a law.
//! The scenes call them with bounded random input, `conformance/fuzz` without bounds.

use serde_json::Value;
use url::Url;
use writ_authority::TypeDefinition;
use writ_jose::assertion::UnverifiedAssertion;
use writ_jose::dpop::{Htu, UnverifiedProof};
use writ_jose::jws::UnverifiedJwt;
use writ_jose::key::{KeySet, PublicKey, RsaSignatures, Thumbprint};
use writ_wire::authorization::AuthorizationRequest;
use writ_wire::client_document::{ClientDocument, ClientIdUrl};
use writ_wire::form::{self, Form};
use writ_wire::jwk::Jwk;
use writ_wire::registration_request::RegisteredMetadata;
use writ_wire::resource::ResourceUri;
use writ_wire::token::TokenRequest;
use writ_wire::{rar, strict_json, text};

pub type Parser = fn(&[u8]);

pub const ALL: [(&str, Parser); 9] = [
    ("form", form),
    ("json", json),
    ("proof", proof),
    ("assertion", assertion),
    ("details", details),
    ("types", types),
    ("jwk", jwk),
    ("urls", urls),
    ("documents", documents),
];

/// Written again it is the same form.
pub fn form(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = form::decode(text);
    }
    let Ok(form) = Form::parse(bytes) else {
        return;
    };
    for (name, value) in form.pairs() {
        assert_eq!(text::control_in(name), None);
        assert_eq!(text::control_in(value), None);
    }
    assert_eq!(Form::parse(form.encode().as_bytes()), Ok(form.clone()));
    let _ = TokenRequest::parse(&form);
    let _ = AuthorizationRequest::parse(&form);
}

/// What is taken here, every other reader takes too, and reads alike.
pub fn json(bytes: &[u8]) {
    if let Ok(value) = strict_json::read::<Value>(bytes) {
        assert_eq!(
            serde_json::from_slice::<Value>(bytes).ok(),
            Some(value.clone())
        );
        let again = strict_json::read::<Value>(value.to_string());
        assert!(again.is_ok(), "{value}");
    }
}

/// A JWT is one text: nothing is cut away around it.
pub fn proof(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if UnverifiedProof::parse(text).is_ok() {
        assert!(UnverifiedProof::parse(&format!(" {text}")).is_err());
        assert!(UnverifiedProof::parse(&format!("{text}=")).is_err());
    }
}

pub fn assertion(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if UnverifiedAssertion::parse(text).is_ok() {
        assert!(UnverifiedAssertion::parse_of_client(text).is_ok());
        assert!(UnverifiedJwt::parse(text).is_ok());
    }
    let _ = UnverifiedAssertion::parse_of_client(text);
}

/// Whoever reads them again reads the same.
pub fn details(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(details) = rar::parse(text) {
        let again = serde_json::to_string(&details).unwrap();
        assert!(again.len() > rar::MAX_DETAILS_LENGTH || rar::parse(&again) == Ok(details));
    }
}

pub fn types(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = TypeDefinition::parse(text);
    }
}

/// A key that is taken has a thumbprint.
pub fn jwk(bytes: &[u8]) {
    if let Ok(jwk) = strict_json::read::<Jwk>(bytes)
        && let Ok(key) = PublicKey::from_jwk(&jwk)
    {
        assert!(Thumbprint::parse(key.thumbprint().as_str()).is_some());
    }
    for signatures in [RsaSignatures::Pss, RsaSignatures::PssAndPkcs1] {
        let _ = KeySet::published(bytes, signatures);
    }
}

/// What is taken is a URL to others too.
pub fn urls(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = text::is_path(text);
    let taken = ResourceUri::parse(text).is_ok() || ClientIdUrl::parse(text).is_ok();
    assert!(!taken || Url::parse(text).is_ok(), "{text}");
    let _ = Htu::parse(text);
}

pub fn documents(bytes: &[u8]) {
    let url = ClientIdUrl::parse("https://app.example/client").unwrap();
    let _ = ClientDocument::parse(bytes, &url);
    let _ = RegisteredMetadata::parse(bytes);
}
