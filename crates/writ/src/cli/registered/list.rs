//! Lists of what is registered: a table for people, a JSON array for programs.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_server::operate::behind::halted;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::invite::invite_id;
use writ_store::registered::LiveOf;
use writ_store::user::StoredUser;
use writ_wire::registration::{ClientFile, ResourceFile};

use super::super::desk::Desk;
use super::super::{Outcome, say, say_json};
use super::ListArguments;

pub async fn clients(desk: &Desk, kind: ClientKind, arguments: ListArguments) -> Outcome {
    let mut reading = desk.read().await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = match kind {
            ClientKind::Plain => reading.clients_after(&after).await,
            ClientKind::Agent => reading.agents_after(&after).await,
        };
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else { break };
        last.id.as_str().clone_into(&mut after);
        for client in page {
            let file: ClientFile = serde_json::from_str(&client.metadata)
                .map_err(|e| format!("client `{}`: {e}", client.id))?;
            let mut row = json!({
                "client_id": client.id,
                "client_name": file.client_name,
                "profile": file.profile,
                "state": if client.stopped { "suspended" } else { "active" },
                "created_at": client.created_at.rfc3339(),
            });
            if let (Some(agent), Value::Object(members)) = (file.agent, &mut row) {
                let why = halted(&mut reading, &agent).await;
                let why = why.map_err(|e| e.to_string())?;
                if !why.is_empty() {
                    if !client.stopped {
                        members.insert("state".to_owned(), "halted".into());
                    }
                    members.insert("halted_because".to_owned(), why.join(", ").into());
                }
                members.insert("owner".to_owned(), agent.owner.into());
                members.insert("sponsor".to_owned(), agent.sponsor.into());
            }
            rows.push(row);
        }
    }
    let columns: &[&str] = match kind {
        ClientKind::Plain => &["client_id", "client_name", "profile", "state", "created_at"],
        ClientKind::Agent => &[
            "client_id",
            "client_name",
            "owner",
            "state",
            "created_at",
            "halted_because",
        ],
    };
    print(columns, rows, &arguments)
}

pub async fn resources(desk: &Desk, arguments: ListArguments) -> Outcome {
    let documents = desk.read().await?.resources().await;
    let mut rows: Vec<Value> = Vec::new();
    for document in documents.map_err(|e| e.to_string())? {
        let file: ResourceFile =
            serde_json::from_str(&document).map_err(|e| format!("a resource: {e}"))?;
        rows.push(json!({
            "resource": file.resource,
            "name": file.name,
            "scopes": file.scopes.iter().map(|scope| &scope.name).collect::<Vec<_>>(),
            "authorization_details_types": file.authorization_details_types,
            "client_id": file.client_id,
        }));
    }
    let columns = [
        "resource",
        "name",
        "scopes",
        "authorization_details_types",
        "client_id",
    ];
    print(&columns, rows, &arguments)
}

pub async fn users(desk: &Desk, arguments: ListArguments) -> Outcome {
    let mut reading = desk.read().await?;
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = reading.users_after(&after).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else { break };
        last.name.clone_into(&mut after);
        rows.extend(page.into_iter().map(|user| {
            json!({
                "name": user.name,
                "id": user.id,
                "state": state(user.disabled),
                "created_at": user.created_at.rfc3339(),
            })
        }));
    }
    print(&["name", "id", "state", "created_at"], rows, &arguments)
}

/// Initial access tokens, named by the beginning of their digest: the tokens are kept nowhere.
pub async fn invites(desk: &Desk, arguments: ListArguments) -> Outcome {
    let (mut reading, now) = (desk.read().await?, desk.clock.now());
    let mut rows: Vec<Value> = Vec::new();
    let mut after = String::new();
    loop {
        let page = reading.invites_after(&after).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else { break };
        last.digest.clone_into(&mut after);
        rows.extend(page.into_iter().map(|one| {
            let state = match one {
                _ if one.used >= one.uses => "used",
                _ if one.expires_at <= now => "ended",
                _ => "active",
            };
            json!({
                "id": invite_id(&one.digest),
                "uses": one.uses,
                "used": one.used,
                "state": state,
                "created_at": one.created_at.rfc3339(),
                "expires_at": one.expires_at.rfc3339(),
            })
        }));
    }
    let columns = ["id", "uses", "used", "state", "created_at", "expires_at"];
    print(&columns, rows, &arguments)
}

/// A person, and how much hangs from them.
pub async fn show_user(desk: &Desk, name: &str) -> Outcome {
    let mut reading = desk.read().await?;
    let user = desk.registry().user(name).await;
    let StoredUser { user, email, .. } = user.map_err(|e| e.to_string())?;
    let User { id, name, disabled } = &user;
    let live = reading.live_counts(LiveOf::User(id), desk.clock.now());
    let live = live.await.map_err(|e| e.to_string())?;
    let agents = reading.agents_behind(id).await.map_err(|e| e.to_string())?;
    let passkeys = reading.passkeys_of(id).await.map_err(|e| e.to_string())?;
    say_json(&json!({
        "name": name,
        "id": id,
        "state": state(*disabled),
        "email": email,
        "passkeys": passkeys.len(),
        "tasks": live.tasks,
        "refresh_tokens": live.refresh_tokens,
        "agents": agents,
    }))
}

const fn state(disabled: bool) -> &'static str {
    if disabled { "disabled" } else { "enabled" }
}

fn print(columns: &[&str], rows: Vec<Value>, arguments: &ListArguments) -> Outcome {
    if arguments.json {
        return say_json(&rows);
    }
    for line in table(columns, &rows) {
        say(&line);
    }
    Ok(())
}

/// Lines with a heading; each column as wide as its widest cell.
fn table(columns: &[&str], rows: &[Value]) -> Vec<String> {
    let heading = columns.iter().map(|name| name.to_uppercase()).collect();
    let cells = rows.iter().map(|row| {
        let cells = columns.iter().map(|name| cell(row.get(name)));
        cells.collect::<Vec<String>>()
    });
    let lines: Vec<Vec<String>> = std::iter::once(heading).chain(cells).collect();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let padded = lines.iter().map(|line| {
        let cells = line.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    padded.collect()
}

fn cell(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let items = items.iter().map(|item| cell(Some(item)));
            items.collect::<Vec<_>>().join(",")
        }
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_heading_and_straight_columns() {
        let rows = [
            json!({ "id": "a", "scopes": ["x", "y"] }),
            json!({ "id": "longer", "scopes": null }),
        ];
        let lines = table(&["id", "scopes"], &rows);
        assert_eq!(lines, ["ID      SCOPES", "a       x,y", "longer  -"]);
    }
}
