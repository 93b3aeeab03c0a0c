//! What this server calls, and by which channels people hear of it: `[outbound]`, `[push]`, `[mail]`, `[webhook]`, `[admin]`.

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use serde::Deserialize;
use url::Url;
use writ_outside::guard::{AddressPolicy, Origin};

use super::push_hosts::{self, PushHost};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OutboundFile {
    trusted: Vec<String>,
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

/// Valid by construction.
#[derive(Clone, Default)]
pub struct Channels {
    pub rules: AddressPolicy,
    /// Who answers for our push messages (RFC 8292 section 2.1).
    pub push_contact: Option<String>,
    /// Where a browser may ask to be told; nothing else that it names is called.
    pub push_hosts: Vec<PushHost>,
    pub mail: Option<Mail>,
    pub webhook: Option<String>,
    pub admin: Option<Mailbox>,
}

/// A mail server and our name there; the URL holds a password.
#[derive(Clone)]
pub struct Mail {
    pub smtp: String,
    pub from: Mailbox,
}

pub(super) fn check(
    outbound: OutboundFile,
    push: PushFile,
    (mail, webhook, admin): (MailFile, WebhookFile, AdminFile),
    problems: &mut Vec<String>,
) -> Channels {
    let trusted = outbound
        .trusted
        .iter()
        .filter_map(|text| origin(text, problems));
    let rules = AddressPolicy {
        trusted: trusted.collect(),
    };
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
        mail,
        admin,
    }
}

fn origin(text: &str, problems: &mut Vec<String>) -> Option<Origin> {
    let parsed = Origin::parse(text);
    if parsed.is_none() {
        problems.push(format!(
            "`outbound.trusted`: `{text}` is no origin, such as `http://10.0.0.7:9000`"
        ));
    }
    parsed
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

fn mail_server(file: MailFile, problems: &mut Vec<String>) -> Option<Mail> {
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
    from.map(|from| Mail { smtp, from })
}

/// TLS, or this machine.
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
