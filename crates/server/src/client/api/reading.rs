//! Lists and records, from the directory of operators.

use std::collections::BTreeMap;

use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;
use writ_core::OAuthError;
use writ_core::id::{
    ApprovalId, ClientId, ConsentId, DecisionId, DelegationId, ProposalId, TaskId, UserId,
};
use writ_store::DatabaseTransaction;
use writ_store::directory::{ApprovalsOf, ConsentsOf};
use writ_store::task::TasksInOrder;
use writ_wire::form::Form;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use super::ApiRequest;
use super::changing::ProposalEntry;
use super::operation::View;
use super::problem::ApiFailure;
use super::representation::Representation;
use crate::operate::directory::events::{EventOutcome, EventSearch};
use crate::operate::directory::{
    DirectoryPage, MAX_PAGE, PageRequest, USUAL_PAGE, approvals, clients, events, keys, people,
    records, tasks,
};

pub async fn read(view: View, request: &ApiRequest) -> Result<Response, ApiFailure> {
    let head = &request.incoming.head;
    let query = Query::parse(&request.query, view)?;
    let mut reading = head.app.read().await?;
    let now = head.app.clock.now();
    let found = match view.is_paged() || view == View::Keys {
        true => list(view, &query, &mut reading, now, &head.path).await?,
        false => record(view, &request.id, &mut reading, now).await?,
    };
    Ok(found.answer(&head.headers))
}

/// One record, as it is shown.
pub async fn record(
    view: View,
    id: &str,
    reading: &mut DatabaseTransaction,
    now: Timestamp,
) -> Result<Representation, ApiFailure> {
    let client = ClientId::from_text(id);
    match view {
        View::Agent => shown(clients::agent(reading, &client).await?, "agent"),
        View::Client => shown(clients::client(reading, &client).await?, "client"),
        View::Guest => shown(clients::guest(reading, &client).await?, "guest"),
        View::Resource => {
            let uri = ResourceUri::parse(id).map_err(|_| ApiFailure::not_found("resource"))?;
            shown(records::resource(reading, &uri).await?, "resource")
        }
        View::Type => shown(
            records::type_version(reading, id).await?,
            "version of a type",
        ),
        View::Person => {
            let id = UserId::from_text(id);
            shown(people::person(reading, &id, now).await?, "person")
        }
        View::Task => shown(
            tasks::task(reading, &TaskId::from_text(id), now).await?,
            "task",
        ),
        View::Delegation => {
            let id = DelegationId::from_text(id);
            shown(tasks::delegation(reading, &id, now).await?, "delegation")
        }
        View::Approval => {
            let id = ApprovalId::from_text(id);
            shown(approvals::approval(reading, &id, now).await?, "approval")
        }
        View::Consent => {
            let id = ConsentId::from_text(id);
            shown(records::consent(reading, &id).await?, "consent")
        }
        View::Decision => {
            let id = DecisionId::from_text(id);
            shown(records::decision(reading, &id).await?, "decision")
        }
        View::Event => shown(events::event(reading, id).await?, "event"),
        View::Proposal => {
            let found = reading.proposal(&ProposalId::from_text(id)).await?;
            shown(found.map(ProposalEntry::of), "proposal")
        }
        _ => Err(ApiFailure::not_found("record")),
    }
}

fn shown<T: Serialize>(found: Option<T>, what: &str) -> Result<Representation, ApiFailure> {
    let found = found.ok_or_else(|| ApiFailure::not_found(what))?;
    Representation::of(&found)
}

async fn list(
    view: View,
    query: &Query,
    reading: &mut DatabaseTransaction,
    now: Timestamp,
    path: &str,
) -> Result<Representation, ApiFailure> {
    let page = query.page();
    match view {
        View::Agents => query.listed(clients::agents(reading, page).await?, path),
        View::Clients => query.listed(clients::clients(reading, page).await?, path),
        View::Guests => query.listed(clients::guests(reading, page).await?, path),
        View::Resources => query.listed(records::resources(reading, page).await?, path),
        View::Types => query.listed(records::types(reading, page).await?, path),
        View::People => query.listed(people::people(reading, page, now).await?, path),
        View::Tasks => {
            let which = query.tasks()?;
            query.listed(tasks::tasks(reading, which, page, now).await?, path)
        }
        View::Delegations => {
            let task = query.get("task").ok_or_else(|| {
                OAuthError::invalid_request("name a task by `task`: delegations are listed by it")
            })?;
            let task = TaskId::from_text(task);
            query.listed(tasks::delegations(reading, &task, page, now).await?, path)
        }
        View::Approvals => query.listed(query.approvals(reading, now).await?, path),
        View::Consents => {
            let person = query.get("person").map(UserId::from_text);
            let of = person.as_ref().map_or(ConsentsOf::All, ConsentsOf::Subject);
            query.listed(records::consents(reading, of, page).await?, path)
        }
        View::Decisions => query.listed(records::decisions(reading, page).await?, path),
        View::Keys => query.listed(keys::keys(reading).await?, path),
        View::Events => {
            let search = query.events()?;
            query.listed(events::events(reading, search, page).await?, path)
        }
        View::Proposals => {
            let most = page.limit.saturating_add(1);
            let found = reading.proposals_before(page.after, most).await?;
            let page = page.page(
                found,
                |one| one.id.to_string(),
                |one| Ok(ProposalEntry::of(one)),
            );
            query.listed(page?, path)
        }
        _ => Err(ApiFailure::not_found("list")),
    }
}

/// What stands behind `?`: each name once, and only names that this list has.
struct Query {
    values: BTreeMap<String, String>,
    after: Option<String>,
    limit: u32,
}

impl Query {
    fn parse(text: &str, view: View) -> Result<Self, ApiFailure> {
        let form = Form::parse(text.as_bytes()).map_err(OAuthError::from)?;
        form.refuse_repeats(&[]).map_err(OAuthError::from)?;
        let paged = ["cursor", "limit"];
        let known = |name: &str| {
            view.filters().contains(&name) || (view.is_paged() && paged.contains(&name))
        };
        if let Some((name, _)) = form.pairs().iter().find(|(name, _)| !known(name)) {
            let name: String = name.chars().take(40).collect();
            return Err(bad(format!("`{name}` is no parameter of this")));
        }
        let values: BTreeMap<String, String> = form.pairs().iter().cloned().collect();
        Ok(Self {
            after: values.get("cursor").map(|text| cursor(text)).transpose()?,
            limit: values
                .get("limit")
                .map_or(Ok(USUAL_PAGE), |text| limit(text))?,
            values,
        })
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn page(&self) -> PageRequest<'_> {
        PageRequest {
            after: self.after.as_deref(),
            limit: self.limit,
        }
    }

    fn tasks(&self) -> Result<TasksInOrder<'_>, ApiFailure> {
        match (self.get("person"), self.get("agent")) {
            (None, None) => Ok(TasksInOrder::All),
            (Some(person), None) => Ok(TasksInOrder::Subject(person)),
            (None, Some(agent)) => Ok(TasksInOrder::Client(agent)),
            (Some(_), Some(_)) => Err(bad("name `person` or `agent`, not both")),
        }
    }

    async fn approvals(
        &self,
        reading: &mut DatabaseTransaction,
        now: Timestamp,
    ) -> Result<DirectoryPage<approvals::ApprovalEntry>, ApiFailure> {
        let page = self.page();
        let (person, agent) = (self.get("person"), self.get("agent"));
        let (person, agent) = (
            person.map(UserId::from_text),
            agent.map(ClientId::from_text),
        );
        let of = match (self.get("state"), &person, &agent) {
            (Some("open"), None, None) => {
                return Ok(approvals::open_approvals(reading, page, now).await?);
            }
            (None, None, None) => ApprovalsOf::All,
            (None, Some(person), None) => ApprovalsOf::Subject(person),
            (None, None, Some(agent)) => ApprovalsOf::Client(agent),
            _ => return Err(bad("name one of `state=open`, `person` and `agent`")),
        };
        Ok(approvals::approvals(reading, of, page, now).await?)
    }

    fn events(&self) -> Result<EventSearch<'_>, ApiFailure> {
        let time = |name: &str| {
            let text = self.get(name);
            let read = |text| {
                Timestamp::from_rfc3339(text)
                    .ok_or_else(|| bad(format!("`{name}` is no time as RFC 3339 has it")))
            };
            text.map(read).transpose()
        };
        let outcome = self.get("outcome").map(|text| {
            EventOutcome::parse(text).ok_or_else(|| bad("`outcome` is `permit` or `deny`"))
        });
        Ok(EventSearch {
            person: self.get("person"),
            agent: self.get("agent"),
            task: self.get("task"),
            name: self.get("name"),
            resource: self.get("resource"),
            outcome: outcome.transpose()?,
            from: time("from")?,
            to: time("to")?,
        })
    }

    /// With the URL of the next page, which keeps the filters.
    fn listed<T: Serialize>(
        &self,
        page: DirectoryPage<T>,
        path: &str,
    ) -> Result<Representation, ApiFailure> {
        let Some(next) = page.next else {
            return Representation::of(&json!({ "items": page.items }));
        };
        let mut values = self.values.clone();
        values.insert("cursor".to_owned(), URL_SAFE_NO_PAD.encode(next));
        let query = Form::from_pairs(values).encode();
        let next = format!("{path}?{query}");
        Representation::of(&json!({ "items": page.items, "next": next }))
    }
}

fn cursor(text: &str) -> Result<String, ApiFailure> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let found = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let found = found.filter(|text| !text.chars().any(char::is_control));
    found.ok_or_else(|| bad("`cursor` is none of this server: take it from `next`"))
}

fn limit(text: &str) -> Result<u32, ApiFailure> {
    let found = text
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_PAGE).contains(limit));
    found.ok_or_else(|| bad(format!("`limit` is 1 to {MAX_PAGE}")))
}

fn bad(sentence: impl Into<String>) -> ApiFailure {
    OAuthError::invalid_request(sentence).into()
}
