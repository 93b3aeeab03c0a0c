//! What a person approved, by agent: sums of what was fetched, and what was not fetched yet. This server knows approvals and
//! tokens; what was done with them, the resource knows.

use std::collections::{BTreeMap, BTreeSet};

use writ_core::history::{KEPT, Known, Total, totals};
use writ_core::id::{ClientId, UserId};
use writ_pages::{Texts, UnfetchedView};
use writ_store::StoreError;

use crate::node::app::App;

/// The most uses that are summed up.
const MAX_USES: u32 = 1000;
/// The most approvals on one page that wait to be fetched.
const MAX_UNFETCHED: u32 = 100;

#[derive(Default)]
pub(super) struct AgentApprovals {
    pub(super) totals: Vec<Total>,
    pub(super) unfetched: Vec<UnfetchedView>,
}

pub(super) async fn by_agent(
    app: &App,
    subject: &UserId,
    texts: &Texts,
) -> Result<BTreeMap<ClientId, AgentApprovals>, StoreError> {
    let now = app.mended_time();
    let mut reading = app.read().await?;
    let mut spent = reading
        .spent_since(subject, now.minus(KEPT), MAX_USES + 1)
        .await?;
    let unfetched = reading.unfetched(subject, now, MAX_UNFETCHED).await?;
    drop(reading);
    let known = match spent.len() > MAX_USES as usize {
        true => Known::Newest,
        false => Known::All,
    };
    spent.truncate(MAX_USES as usize);
    let mut by_agent: BTreeMap<ClientId, AgentApprovals> = BTreeMap::new();
    let clients: BTreeSet<&ClientId> = spent.iter().map(|one| &one.client).collect();
    for client in clients {
        let here = spent.iter().filter(|one| one.client == *client);
        let uses = here.map(|one| (one.approval.as_str(), &one.amount));
        let approved = AgentApprovals {
            totals: totals(uses, known),
            unfetched: Vec::new(),
        };
        by_agent.insert(client.clone(), approved);
    }
    let catalogue = app.catalogue().await?;
    for request in &unfetched {
        let Some(decision) = request.decision() else {
            continue;
        };
        let details = decision.authority.details().iter();
        let sentences =
            details.filter_map(|d| Some(catalogue.types.of(d)?.sentence(d, texts.locale())));
        let view = UnfetchedView {
            sentences: sentences.collect(),
            until: texts.moment(request.expires_at),
        };
        let approved = by_agent.entry(request.client.clone()).or_default();
        approved.unfetched.push(view);
    }
    Ok(by_agent)
}
