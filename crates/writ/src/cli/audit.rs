//! Commands over the audit record: events, and receipts, which are verified with nothing but the issuer's public keys.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use writ_authority::Level;
use writ_core::event::EventName;
use writ_core::id::ReceiptId;
use writ_core::liveness::Seen;
use writ_core::pending::Role;
use writ_core::receipt::{Proof, Receipt, Verdict};
use writ_core::screen::Screen;
use writ_core::words::plain;
use writ_jose::key::PublicKey;
use writ_server::config::bounded_file::STANDARD_INPUT;
use writ_server::people::approval::prove;
use writ_store::DatabaseTransaction;
use writ_store::event::{EventFilter, StoredEvent};
use writ_store::registered::PAGE;
use writ_wire::jwk::{Jwk, JwkSet};

use super::archive::{self, ArchiveArguments, VerifyArguments};
use super::by_clock::ByClock;
use super::desk::{Desk, read_json, read_text};
use super::{Configured, Outcome, note, say};

#[derive(Subcommand)]
pub enum AuditCommand {
    /// List events, oldest first
    List(AuditFilter),
    /// Take what was recorded before a day out of the database, into a signed file
    Archive(ArchiveArguments),
    /// Verify such a file
    Verify(VerifyArguments),
    /// Verify a receipt, and say what was shown and who decided
    Receipt(ReceiptArguments),
}

#[derive(Args)]
pub struct AuditFilter {
    /// Name or id of a person
    #[arg(long)]
    person: Option<String>,
    /// Id of an agent or client, as caller or in the chain
    #[arg(long)]
    agent: Option<String>,
    /// Id of a task
    #[arg(long)]
    task: Option<String>,
    /// Name of an event, such as token.exchanged; another one is refused with the list of all
    #[arg(long)]
    event: Option<String>,
    /// At most so many, the newest ones
    #[arg(long, default_value_t = 1000)]
    limit: u32,
}

#[derive(Args)]
pub struct ReceiptArguments {
    /// The receipt's file, or its id in this database; `-` is standard input
    receipt: String,
    /// The issuer's keys as they are published at /jwks: with a file, no database is needed
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
}

pub async fn audit(command: AuditCommand, configured: &Configured) -> Outcome {
    match command {
        AuditCommand::List(filter) => list(&filter, configured).await,
        AuditCommand::Archive(arguments) => archive::archive(&arguments, configured).await,
        AuditCommand::Verify(arguments) => archive::verify(&arguments, configured).await,
        AuditCommand::Receipt(arguments) => receipt(&arguments, configured).await,
    }
}

async fn list(filter: &AuditFilter, configured: &Configured) -> Outcome {
    if let Some(name) = &filter.event {
        known_event(name)?;
    }
    let desk = Desk::open(configured, ByClock::ReadsOrEnds).await?;
    let mut reading = desk.read().await?;
    let person = match &filter.person {
        Some(name) => {
            let known = reading
                .user_by_name(name)
                .await
                .map_err(|e| e.to_string())?;
            Some(known.map_or_else(|| name.clone(), |stored| stored.user.id.to_string()))
        }
        None => None,
    };
    let wanted = EventFilter {
        person: person.as_deref(),
        agent: filter.agent.as_deref(),
        task: filter.task.as_deref(),
        name: filter.event.as_deref(),
        limit: filter.limit,
    };
    match first_of(&mut reading, &wanted).await? {
        Some(first) => print_from(&mut reading, &wanted, first).await,
        None => {
            note("no event is about that");
            Ok(())
        }
    }
}

/// The first event of a list and the newest, which may be written while the list is printed.
struct Span {
    first: StoredEvent,
    until: String,
}

/// Looked for from the newest on, a page at a time, so that a long list is never in memory.
async fn first_of(
    reading: &mut DatabaseTransaction,
    wanted: &EventFilter<'_>,
) -> Result<Option<Span>, String> {
    let (mut left, mut found): (u32, Option<Span>) = (wanted.limit, None);
    let mut before: Option<String> = None;
    while left > 0 {
        let page = reading.events_before(wanted.of(), before.as_deref(), PAGE);
        let page = page.await.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else { break };
        before = Some(last.id.clone());
        for event in page.into_iter().filter(|event| wanted.admits(event)) {
            if left == 0 {
                break;
            }
            left -= 1;
            let until = found.map_or_else(|| event.id.clone(), |span| span.until);
            found = Some(Span {
                first: event,
                until,
            });
        }
    }
    Ok(found)
}

async fn print_from(
    reading: &mut DatabaseTransaction,
    wanted: &EventFilter<'_>,
    span: Span,
) -> Outcome {
    let line = |event: &StoredEvent| -> Outcome {
        say(&serde_json::to_string(event).map_err(|e| e.to_string())?);
        Ok(())
    };
    line(&span.first)?;
    let mut after = span.first.id;
    loop {
        let page = reading.events_after(wanted.of(), Some(&after), PAGE);
        let page = page.await.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        last.id.clone_into(&mut after);
        let until = |event: &&StoredEvent| event.id <= span.until;
        let mut listed = page.iter().filter(until);
        listed.try_for_each(|event| match wanted.admits(event) {
            true => line(event),
            false => Ok(()),
        })?;
        if after > span.until {
            return Ok(());
        }
    }
}

/// A misspelt name would look like nothing that happened.
fn known_event(name: &str) -> Outcome {
    let names = EventName::ALL.iter().map(|known| known.as_str());
    if names.clone().any(|known| known == name) {
        return Ok(());
    }
    let names: Vec<&str> = names.collect();
    Err(format!(
        "there is no event `{name}`: there are {}",
        names.join(", ")
    ))
}

async fn receipt(arguments: &ReceiptArguments, configured: &Configured) -> Outcome {
    let is_id = arguments.receipt.starts_with(ReceiptId::PREFIX);
    let path = Path::new(&arguments.receipt);
    let desk = match (&arguments.jwks, is_id) {
        (Some(_), false) => None,
        _ => Some(Desk::open(configured, ByClock::ReadsOrEnds).await?),
    };
    let document = match (&desk, is_id) {
        (Some(desk), true) => stored(desk, &arguments.receipt).await?,
        _ if path != Path::new(STANDARD_INPUT) && !path.exists() => {
            return Err(format!(
                "`{}` is neither a file nor the id of a receipt, which starts with `{}`",
                arguments.receipt,
                ReceiptId::PREFIX
            ));
        }
        _ => read_text(path)?,
    };
    let keys = match (&arguments.jwks, &desk) {
        (Some(file), _) => read_json::<JwkSet>(file)?.keys,
        (None, Some(desk)) => own_keys(desk).await?,
        (None, None) => Vec::new(),
    };
    let find = |kid: &str| {
        let jwk = keys.iter().find(|jwk| jwk.kid.as_deref() == Some(kid))?;
        PublicKey::from_jwk(jwk).ok()
    };
    let (receipt, screen) = prove(&document, find)?;
    for line in report(&receipt, &screen) {
        say(&line);
    }
    Ok(())
}

async fn stored(desk: &Desk, id: &str) -> Result<String, String> {
    let found = desk.read().await?.receipt(&ReceiptId::from_text(id)).await;
    let found = found.map_err(|e| e.to_string())?;
    let found = found.ok_or_else(|| format!("there is no receipt `{id}`"))?;
    Ok(found.document)
}

/// All public keys of this issuer, retired ones too.
pub async fn own_keys(desk: &Desk) -> Result<Vec<Jwk>, String> {
    let rows = desk.read().await?.signing_keys().await;
    let rows = rows.map_err(|e| e.to_string())?.into_iter();
    let keys = rows.map(|row| serde_json::from_str(&row.public_jwk).map_err(|e| e.to_string()));
    keys.collect()
}

/// A receipt as text: who decided what and how, and every line that they were shown.
fn report(receipt: &Receipt, screen: &Screen) -> Vec<String> {
    let answer = match receipt.outcome {
        Verdict::Approved => "approved",
        Verdict::Agreed => "agreed; others had to agree too",
        Verdict::Denied => receipt.reason.as_deref().unwrap_or("denied"),
    };
    let role = match receipt.approver.role {
        Role::Subject => "the person on whose behalf it was",
        Role::Designated => "a designated approver",
    };
    let how = match &receipt.proof {
        Proof::Login => "their login alone".to_owned(),
        Proof::Password => "their password, typed for this answer".to_owned(),
        Proof::Passkey(passkey) => format!(
            "their device, which signed this screen at {}",
            passkey.origin
        ),
        Proof::Liveness { passkey, verifier } => format!(
            "their device, which signed this screen at {}, and the verifier {}",
            passkey.origin,
            plain(&verifier.issuer)
        ),
    };
    let mut lines = vec![
        format!("receipt     {}", receipt.id),
        format!("issuer      {}", receipt.issuer),
        format!("request     {}", receipt.request),
        format!("asked by    {}", receipt.client_id),
        format!("on behalf   {}", receipt.subject),
        format!("answer      {answer}"),
        format!(
            "by          {} ({}), {role}",
            receipt.approver.name, receipt.approver.id
        ),
        format!("at          {}", receipt.at),
        format!("proved by   {how} (level {})", level(receipt.level)),
    ];
    lines.extend(
        receipt
            .proof
            .verifier()
            .into_iter()
            .flat_map(verifier_lines),
    );
    lines.extend([String::new(), "shown:".to_owned()]);
    for section in &screen.shown {
        lines.push(format!("  {}", section.heading));
        lines.extend(section.lines.iter().map(|line| format!("    {line}")));
    }
    lines.push(String::new());
    lines.push(format!("hash        {}", receipt.screen.hash));
    lines.push(verified(receipt).to_owned());
    lines
}

/// The liveness verifier's key, and its reference to the evidence that it keeps.
fn verifier_lines(seen: &Seen) -> Vec<String> {
    let key = seen.thumbprint().unwrap_or_default();
    let mut lines = vec![format!("its key     {key}")];
    let evidence = seen.evidence();
    lines.extend(evidence.map(|text| format!("evidence    {}", plain(&text))));
    lines
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::None => "none",
        Level::Password => "password",
        Level::Passkey => "passkey",
        Level::Liveness => "liveness",
    }
}

fn verified(receipt: &Receipt) -> &'static str {
    match (receipt.proof.passkey(), receipt.proof.verifier()) {
        (_, Some(_)) => {
            "verified: the issuer signed this receipt, the hash is that of the text, the device signed the hash, and the verifier saw the person for it"
        }
        (Some(_), None) => {
            "verified: the issuer signed this receipt, the hash is that of the text, and the device signed the hash"
        }
        (None, None) => {
            "verified: the issuer signed this receipt, and the hash is that of the text"
        }
    }
}
