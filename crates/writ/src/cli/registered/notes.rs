//! What an operator should know of something that was registered as they said.

use writ_core::id::ClientId;
use writ_server::operate::change_client::ClientKind;
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

/// The same of a resource, and whether this server takes guests as it does.
pub async fn on_resource(desk: &Desk, uri: &ResourceUri) -> Outcome {
    let registrar = desk.registry();
    let file = registrar.resource_file(uri).await;
    let file = file.map_err(|e| e.to_string())?;
    let notes = registrar.unresolved_of_resource(&file).await;
    for sentence in notes.map_err(|e| e.to_string())? {
        note(&sentence);
    }
    if file.takes_guests() && !desk.config.features.guests {
        note("`guests`: no guest comes before `features.guests` is on");
    }
    Ok(())
}
