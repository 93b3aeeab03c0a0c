//! What an operator should know of something that was registered as they said.

use writ_core::id::ClientId;
use writ_core::registration::dynamic::RegistrationMode;
use writ_server::operate::behind::halted;
use writ_server::operate::change_client::ClientKind;
use writ_wire::redirect::{self, RedirectError};
use writ_wire::registration::ClientFile;
use writ_wire::resource::ResourceUri;

use super::super::desk::Desk;
use super::super::{Outcome, note};

/// Names in the file of a client or an agent that are not registered.
pub async fn on_client(desk: &Desk, kind: ClientKind, id: &ClientId) -> Outcome {
    let registrar = desk.registry();
    let file = registrar.client_file(kind, id).await;
    let file = file.map_err(|e| e.to_string())?;
    let notes = registrar.unresolved_of_client(&file).await;
    for sentence in notes.map_err(|e| e.to_string())? {
        note(&sentence);
    }
    Ok(())
}

/// Why it cannot act, if that is so.
pub async fn on_state(desk: &Desk, kind: ClientKind, id: &ClientId, file: &ClientFile) -> Outcome {
    let mut reading = desk.read().await?;
    let stored = reading.client(id).await.map_err(|e| e.to_string())?;
    let name = kind.name(id);
    let registration = reading.registration(id).await;
    if let Some(registration) = registration.map_err(|e| e.to_string())? {
        let at = registration.created_at.rfc3339();
        let unused = match registration.expires_at {
            Some(end) => format!(
                ", and ends at {} unless a person agrees before",
                end.rfc3339()
            ),
            None => String::new(),
        };
        note(&format!("{name} registered itself at {at}{unused}"));
    }
    if stored.is_some_and(|stored| stored.stopped) {
        let command = kind.as_str();
        note(&format!(
            "{name} is suspended: `writ {command} resume {id}` lets it act again"
        ));
    }
    if let Some(agent) = &file.agent {
        let why = halted(&mut reading, agent).await;
        let why = why.map_err(|e| e.to_string())?;
        if !why.is_empty() {
            note(&format!(
                "{name} cannot act, because {}: enable them by `writ user enable`, or name somebody else by `writ agent change {id} FILE`",
                why.join(", and ")
            ));
        }
    }
    Ok(())
}

/// What of guests a server does not take that runs with this configuration: one that runs already may have another.
const fn on_guests(guests: bool, mode: RegistrationMode) -> Option<&'static str> {
    match (guests, mode) {
        (false, _) => Some(
            "`guests`: `features.guests` is off in the configuration that this command read: a server with the same takes no guest",
        ),
        (true, RegistrationMode::Off) => Some(
            "`guests`: `registration.mode` is `off` in the configuration that this command read: with the same, only clients whose `client_id` is a URL come as guests, and none registers itself",
        ),
        (true, RegistrationMode::Token) => Some(
            "`guests`: `registration.mode` is `token` in the configuration that this command read: with the same, a client that registers itself needs an initial access token",
        ),
        (true, RegistrationMode::Open) => None,
    }
}

/// The same of a resource, and whether this server takes guests as it does.
pub async fn on_resource(desk: &Desk, uri: &ResourceUri) -> Outcome {
    let registrar = desk.registry();
    let file = registrar.resource_file(uri).await;
    let file = file.map_err(|e| e.to_string())?;
    let notes = registrar.unresolved_of_resource(&file).await;
    for sentence in notes.map_err(|e| e.to_string())? {
        note(&sentence);
    }
    if redirect::kind(file.resource.as_str())
        .is_err_and(|e| matches!(e, RedirectError::PlainHttp(_)))
    {
        note("`resource` is plain `http` beyond loopback: whoever is in between reads its tokens");
    }
    if file.takes_guests()
        && let Some(sentence) =
            on_guests(desk.config.features.guests, desk.config.registration.mode)
    {
        note(sentence);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_guests_is_what_this_configuration_says() {
        for (guests, mode, named) in [
            (
                false,
                RegistrationMode::Off,
                Some("`features.guests` is off"),
            ),
            (
                false,
                RegistrationMode::Token,
                Some("`features.guests` is off"),
            ),
            (
                true,
                RegistrationMode::Off,
                Some("`registration.mode` is `off`"),
            ),
            (
                true,
                RegistrationMode::Token,
                Some("`registration.mode` is `token`"),
            ),
            (true, RegistrationMode::Open, None),
        ] {
            let said = on_guests(guests, mode);
            assert_eq!(said.is_some(), named.is_some(), "{mode:?}");
            assert!(
                said.unwrap_or_default().contains(named.unwrap_or_default()),
                "{said:?}"
            );
        }
    }
}
