//! Lists of what is registered: a table for people, a JSON array for programs.

use serde_json::{Value, json};
use writ_core::client::User;
use writ_server::operate::behind::halted_by;
use writ_server::operate::change_client::ClientKind;
use writ_server::operate::invite::invite_id;
use writ_store::registered::{ListedAgent, ListedClient, LiveOf, PAGE};
use writ_store::registered_user::{AccountState, ListedUser};
use writ_store::role::GivenRole;
use writ_store::upstream_account::UpstreamAccount;
use writ_wire::registration::{ClientFile, ResourceFile};

use super::super::desk::Desk;
use super::super::{Outcome, say, say_json};
use super::ListArguments;

pub async fn clients(desk: &Desk, kind: ClientKind, arguments: ListArguments) -> Outcome {
    match kind {
        ClientKind::Plain => plain_clients(desk, arguments).await,
        ClientKind::Agent => agents(desk, arguments).await,
    }
}

async fn plain_clients(desk: &Desk, arguments: ListArguments) -> Outcome {
    let columns = ["client_id", "client_name", "profile", "state", "created_at"];
    let (mut reading, mut listing) = (desk.read().await?, Listing::new(&columns, arguments));
    let mut after = String::new();
    loop {
        let page = reading
            .clients_after(&after, PAGE)
            .await
            .map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return listing.end();
        };
        last.id.as_str().clone_into(&mut after);
        let row = |client: &ListedClient| -> Result<Value, String> {
            Ok(client_row(client, &client_file(client)?))
        };
        listing.page(page.iter().map(row).collect::<Result<_, String>>()?)?;
    }
}

async fn agents(desk: &Desk, arguments: ListArguments) -> Outcome {
    let columns = [
        "client_id",
        "client_name",
        "owner",
        "state",
        "created_at",
        "halted_because",
    ];
    let (mut reading, mut listing) = (desk.read().await?, Listing::new(&columns, arguments));
    let mut after = String::new();
    loop {
        let page = reading
            .agents_after(&after, PAGE)
            .await
            .map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return listing.end();
        };
        last.client.id.as_str().clone_into(&mut after);
        listing.page(page.iter().map(agent_row).collect::<Result<_, String>>()?)?;
    }
}

fn client_file(client: &ListedClient) -> Result<ClientFile, String> {
    let file = serde_json::from_str(&client.metadata);
    file.map_err(|e| format!("client `{}`: {e}", client.id))
}

fn client_row(client: &ListedClient, file: &ClientFile) -> Value {
    json!({
        "client_id": client.id,
        "client_name": file.client_name,
        "profile": file.profile,
        "state": if client.stopped { "suspended" } else { "active" },
        "created_at": client.created_at.rfc3339(),
    })
}

fn agent_row(listed: &ListedAgent) -> Result<Value, String> {
    let file = client_file(&listed.client)?;
    let mut row = client_row(&listed.client, &file);
    if let (Some(agent), Value::Object(members)) = (file.agent, &mut row) {
        let why = halted_by(&agent, listed.owner, listed.sponsor);
        if !why.is_empty() {
            if !listed.client.stopped {
                members.insert("state".to_owned(), "halted".into());
            }
            members.insert("halted_because".to_owned(), why.join(", ").into());
        }
        members.insert("owner".to_owned(), agent.owner.into());
        members.insert("sponsor".to_owned(), agent.sponsor.into());
    }
    Ok(row)
}

/// As many as there may be (`MAX_RESOURCES`) are read at once.
pub async fn resources(desk: &Desk, arguments: ListArguments) -> Outcome {
    let columns = [
        "resource",
        "name",
        "scopes",
        "authorization_details_types",
        "client_id",
    ];
    let documents = desk.read().await?.resources().await;
    let mut listing = Listing::new(&columns, arguments);
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
    listing.page(rows)?;
    listing.end()
}

pub async fn users(desk: &Desk, arguments: ListArguments) -> Outcome {
    let columns = [
        "name",
        "id",
        "state",
        "roles",
        "operator_role",
        "invited_until",
        "created_at",
    ];
    let (mut reading, mut listing) = (desk.read().await?, Listing::new(&columns, arguments));
    let (mut after, now) = (String::new(), desk.clock.now());
    loop {
        let page = reading.users_after(&after, PAGE, now).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return listing.end();
        };
        last.name.clone_into(&mut after);
        let rows = page.into_iter().map(|user| {
            json!({
                "name": user.name,
                "id": user.id,
                "state": state(user.state),
                "roles": user.roles,
                "operator_role": user.operator_role,
                "invited_until": invited_until(user.state),
                "created_at": user.created_at.rfc3339(),
            })
        });
        listing.page(rows.collect())?;
    }
}

/// Initial access tokens, named by the beginning of their digest: the tokens are kept nowhere.
pub async fn invites(desk: &Desk, arguments: ListArguments) -> Outcome {
    let columns = ["id", "uses", "used", "state", "created_at", "expires_at"];
    let (mut reading, now) = (desk.read().await?, desk.clock.now());
    let mut listing = Listing::new(&columns, arguments);
    let mut after = String::new();
    loop {
        let page = reading.invites_after(&after).await;
        let page = page.map_err(|e| e.to_string())?;
        let Some(last) = page.last() else {
            return listing.end();
        };
        last.digest.clone_into(&mut after);
        let rows = page.into_iter().map(|one| {
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
        });
        listing.page(rows.collect())?;
    }
}

/// A person, and how much hangs from them.
pub async fn show_user(desk: &Desk, name: &str) -> Outcome {
    let mut reading = desk.read().await?;
    let user = desk.registry().user(name).await;
    let stored = user.map_err(|e| e.to_string())?;
    let User { id, name, .. } = &stored.user;
    let now = desk.clock.now();
    let listed = reading.listed_user(id, now).await;
    let Some(ListedUser {
        state: account,
        confirmed,
        ..
    }) = listed.map_err(|e| e.to_string())?
    else {
        return Err(format!("person `{name}` was removed"));
    };
    let unconfirmed = reading.unconfirmed_address(id, now).await;
    let live = reading.live_counts(LiveOf::User(id), now);
    let live = live.await.map_err(|e| e.to_string())?;
    let agents = reading.agents_behind(id).await.map_err(|e| e.to_string())?;
    let passkeys = reading.passkeys_of(id).await.map_err(|e| e.to_string())?;
    let upstream = reading.upstream_accounts_of(id).await;
    let upstream = upstream.map_err(|e| e.to_string())?;
    let roles = reading.given_roles(id).await.map_err(|e| e.to_string())?;
    say_json(&json!({
        "name": name,
        "id": id,
        "state": state(account),
        "operator_role": stored.operator_role,
        "invited_until": invited_until(account),
        "email": stored.email,
        "resets_mailed_to": confirmed.filter(|_| desk.config.channels.mail.is_some()),
        "unconfirmed_address": unconfirmed.map_err(|e| e.to_string())?,
        "passkeys": passkeys.len(),
        "upstream": upstream.iter().map(upstream_account).collect::<Vec<_>>(),
        "roles": roles.iter().map(given_role).collect::<Vec<_>>(),
        "tasks": live.tasks,
        "refresh_tokens": live.refresh_tokens,
        "agents": agents,
    }))
}

fn upstream_account(account: &UpstreamAccount) -> Value {
    json!({ "issuer": account.issuer, "subject": account.subject, "origin": account.origin.as_str() })
}

fn given_role(role: &GivenRole) -> Value {
    json!({
        "role": role.name,
        "by": role.source.as_str(),
        "given_at": role.given_at.rfc3339(),
        "suspended_at": role.suspended_at.map(|at| at.rfc3339()),
    })
}

const fn state(account: AccountState) -> &'static str {
    match account {
        AccountState::Enabled => "enabled",
        AccountState::Disabled => "disabled",
        AccountState::Invited { until: Some(_) } => "invited",
        AccountState::Invited { until: None } => "invitation over",
    }
}

fn invited_until(account: AccountState) -> Option<String> {
    match account {
        AccountState::Invited { until } => until.map(|until| until.rfc3339()),
        AccountState::Enabled | AccountState::Disabled => None,
    }
}

/// A list that is printed a page at a time, so that a long one is never in memory. The columns of a table are as wide as those of the
/// page that they stand on.
struct Listing<'a> {
    columns: &'a [&'a str],
    arguments: ListArguments,
    written: usize,
}

impl<'a> Listing<'a> {
    const fn new(columns: &'a [&'a str], arguments: ListArguments) -> Self {
        Self {
            columns,
            arguments,
            written: 0,
        }
    }

    fn page(&mut self, rows: Vec<Value>) -> Outcome {
        if self.arguments.json {
            return rows.iter().try_for_each(|row| self.element(row));
        }
        let heading = usize::from(self.written > 0);
        self.written += rows.len();
        table(self.columns, &rows)
            .iter()
            .skip(heading)
            .for_each(|line| say(line));
        Ok(())
    }

    /// One element of the array, with what stands before it.
    fn element(&mut self, row: &Value) -> Outcome {
        let before = if self.written == 0 { "[" } else { "," };
        self.written += 1;
        let text = serde_json::to_string_pretty(row).map_err(|e| e.to_string())?;
        say(&format!("{before}\n{text}"));
        Ok(())
    }

    fn end(&self) -> Outcome {
        match (self.arguments.json, self.written) {
            (true, 0) => say("[]"),
            (true, _) => say("]"),
            (false, 0) => table(self.columns, &[]).iter().for_each(|line| say(line)),
            (false, _) => {}
        }
        Ok(())
    }
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
