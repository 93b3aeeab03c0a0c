//! Registration of users, clients, agents (RFC 7591 metadata) and resources: checked, stored with its audit event, printed as
//! stored.

use serde_json::{Value, json};
use writ_authority::Types;
use writ_core::client::User;
use writ_core::event::{Event, EventName};
use writ_core::id::{AGENT_PREFIX, ClientId, EventId};
use writ_core::password::PasswordFault;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration::{self, Faults, People, dynamic};
use writ_platform::{Clock, Random};
use writ_store::client::NewAgent;
use writ_store::{DatabaseTransaction, Store, StoreError};
use writ_wire::registration::{AgentFile, ClientFile, Profile};
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::change::{ChangeContext, ChangedBy, Operator};
use crate::node::secret::secret_digest;

/// Registers users, clients, agents and resources; what a server has for it, or an operator's command.
pub struct Registrar<'a> {
    pub store: &'a Store,
    pub issuer: &'a ResourceUri,
    pub types: &'a Types,
    pub clock: &'a Clock,
    pub random: &'a Random,
    /// Who does it.
    pub by: &'a Operator,
}

/// Why a registration failed; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    #[error("{0}")]
    Faults(#[from] Faults),
    #[error("{0} exists already")]
    Exists(String),
    #[error("there is no {0}")]
    Unknown(String),
    /// `found` and `verb`: the command that knows it.
    #[error(
        "there is no {wanted} `{id}`: it is registered for `writ {found}`, so say `writ {found} {verb} {id}`"
    )]
    OtherKind {
        id: ClientId,
        wanted: &'static str,
        found: &'static str,
        verb: &'static str,
    },
    #[error("{0} was removed, and is never registered again")]
    Removed(String),
    #[error(
        "client `{0}` is a guest, and says itself what it is: stop it by `writ client suspend`, let it go on by `writ client resume`, or end it by `writ client remove`"
    )]
    Guest(ClientId),
    #[error("{0} was changed by somebody else just now: look at it, and change it again")]
    ChangedMeanwhile(String),
    #[error("person `{0}` is not known: add them by `writ user add` first")]
    UnknownPerson(String),
    #[error(
        "`agent.{role}`: person `{name}` was removed, and nobody comes back under a removed name: take the agent's file, name somebody else in it, and give it to `writ agent change ID FILE`"
    )]
    RemovedPerson { role: &'static str, name: String },
    #[error("{0}")]
    Password(#[from] PasswordFault),
    #[error("the password is not hashed: {0}")]
    Hash(String),
    #[error(
        "person `{0}` is the last admin who can come in: give the role to somebody else first by `writ user change NAME --role admin`, or say `--force`"
    )]
    LastAdmin(String),
    #[error("the person cannot be told: {0}")]
    NotTold(String),
    #[error("the database: {0}")]
    Store(#[from] StoreError),
    #[error("it cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Registrar<'_> {
    /// A plain client; a secret is made where one is due and shown this once.
    pub async fn add_client(&self, file: ClientFile) -> Result<Value, RegistrationError> {
        if file.agent.is_some() {
            return Err(fault("the file has a member `agent`: use `writ agent add`"));
        }
        refuse_plain(&file)?;
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let name = EventName::ClientRegistered;
        let added = self.add(&mut transaction, file, None, name).await?;
        transaction.commit().await?;
        Ok(added)
    }

    pub async fn add_agent(&self, file: ClientFile) -> Result<Value, RegistrationError> {
        let Some(agent) = &file.agent else {
            return Err(fault(
                "the file has no member `agent`: use `writ client add`",
            ));
        };
        let mut reading = self.store.read(DEFAULT_TENANT).await?;
        let people = people(&mut reading, agent).await?;
        drop(reading);
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let (people, name) = (Some(people), EventName::AgentRegistered);
        let added = self.add(&mut transaction, file, people, name).await?;
        transaction.commit().await?;
        Ok(added)
    }

    /// A client or an agent, in a transaction of the caller's.
    pub async fn add_in(
        &self,
        transaction: &mut DatabaseTransaction,
        file: ClientFile,
    ) -> Result<Value, RegistrationError> {
        let (people, name) = match &file.agent {
            Some(agent) => (
                Some(people(transaction, agent).await?),
                EventName::AgentRegistered,
            ),
            None => {
                refuse_plain(&file)?;
                (None, EventName::ClientRegistered)
            }
        };
        self.add(transaction, file, people, name).await
    }

    async fn add(
        &self,
        transaction: &mut DatabaseTransaction,
        mut file: ClientFile,
        people: Option<People>,
        name: EventName,
    ) -> Result<Value, RegistrationError> {
        let now = self.clock.now();
        let id = match file.client_id.as_deref() {
            Some(given) => ClientId::from_text(given),
            None if file.agent.is_some() => {
                let made = ClientId::make(now, self.random.bytes());
                ClientId::from_text(made.as_str().replace(ClientId::PREFIX, AGENT_PREFIX))
            }
            None => ClientId::make(now, self.random.bytes()),
        };
        file.client_id = Some(id.to_string());
        let secret = registration::auth_method(&file)
            .has_secret()
            .then(|| self.random.secret());
        let digest = secret.as_deref().map(secret_digest);
        let client = self.check_client(&file, &id, digest.clone(), people.as_ref())?;
        let metadata = serde_json::to_string(&file)?;
        if !transaction
            .insert_client(&id, &metadata, digest.as_deref(), now)
            .await?
        {
            let taken = transaction.client(&id).await?;
            return Err(taken_by(
                format!("client `{id}`"),
                taken.is_some_and(|stored| stored.removed),
            ));
        }
        if let Some(agent) = &client.agent {
            let (owner, sponsor, publisher) =
                (&agent.owner, &agent.sponsor, agent.publisher.as_str());
            transaction
                .insert_agent(
                    NewAgent {
                        client: &id,
                        owner,
                        sponsor,
                        publisher,
                    },
                    now,
                )
                .await?;
        }
        let event = self
            .event(now, name, json!({ "file": serde_json::to_value(&file)? }))
            .by(&client);
        transaction.insert_event(&event).await?;
        printed(&file, secret, Some(now))
    }

    /// An event of a change, with these facts beside who made it.
    pub(super) fn event(&self, now: Timestamp, name: EventName, facts: Value) -> Event {
        self.change(now).event(name, facts)
    }

    pub(super) fn change(&self, now: Timestamp) -> ChangeContext<'_> {
        ChangeContext {
            by: ChangedBy::Operator(self.by),
            event_id: EventId::make(now, self.random.bytes()),
            now,
        }
    }
}

/// The two people behind an agent.
pub(super) async fn people(
    transaction: &mut DatabaseTransaction,
    agent: &AgentFile,
) -> Result<People, RegistrationError> {
    let owner = person(transaction, "owner", &agent.owner).await?;
    let sponsor = person(transaction, "sponsor", &agent.sponsor).await?;
    Ok(People { owner, sponsor })
}

async fn person(
    transaction: &mut DatabaseTransaction,
    role: &'static str,
    name: &str,
) -> Result<User, RegistrationError> {
    let name = name.to_owned();
    match transaction.user_by_name(&name).await? {
        None => Err(RegistrationError::UnknownPerson(name)),
        Some(stored) if stored.removed => Err(RegistrationError::RemovedPerson { role, name }),
        Some(stored) => Ok(stored.user),
    }
}

/// Why a name is not free.
pub(super) fn taken_by(what: String, removed: bool) -> RegistrationError {
    if removed {
        RegistrationError::Removed(what)
    } else {
        RegistrationError::Exists(what)
    }
}

/// A client of the house comes by no other way.
fn refuse_plain(file: &ClientFile) -> Result<(), RegistrationError> {
    refuse_guest(file)?;
    match file.client_id.as_deref().is_some_and(dynamic::is_dynamic) {
        true => Err(fault(&format!(
            "`client_id` starts with `{}` for clients that register themselves alone",
            dynamic::DYNAMIC_PREFIX
        ))),
        false => Ok(()),
    }
}

/// Nobody registers a guest for it.
pub(super) fn refuse_guest(file: &ClientFile) -> Result<(), RegistrationError> {
    match file.profile {
        Profile::Guest => Err(fault(
            "`profile`: guests come by themselves, with a metadata document or by registration; a client of yours is `oauth21` or `fapi2`",
        )),
        Profile::Oauth21 | Profile::Fapi2 | Profile::Agent => Ok(()),
    }
}

pub(super) fn fault(sentence: &str) -> RegistrationError {
    Faults(vec![sentence.to_owned()]).into()
}

/// RFC 7591 section 3.2.1: all registered values; `client_secret_expires_at` where there is a secret.
pub(super) fn printed(
    file: &ClientFile,
    secret: Option<String>,
    issued_at: Option<Timestamp>,
) -> Result<Value, RegistrationError> {
    let mut printed = serde_json::to_value(file)?;
    if let Value::Object(members) = &mut printed {
        if let Some(at) = issued_at {
            members.insert("client_id_issued_at".to_owned(), at.seconds().into());
        }
        let method = registration::auth_method(file).as_str();
        members.insert("token_endpoint_auth_method".to_owned(), method.into());
        if let Some(secret) = secret {
            members.insert("client_secret".to_owned(), secret.into());
            members.insert("client_secret_expires_at".to_owned(), 0.into());
        }
    }
    Ok(printed)
}
