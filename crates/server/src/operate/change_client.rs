//! Changing a registered client or agent: its file is replaced by another one that passes the same checks, whole or edited (RFC 7591
//! section 2). Tokens asked for afterwards are measured by the new one.

use std::fmt::Display;

use serde_json::{Value, json};
use writ_core::client::Client;
use writ_core::event::EventName;
use writ_core::id::ClientId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration::{self, People};
use writ_core::remembered;
use writ_jose::key::PublicKey;
use writ_store::client::{NewAgent, StoredClient};
use writ_store::{DatabaseTransaction, StoreError};
use writ_wire::api::ApiScope;
use writ_wire::jwk::{Jwk, JwkSet};
use writ_wire::registration::{ClientFile, Profile};

use super::elsewhere::{Wish, tip};
use super::register::{Registrar, RegistrationError, fault, people, printed, refuse_guest};
use crate::node::registry::parse_client;
use crate::node::secret::secret_digest;

/// Which of the two kinds of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    Plain,
    Agent,
}

impl ClientKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "client",
            Self::Agent => "agent",
        }
    }

    /// A sentence's part for this client.
    pub fn name(self, id: &ClientId) -> String {
        format!("{} `{id}`", self.as_str())
    }

    const fn other(self) -> Self {
        match self {
            Self::Plain => Self::Agent,
            Self::Agent => Self::Plain,
        }
    }

    fn is_of(self, stored: &StoredClient) -> bool {
        (self == Self::Agent) == stored.owner.is_some()
    }
}

/// How a client's file is changed.
#[derive(Clone, Debug)]
pub enum ClientChange {
    Replace(Box<ClientFile>),
    Edit(Box<ClientEdit>),
}

/// Changes of single members; what is absent stays.
#[derive(Clone, Debug, Default)]
pub struct ClientEdit {
    pub name: Option<String>,
    pub scope: Option<String>,
    pub add_redirects: Vec<String>,
    pub remove_redirects: Vec<String>,
    pub add_may_ask: Vec<String>,
    pub remove_may_ask: Vec<String>,
    pub add_operator: Vec<ApiScope>,
    pub remove_operator: Vec<ApiScope>,
    pub add_keys: Vec<Jwk>,
    /// By `kid` or thumbprint (RFC 7638).
    pub remove_keys: Vec<String>,
}

/// The client as it is, of this kind, and not removed; `verb` is what the command of the other kind is called.
pub(super) async fn registered(
    transaction: &mut DatabaseTransaction,
    kind: ClientKind,
    id: &ClientId,
    verb: &'static str,
) -> Result<StoredClient, RegistrationError> {
    match transaction.client(id).await? {
        None => {
            let tip = tip(transaction, id.as_str(), Wish::See).await?;
            Err(RegistrationError::Unknown(kind.name(id) + &tip))
        }
        Some(stored) if !kind.is_of(&stored) => {
            let (wanted, found) = (kind.as_str(), kind.other().as_str());
            Err(RegistrationError::OtherKind {
                id: id.clone(),
                wanted,
                found,
                verb,
            })
        }
        Some(stored) if stored.removed => Err(RegistrationError::Removed(kind.name(id))),
        Some(stored) => Ok(stored),
    }
}

/// The same, of a client that an operator may change. A guest says itself what it is: a second word about it would not hold, or
/// would be lost with its next change.
pub(super) async fn changeable(
    transaction: &mut DatabaseTransaction,
    kind: ClientKind,
    id: &ClientId,
    verb: &'static str,
) -> Result<StoredClient, RegistrationError> {
    let stored = registered(transaction, kind, id, verb).await?;
    match file_of(&stored, id)?.profile {
        Profile::Guest => Err(RegistrationError::Guest(id.clone())),
        Profile::Oauth21 | Profile::Fapi2 | Profile::Agent => Ok(stored),
    }
}

fn file_of(stored: &StoredClient, id: &ClientId) -> Result<ClientFile, StoreError> {
    serde_json::from_str(&stored.metadata)
        .map_err(|e| StoreError::Corrupt(format!("client `{id}`: {e}")))
}

impl Registrar<'_> {
    /// The file as it is registered, with `client_id`; it can be changed and given back.
    pub async fn client_file(
        &self,
        kind: ClientKind,
        id: &ClientId,
    ) -> Result<ClientFile, RegistrationError> {
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let stored = registered(&mut reading, kind, id, "show").await?;
        Ok(file_of(&stored, id)?)
    }

    /// The client as it is afterwards; with a secret, this once, where one became due.
    pub async fn change_client(
        &self,
        kind: ClientKind,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Value, RegistrationError> {
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let changed = self.change_client_in(&mut transaction, kind, id, change);
        let changed = changed.await?;
        transaction.commit().await?;
        Ok(changed)
    }

    /// The same in a transaction of the caller's.
    pub async fn change_client_in(
        &self,
        transaction: &mut DatabaseTransaction,
        kind: ClientKind,
        id: &ClientId,
        change: ClientChange,
    ) -> Result<Value, RegistrationError> {
        let now = self.clock.now();
        let stored = changeable(transaction, kind, id, "change").await?;
        let file = changed_file(file_of(&stored, id)?, kind, id, change)?;
        let people = match &file.agent {
            Some(agent) => Some(people(transaction, agent).await?),
            None => None,
        };
        let secret = self.due_secret(&file, &stored);
        let client = self.check_client(
            &file,
            id,
            digest(&file, &stored, secret.as_deref()),
            people.as_ref(),
        )?;
        let metadata = serde_json::to_string(&file)?;
        if !transaction
            .replace_client(id, &stored.metadata, &metadata)
            .await?
        {
            return Err(RegistrationError::ChangedMeanwhile(kind.name(id)));
        }
        let before = parse_client(id.as_str(), &stored);
        if !before.is_ok_and(|before| remembered::outlive(&before, &client)) {
            transaction.forget_consents_to(id).await?;
        }
        if needs_secret(&file) != stored.secret_digest.is_some() {
            let digest = secret.as_deref().map(secret_digest);
            transaction.set_secret(id, digest.as_deref()).await?;
        }
        if let Some(agent) = &client.agent {
            let behind = NewAgent {
                client: id,
                owner: &agent.owner,
                sponsor: &agent.sponsor,
                publisher: &agent.publisher,
            };
            transaction.replace_agent(behind).await?;
        }
        let name = match kind {
            ClientKind::Plain => EventName::ClientChanged,
            ClientKind::Agent => EventName::AgentChanged,
        };
        let event = self
            .event(now, name, json!({ "file": serde_json::to_value(&file)? }))
            .by(&client);
        transaction.insert_event(&event).await?;
        printed(&file, secret, None)
    }

    /// A new secret for a client that had none and needs one now.
    fn due_secret(&self, file: &ClientFile, stored: &StoredClient) -> Option<String> {
        let due = needs_secret(file) && stored.secret_digest.is_none();
        due.then(|| self.random.secret())
    }

    /// What every client passes that is added or changed.
    pub(super) fn check_client(
        &self,
        file: &ClientFile,
        id: &ClientId,
        digest: Option<String>,
        people: Option<&People>,
    ) -> Result<Client, RegistrationError> {
        let client = registration::client(file, id.clone(), digest, people)?;
        registration::check_types(&client, self.types)?;
        Ok(client)
    }
}

fn needs_secret(file: &ClientFile) -> bool {
    registration::auth_method(file).has_secret()
}

/// Of the secret that the client has after the change.
fn digest(file: &ClientFile, stored: &StoredClient, new: Option<&str>) -> Option<String> {
    if !needs_secret(file) {
        return None;
    }
    new.map(secret_digest)
        .or_else(|| stored.secret_digest.clone())
}

fn changed_file(
    before: ClientFile,
    kind: ClientKind,
    id: &ClientId,
    change: ClientChange,
) -> Result<ClientFile, RegistrationError> {
    let mut file = match change {
        ClientChange::Replace(file) => *file,
        ClientChange::Edit(edit) => edited(before, *edit)?,
    };
    if file
        .client_id
        .as_ref()
        .is_some_and(|own| own != id.as_str())
    {
        return Err(fault(&format!(
            "`client_id` is not `{id}`: an id cannot be changed"
        )));
    }
    file.client_id = Some(id.to_string());
    refuse_guest(&file)?;
    match (kind, &file.agent) {
        (ClientKind::Plain, Some(_)) => Err(fault("a client cannot become an agent")),
        (ClientKind::Agent, None) => Err(fault("an agent's file has a member `agent`")),
        _ => Ok(file),
    }
}

fn edited(mut file: ClientFile, edit: ClientEdit) -> Result<ClientFile, RegistrationError> {
    if let Some(name) = edit.name {
        file.client_name = name;
    }
    if let Some(scope) = edit.scope {
        file.scope = Some(scope);
    }
    let (add, remove) = (edit.add_redirects, edit.remove_redirects);
    edit_list("redirect_uris", &mut file.redirect_uris, add, remove)?;
    let may_ask = match &mut file.agent {
        Some(agent) => &mut agent.may_ask,
        None => &mut file.may_ask,
    };
    edit_list("may_ask", may_ask, edit.add_may_ask, edit.remove_may_ask)?;
    let (add, remove) = (edit.add_operator, edit.remove_operator);
    edit_list("operator", &mut file.operator, add, remove)?;
    edit_keys(&mut file, edit.add_keys, &edit.remove_keys)?;
    Ok(file)
}

/// What is removed must be there; what is there already is not added twice.
fn edit_list<T: PartialEq + Display>(
    member: &str,
    list: &mut Vec<T>,
    add: Vec<T>,
    remove: Vec<T>,
) -> Result<(), RegistrationError> {
    for one in remove {
        let before = list.len();
        list.retain(|kept| *kept != one);
        if list.len() == before {
            return Err(fault(&format!("`{member}` does not hold `{one}`")));
        }
    }
    for one in add {
        if !list.contains(&one) {
            list.push(one);
        }
    }
    Ok(())
}

fn edit_keys(
    file: &mut ClientFile,
    add: Vec<Jwk>,
    remove: &[String],
) -> Result<(), RegistrationError> {
    if add.is_empty() && remove.is_empty() {
        return Ok(());
    }
    let keys = &mut file.jwks.get_or_insert_with(JwkSet::default).keys;
    for name in remove {
        if keys.len() == 1 && add.is_empty() && keys.iter().all(|key| is_called(key, name)) {
            return Err(fault(&format!(
                "`{name}` is the last key: without one it could not authenticate. Add its next key first by `writ agent add-key`, or stop it by `writ agent suspend`"
            )));
        }
        let before = keys.len();
        keys.retain(|key| !is_called(key, name));
        if keys.len() == before {
            return Err(fault(&format!("`jwks` holds no key `{name}`")));
        }
    }
    for key in add {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(())
}

fn is_called(key: &Jwk, name: &str) -> bool {
    let thumbprint = || PublicKey::from_jwk(key).map(|key| key.thumbprint().as_str() == name);
    key.kid.as_deref() == Some(name) || thumbprint().unwrap_or(false)
}
