//! An operator invites a person, or lets them set another password: a link, which is mailed where that is possible, and a code for the
//! operator to give to the person another way. Whoever has a passkey needs that instead of the code.

use serde::Serialize;
use serde_json::{Value, json};
use writ_core::account_link::LinkKind;
use writ_core::client::User;
use writ_core::event::EventName;
use writ_core::id::UserId;
use writ_core::realm::DEFAULT_TENANT;
use writ_core::registration;
use writ_store::DatabaseTransaction;
use writ_store::user::{NO_PASSWORD, StoredUser};

use super::account_link::{
    IssuedLink, LinkDraft, SecondProof, code_digest, has_passkey, issue, new_code,
};
use super::change_user::{find_user, parse_email, registered, write_email};
use super::register::{Registrar, RegistrationError, fault};
use crate::config::{Config, LocalAccounts};
use crate::node::failure::Failure;
use crate::notifications::account_notice::{self, IsMailed};
use crate::notifications::link_mail::{SentLink, link_url, mail_link};
use crate::notifications::outbox::OutboxContext;

/// Whom an operator invites.
#[derive(Clone, Copy)]
pub struct InvitedUser<'a> {
    pub name: &'a str,
    pub email: Option<&'a str>,
    /// One of ours, in which they read the letter and the page behind it.
    pub language: Option<&'a str>,
}

impl Registrar<'_> {
    /// A new person, who sets their password by the link; or one who was invited before and did not yet.
    pub async fn invite_user(
        &self,
        invited: InvitedUser<'_>,
        config: &Config,
    ) -> Result<Value, RegistrationError> {
        local_accounts(config)?;
        let email = invited.email.map(parse_email).transpose()?;
        let outbox = self.outbox(config);
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let user = match find_user(&mut transaction, invited.name).await? {
            Some(stored) => invited_before(&outbox, &mut transaction, stored).await?,
            None => self.insert_invited(&mut transaction, invited.name).await?,
        };
        read_in(&outbox, &mut transaction, &user, invited.language).await?;
        if let Some(email) = &email {
            write_email(&mut transaction, &user, Some(email)).await?;
        }
        let to = email.as_deref().filter(|_| config.channels.mail.is_some());
        let draft = LinkDraft {
            user: &user.id,
            kind: LinkKind::Invitation,
            address: to,
            second: SecondProof::Code,
        };
        let printed = send(&outbox, &mut transaction, draft, to).await?;
        let facts = json!({ "name": user.name, "mailed": to.is_some() });
        let event = self.event(outbox.now, EventName::UserInvited, facts);
        let event = event.of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        transaction.commit().await?;
        PrintedLink { email, ..printed }.of(&user)
    }

    /// Another password for somebody who has one: by a link, which is mailed to the address that they confirmed.
    pub async fn reset_user(
        &self,
        name: &str,
        language: Option<&str>,
        config: &Config,
    ) -> Result<Value, RegistrationError> {
        local_accounts(config)?;
        let outbox = self.outbox(config);
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let user = resettable(config, &mut transaction, name).await?;
        read_in(&outbox, &mut transaction, &user, language).await?;
        let second = match has_passkey(config, &mut transaction, &user.id).await? {
            true => SecondProof::Another,
            false => SecondProof::Code,
        };
        let settings = transaction.settings(&user.id).await?;
        let to = settings.and_then(|settings| settings.email);
        let to = to.filter(|_| config.channels.mail.is_some());
        let draft = LinkDraft {
            user: &user.id,
            kind: LinkKind::Reset,
            address: None,
            second,
        };
        let printed = send(&outbox, &mut transaction, draft, to.as_deref()).await?;
        let is_mailed = match to {
            Some(_) => IsMailed::Yes,
            None => IsMailed::No,
        };
        self.record_reset(&outbox, &mut transaction, (&user, is_mailed))
            .await?;
        transaction.commit().await?;
        printed.of(&user)
    }

    /// The code for a link that the person asked for themselves, at the login.
    pub async fn code_for_user(
        &self,
        name: &str,
        config: &Config,
    ) -> Result<Value, RegistrationError> {
        local_accounts(config)?;
        let outbox = self.outbox(config);
        let mut transaction = self.store.begin(DEFAULT_TENANT).await?;
        let user = resettable(config, &mut transaction, name).await?;
        if has_passkey(config, &mut transaction, &user.id).await? {
            return Err(fault(&format!(
                "`{name}` has a passkey, and finishes the link with it; if it is lost, remove it first by `writ user passkeys {name} --remove-all`"
            )));
        }
        let code = new_code(&outbox);
        let digest = code_digest(&config.master, &user.id, &code);
        let given = transaction.give_code_to_link(&user.id, &digest, outbox.now);
        if !given.await? {
            return Err(fault(&format!(
                "`{name}` asked for no link in the last hour, or wrong codes ended it: `writ user reset {name}` makes one"
            )));
        }
        self.record_reset(&outbox, &mut transaction, (&user, IsMailed::No))
            .await?;
        transaction.commit().await?;
        PrintedLink {
            code: Some(code.to_string()),
            ..PrintedLink::default()
        }
        .of(&user)
    }

    /// The person is told on every channel, so that it is never done unnoticed: by mail the letter with the link does it.
    async fn record_reset(
        &self,
        outbox: &OutboxContext<'_>,
        transaction: &mut DatabaseTransaction,
        (user, is_mailed): (&User, IsMailed),
    ) -> Result<(), RegistrationError> {
        let facts = json!({ "name": user.name, "setting": "reset", "state": "begun" });
        let event = self.event(outbox.now, EventName::UserChanged, facts);
        let event = event.of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        let told = account_notice::reset_begun(outbox, transaction, &user.id, is_mailed).await;
        told.map_err(not_told)
    }

    async fn insert_invited(
        &self,
        transaction: &mut DatabaseTransaction,
        name: &str,
    ) -> Result<User, RegistrationError> {
        registration::check_user_name(name)?;
        let now = self.clock.now();
        let user = User::new(UserId::make(now, self.random.bytes()), name);
        if !transaction.insert_user(&user, NO_PASSWORD, now).await? {
            return Err(RegistrationError::Exists(format!("person `{name}`")));
        }
        let event = self
            .event(now, EventName::UserAdded, json!({ "name": name }))
            .of_subject(user.id.as_str());
        transaction.insert_event(&event).await?;
        Ok(user)
    }

    fn outbox<'a>(&'a self, config: &'a Config) -> OutboxContext<'a> {
        OutboxContext {
            config,
            random: self.random,
            now: self.clock.now(),
        }
    }
}

/// A link makes a way to sign in here.
fn local_accounts(config: &Config) -> Result<(), RegistrationError> {
    match config.local_accounts {
        LocalAccounts::On => Ok(()),
        LocalAccounts::Off => Err(fault(
            "people sign in by a provider alone here (`accounts.local` is `false`): whoever it lets in has an account at their first login, and no password",
        )),
    }
}

/// Somebody who was invited and has no account yet. What the older invitation opened ends: its sessions, and the passkey that its code may
/// add, before it is looked for one.
async fn invited_before(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    stored: StoredUser,
) -> Result<User, RegistrationError> {
    let name = &stored.user.name;
    if stored.removed {
        return Err(RegistrationError::Removed(format!("person `{name}`")));
    }
    if stored.user.disabled {
        return Err(disabled(name));
    }
    let id = &stored.user.id;
    transaction.hold_user(id).await?;
    transaction.end_passkey_code(id).await?;
    // Whoever finished the older one meanwhile has an account.
    if signs_in(outbox.config, transaction, id).await? {
        return Err(fault(&format!(
            "person `{name}` has an account: `writ user reset {name}` lets them set another password"
        )));
    }
    transaction.end_sessions_of(id, outbox.now).await?;
    Ok(stored.user)
}

/// Somebody who has an account.
async fn resettable(
    config: &Config,
    transaction: &mut DatabaseTransaction,
    name: &str,
) -> Result<User, RegistrationError> {
    let stored = registered(transaction, name).await?;
    if stored.user.disabled {
        return Err(disabled(name));
    }
    if !signs_in(config, transaction, &stored.user.id).await? {
        return Err(fault(&format!(
            "person `{name}` was invited and never came: `writ user invite {name}` makes another link"
        )));
    }
    Ok(stored.user)
}

/// Whether they have a way in: a password, a passkey, or an account at a provider.
async fn signs_in(
    config: &Config,
    transaction: &mut DatabaseTransaction,
    id: &UserId,
) -> Result<bool, RegistrationError> {
    let stored = transaction.user_by_id(id).await?;
    let has_password = stored.is_some_and(|stored| stored.has_password());
    if has_password || has_passkey(config, transaction, id).await? {
        return Ok(true);
    }
    Ok(!transaction.upstream_accounts_of(id).await?.is_empty())
}

fn disabled(name: &str) -> RegistrationError {
    fault(&format!(
        "person `{name}` is disabled: `writ user enable {name}` first"
    ))
}

/// Until they use a page in another language.
async fn read_in(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    user: &User,
    language: Option<&str>,
) -> Result<(), RegistrationError> {
    if let Some(language) = language {
        let set = transaction.set_language(&user.id, language, outbox.now);
        set.await?;
    }
    Ok(())
}

/// Makes the link and mails it; what the operator reads of it.
async fn send(
    outbox: &OutboxContext<'_>,
    transaction: &mut DatabaseTransaction,
    draft: LinkDraft<'_>,
    to: Option<&str>,
) -> Result<PrintedLink, RegistrationError> {
    let issued = issue(outbox, transaction, draft).await?;
    let IssuedLink {
        secret,
        code,
        expires_at,
    } = issued.ok_or_else(|| fault("another link was made meanwhile"))?;
    let mut printed = PrintedLink {
        expires_at: Some(expires_at.rfc3339()),
        needs: code.is_none().then_some("passkey"),
        code: code.map(|code| code.to_string()),
        ..PrintedLink::default()
    };
    match to {
        Some(to) => {
            let sent = SentLink {
                kind: draft.kind,
                to: to.to_owned(),
                link: secret,
            };
            let mailed = mail_link(outbox, transaction, draft.user, (sent, expires_at)).await;
            mailed.map_err(not_told)?;
            printed.mailed = Some(true);
        }
        None => printed.link = Some(link_url(outbox.config, draft.kind, &secret)),
    }
    Ok(printed)
}

/// What a command prints.
#[derive(Default, Serialize)]
struct PrintedLink {
    id: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mailed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needs: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl PrintedLink {
    fn of(self, user: &User) -> Result<Value, RegistrationError> {
        Ok(serde_json::to_value(Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            ..self
        })?)
    }
}

fn not_told(failure: Failure) -> RegistrationError {
    RegistrationError::NotTold(format!("{failure:?}"))
}
