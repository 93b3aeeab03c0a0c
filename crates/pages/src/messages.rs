//! What people are sent, in each language (`text/notices`). Names in it are cleaned like those on pages.

use serde::{Deserialize, Serialize};
use writ_authority::Types;
use writ_core::account_link::LinkKind;
use writ_core::client::Client;
use writ_core::pending::PendingRequest;

use super::client_name::client_name;
use super::{LONGEST_WORDS, TextError, clean, title_of};

/// What happened to a passkey of the person who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Passkey {
    Added,
    Removed,
    /// An operator made a code by which the first one is added.
    CodeMade,
}

/// What changed in how a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Email,
    /// Another one is to be confirmed.
    EmailAsked,
    QuietHours,
    BrowserAdded,
    BrowserRemoved,
}

/// Who said "This was not me".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reporter {
    /// The one about whom it was asked.
    #[default]
    Subject,
    /// Who decides for them.
    Approver,
}

/// What happened to the ways in which a person proves themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNews {
    Passkey(Passkey),
    /// It has a new one.
    Password,
    /// An account at a provider signs in as them.
    UpstreamLinked,
    /// An operator lets them set another password.
    ResetBegun,
    /// They set another one by a link: sessions ended, and what acts for them is paused.
    Recovered,
    Reach(Reach),
}

/// Every language; the first is everybody's who says no other.
pub struct Words([(&'static str, MessageTexts); 2]);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageTexts {
    #[serde(skip)]
    language: &'static str,
    push: Push,
    mail: Mail,
    suspended: Mail,
    reported: Mail,
    reported_other: Mail,
    passkey_added: News,
    passkey_removed: News,
    passkey_code: News,
    upstream_linked: News,
    password_changed: News,
    reset_begun: News,
    recovered: News,
    email_changed: News,
    email_asked: News,
    quiet_hours_changed: News,
    browser_added: News,
    browser_removed: News,
    used_twice: News,
    not_done: News,
    resource_reported: Mail,
    resource_reported_other: Mail,
    invitation: Mail,
    reset: Mail,
    forgotten: Mail,
    address: Mail,
    reset_asked: Mail,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    /// Who asks, where a resource server asks about one action: instead of `{agent}`.
    through: String,
    title: String,
    body: String,
    body_plain: String,
    list_separator: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mail {
    subject: String,
    text: String,
}

/// The same in a message and in a letter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct News {
    title: String,
    body: String,
    text: String,
}

/// Who wants something of a person.
#[derive(Clone, Copy)]
pub struct MessageAsker<'a> {
    pub agent: &'a Client,
    /// The resource through which it asks, as it is registered.
    pub resource: Option<&'a str>,
}

/// A letter with a link.
pub struct LinkLetter<'a> {
    pub kind: LinkKind,
    /// By which its person signs in.
    pub name: &'a str,
    /// What they know this server as.
    pub place: &'a str,
    pub url: &'a str,
    /// Where the link is ended.
    pub not_me: &'a str,
}

/// A title and what stands below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub title: String,
    pub body: String,
}

impl Words {
    pub fn load() -> Result<Self, TextError> {
        let read = |language, text| {
            let texts = toml::from_str(text)?;
            Ok::<_, TextError>((language, MessageTexts { language, ..texts }))
        };
        Ok(Self([
            read("en", include_str!("../text/notices/en.toml"))?,
            read("de", include_str!("../text/notices/de.toml"))?,
        ]))
    }

    /// The language among ours that a browser prefers (RFC 9110 section 12.5.4), in the order in which it lists them.
    pub fn language(&self, accept_language: &str) -> &'static str {
        let asked = accept_language.split(',').filter_map(|range| {
            let tag = range.split([';', '-']).next()?.trim().to_ascii_lowercase();
            self.0
                .iter()
                .map(|(name, _)| *name)
                .find(|name| *name == tag)
        });
        let [(first, _), ..] = &self.0;
        asked.into_iter().next().unwrap_or(first)
    }

    pub fn of(&self, language: &str) -> (&'static str, &MessageTexts) {
        let [(name, first), ..] = &self.0;
        let found = self.0.iter().find(|(name, _)| *name == language);
        found.map_or((name, first), |(name, texts)| (name, texts))
    }
}

impl MessageTexts {
    /// For a locked screen: who asks, and for what kind of thing.
    pub fn push(&self, asker: MessageAsker<'_>, kinds: &[String]) -> Said {
        let what = kinds.join(&self.push.list_separator);
        let body = if kinds.is_empty() {
            &self.push.body_plain
        } else {
            &self.push.body
        };
        Said {
            title: self.asked_by(&self.push.title, asker),
            // As long as one line may be: a push has 4096 bytes (RFC 8291 section 4).
            body: body.replace("{what}", &clean(&what, LONGEST_WORDS)),
        }
    }

    pub fn mail(&self, asker: MessageAsker<'_>, url: &str) -> Said {
        let Mail { subject, text } = &self.mail;
        Said {
            title: self.asked_by(subject, asker),
            body: self.asked_by(&text.replace("{url}", url), asker),
        }
    }

    fn asked_by(&self, text: &str, asker: MessageAsker<'_>) -> String {
        match asker.resource {
            None => named(text, &self.name(asker.agent)),
            Some(resource) => {
                let resource = clean(resource, LONGEST_WORDS);
                let through = self.push.through.replace("{resource}", &resource);
                named(&text.replace("{agent}", &through), &self.name(asker.agent))
            }
        }
    }

    /// To the admin: the agent is stopped for everybody.
    pub fn suspended(&self, agent: &Client, person: &str) -> Said {
        let id = agent.id.as_str();
        let values = [("{id}", id), ("{person}", person)];
        self.suspended.filled(&self.name(agent), &values)
    }

    /// To the admin: the agent is stopped for the person who said so; of who decides for another nothing is.
    pub fn reported(&self, agent: &Client, person: &str, reporter: Reporter) -> Said {
        let id = agent.id.as_str();
        let letter = match reporter {
            Reporter::Subject => &self.reported,
            Reporter::Approver => &self.reported_other,
        };
        letter.filled(&self.name(agent), &[("{id}", id), ("{person}", person)])
    }

    pub fn account(&self, what: AccountNews) -> Said {
        let News { title, body, .. } = self.news(what);
        Said {
            title: title.clone(),
            body: body.clone(),
        }
    }

    pub fn account_letter(&self, what: AccountNews, url: &str) -> Said {
        let News { title, text, .. } = self.news(what);
        Said {
            title: title.clone(),
            body: text.replace("{url}", url),
        }
    }

    pub fn used_twice(&self, client: &Client) -> Said {
        let News { title, body, .. } = &self.used_twice;
        Said {
            title: named(title, &self.name(client)),
            body: named(body, &self.name(client)),
        }
    }

    pub fn used_twice_letter(&self, client: &Client, url: &str) -> Said {
        let News { title, text, .. } = &self.used_twice;
        Said {
            title: named(title, &self.name(client)),
            body: named(&text.replace("{url}", url), &self.name(client)),
        }
    }

    /// What was approved for this client through this resource was not done in time.
    pub fn not_done(&self, client: &Client, resource: &str) -> Said {
        let News { title, body, .. } = &self.not_done;
        Said {
            title: named(title, &self.name(client)),
            body: named(body, &self.name(client))
                .replace("{resource}", &clean(resource, LONGEST_WORDS)),
        }
    }

    pub fn not_done_letter(&self, client: &Client, resource: &str, url: &str) -> Said {
        let News { title, text, .. } = &self.not_done;
        let text = text.replace("{url}", url);
        Said {
            title: named(title, &self.name(client)),
            body: named(&text, &self.name(client))
                .replace("{resource}", &clean(resource, LONGEST_WORDS)),
        }
    }

    /// To the admin: this resource may ask the person who said so nothing for a while.
    pub fn resource_reported(
        &self,
        client: &Client,
        resource: &str,
        person: &str,
        reporter: Reporter,
    ) -> Said {
        let resource = clean(resource, LONGEST_WORDS);
        let values = [("{resource}", &*resource), ("{person}", person)];
        let letter = match reporter {
            Reporter::Subject => &self.resource_reported,
            Reporter::Approver => &self.resource_reported_other,
        };
        let Said { title, body } = letter.filled(&self.name(client), &values);
        Said {
            title: title.replace("{resource}", &resource),
            body,
        }
    }

    /// The letter with a link, and with another one that only ends it. Neither proves anybody, so the letter may be read by others. An
    /// invitation says to what, and the name that its person does not know yet.
    pub fn link_letter(&self, letter: &LinkLetter<'_>) -> Said {
        let Mail { subject, text } = match letter.kind {
            LinkKind::Invitation => &self.invitation,
            LinkKind::Reset => &self.reset,
            LinkKind::Forgotten => &self.forgotten,
            LinkKind::Address => &self.address,
        };
        Said {
            title: subject.replace("{place}", letter.place),
            body: text
                .replace("{url}", letter.url)
                .replace("{not_me}", letter.not_me)
                .replace("{place}", letter.place)
                .replace("{name}", &clean(letter.name, LONGEST_WORDS)),
        }
    }

    /// In a browser that gets the person's notifications: a link by which a password is set was mailed.
    pub fn reset_asked(&self) -> Said {
        let Mail { subject, text } = &self.reset_asked;
        Said {
            title: subject.clone(),
            body: text.clone(),
        }
    }

    fn name(&self, client: &Client) -> String {
        client_name(&client.name, self.language)
    }

    fn news(&self, what: AccountNews) -> &News {
        match what {
            AccountNews::Passkey(Passkey::Added) => &self.passkey_added,
            AccountNews::Passkey(Passkey::Removed) => &self.passkey_removed,
            AccountNews::Passkey(Passkey::CodeMade) => &self.passkey_code,
            AccountNews::UpstreamLinked => &self.upstream_linked,
            AccountNews::Password => &self.password_changed,
            AccountNews::ResetBegun => &self.reset_begun,
            AccountNews::Recovered => &self.recovered,
            AccountNews::Reach(Reach::Email) => &self.email_changed,
            AccountNews::Reach(Reach::EmailAsked) => &self.email_asked,
            AccountNews::Reach(Reach::QuietHours) => &self.quiet_hours_changed,
            AccountNews::Reach(Reach::BrowserAdded) => &self.browser_added,
            AccountNews::Reach(Reach::BrowserRemoved) => &self.browser_removed,
        }
    }
}

impl Mail {
    fn filled(&self, agent: &str, values: &[(&str, &str)]) -> Said {
        let text = values
            .iter()
            .fold(self.text.clone(), |text, (name, value)| {
                text.replace(name, value)
            });
        Said {
            title: named(&self.subject, agent),
            body: named(&text, agent),
        }
    }
}

/// The agent's name comes last, so that nothing in it is filled.
fn named(text: &str, agent: &str) -> String {
    text.replace("{agent}", agent)
}

/// Titles of the types of what is asked, each once.
pub fn kinds(request: &PendingRequest, types: &Types, language: &str) -> Vec<String> {
    let mut titles = Vec::new();
    for detail in request.asked.authority.details() {
        let title = types
            .of(detail)
            .map(|t| title_of(t, language))
            .unwrap_or_default();
        if !title.is_empty() && !titles.contains(&title) {
            titles.push(title);
        }
    }
    titles
}

#[cfg(test)]
mod tests;
