//! Outgoing HTTP calls and notification channels: `[outbound]`, `[push]`, `[mail]`, `[webhook]`, `[admin]`.

use std::path::{Path, PathBuf};

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Deserialize;
use url::Url;
use writ_platform::guard::{AddressPolicy, ExtraRoots, Origin};

use super::push_hosts::{self, PushHost};
use super::{bounded_file, without_credentials};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OutboundFile {
    trusted: Vec<String>,
    ca_file: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PushFile {
    contact: Option<String>,
    hosts: Option<Vec<String>>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct MailFile {
    smtp: Option<String>,
    from: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WebhookFile {
    url: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AdminFile {
    email: Option<String>,
}

/// The notification channels and the rules for outgoing calls; valid by construction.
#[derive(Clone, Default)]
pub struct Channels {
    pub rules: AddressPolicy,
    /// Certificate authorities of the house, beside those of the system.
    pub roots: ExtraRoots,
    /// The operator's contact for push services (RFC 8292 section 2.1).
    pub push_contact: Option<String>,
    /// The push services that a browser's subscription may name; no other endpoint is called.
    pub push_hosts: Vec<PushHost>,
    pub mail: Option<MailServer>,
    pub webhook: Option<String>,
    pub admin: Option<Mailbox>,
}

/// A mail server and our sender address; the URL holds a password.
#[derive(Clone)]
pub struct MailServer {
    pub smtp: String,
    pub from: Mailbox,
}

/// The sections of the file that are about channels.
pub(super) struct ChannelSections {
    pub(super) outbound: OutboundFile,
    pub(super) push: PushFile,
    pub(super) mail: MailFile,
    pub(super) webhook: WebhookFile,
    pub(super) admin: AdminFile,
}

pub(super) fn check(sections: ChannelSections, problems: &mut Vec<String>) -> Channels {
    let ChannelSections {
        outbound,
        push,
        mail,
        webhook,
        admin,
    } = sections;
    let rules = AddressPolicy {
        trusted: origins("outbound.trusted", &outbound.trusted, problems),
    };
    let roots = outbound.ca_file.and_then(|path| roots(&path, problems));
    let mail = mail_server(mail, problems);
    let admin = admin
        .email
        .and_then(|text| mailbox("admin.email", &text, problems));
    if admin.is_some() && mail.is_none() {
        problems.push("`admin.email` needs `mail.smtp` and `mail.from`".to_owned());
    }
    Channels {
        push_contact: push.contact.and_then(|text| contact(text, problems)),
        push_hosts: push_hosts::check(push.hosts, &rules, problems),
        webhook: webhook.url.and_then(|url| receiver(url, &rules, problems)),
        rules,
        roots: roots.unwrap_or_default(),
        mail,
        admin,
    }
}

/// The origins of a list that exempts them from the rules for outgoing calls.
pub(super) fn origins(key: &str, list: &[String], problems: &mut Vec<String>) -> Vec<Origin> {
    let mut found = Vec::new();
    for text in list {
        match Origin::parse(text) {
            Some(origin) => found.push(origin),
            None => problems.push(format!(
                "`{key}`: `{}` is no origin, such as `https://10.0.0.7:9000`",
                without_credentials(text)
            )),
        }
    }
    found
}

/// The largest file with authorities, in bytes: those of a whole system have a few hundred thousand.
const MAX_BUNDLE: u64 = 4 * 1024 * 1024;

fn roots(path: &Path, problems: &mut Vec<String>) -> Option<ExtraRoots> {
    let bundle = match bounded_file::read(path, MAX_BUNDLE) {
        Ok(bundle) => bundle,
        Err(why) => {
            let path = path.display();
            problems.push(format!("`outbound.ca_file`: `{path}` {why}"));
            return None;
        }
    };
    let roots = ExtraRoots::from_pem(&bundle);
    if roots.is_none() {
        problems.push(format!(
            "`outbound.ca_file`: `{}` is no bundle of certificates in PEM",
            path.display()
        ));
    }
    roots
}

fn contact(text: String, problems: &mut Vec<String>) -> Option<String> {
    let fits = text.starts_with("mailto:") || text.starts_with("https://");
    if !fits || Url::parse(&text).is_err() {
        problems.push("`push.contact` starts with `mailto:` or `https://`".to_owned());
        return None;
    }
    Some(text)
}

fn receiver(url: String, rules: &AddressPolicy, problems: &mut Vec<String>) -> Option<String> {
    match rules.admits(&url) {
        Ok(()) => Some(url),
        Err(refused) => {
            problems.push(format!(
                "`webhook.url`: {refused}; an origin inside the house stands in `outbound.trusted`"
            ));
            None
        }
    }
}

fn mail_server(file: MailFile, problems: &mut Vec<String>) -> Option<MailServer> {
    let (smtp, from) = match (file.smtp, file.from) {
        (None, None) => return None,
        (Some(smtp), Some(from)) => (smtp, from),
        _ => {
            problems.push("`mail.smtp` and `mail.from` need each other".to_owned());
            return None;
        }
    };
    let from = mailbox("mail.from", &from, problems);
    if AsyncSmtpTransport::<Tokio1Executor>::from_url(&smtp).is_err() {
        problems.push(
            "`mail.smtp` is no URL of a mail server, such as `smtps://user:word@mail.example`"
                .to_owned(),
        );
        return None;
    }
    if !is_protected(&smtp) {
        problems.push(
            "`mail.smtp` is neither `smtps` nor has `?tls=required`: mail would travel unprotected"
                .to_owned(),
        );
        return None;
    }
    from.map(|from| MailServer { smtp, from })
}

/// Whether mail is sent by TLS, or to loopback.
fn is_protected(smtp: &str) -> bool {
    Url::parse(smtp).is_ok_and(|url| {
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let required = url
            .query_pairs()
            .any(|(k, v)| k == "tls" && v == "required");
        url.scheme() == "smtps" || required || loopback
    })
}

fn mailbox(key: &str, text: &str, problems: &mut Vec<String>) -> Option<Mailbox> {
    let parsed = text.parse().ok();
    if parsed.is_none() {
        problems.push(format!(
            "`{key}` is no mail address, such as `Writ <writ@example.com>`"
        ));
    }
    parsed
}
