//! Guests: clients that nobody registered here, known by their metadata document (draft-ietf-oauth-client-id-metadata-document) or
//! by open registration (RFC 7591).

use writ_wire::client_document::ClientIdUrl;
use writ_wire::registration::{ApplicationType, ClientFile, Profile};
use writ_wire::token::GrantType;

/// What only a guest has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// The host of its document, as punycode; absent after open registration.
    pub host: Option<String>,
    /// How it calls itself.
    pub says: String,
    pub application_type: ApplicationType,
}

/// Whatever its document says.
pub const GRANT_TYPES: [GrantType; 2] = [GrantType::AuthorizationCode, GrantType::RefreshToken];

/// The guest of a file, if it is one.
pub fn of_file(file: &ClientFile, id: &str) -> Option<Guest> {
    (file.profile == Profile::Guest).then(|| Guest {
        host: ClientIdUrl::parse(id).ok().map(|url| url.host().to_owned()),
        says: file.client_name.clone(),
        application_type: file.application_type.unwrap_or_default(),
    })
}

/// The name of a client on every page: a guest's host, because nobody here checked what it calls itself.
pub fn name(guest: Option<&Guest>, file: &ClientFile) -> String {
    let host = guest.and_then(|guest| guest.host.clone());
    host.unwrap_or_else(|| file.client_name.clone())
}
