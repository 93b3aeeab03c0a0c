//! Groups of people who are not there: read again at their provider by its refresh token before they are a day old, and roles that rest on
//! older ones lapse. One node at a time, a few of each provider side by side; a provider that is away is left alone for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use writ_core::upstream::groups::too_old;
use writ_store::StoreError;
use writ_store::lease::Lease;
use writ_store::upstream_groups::UpstreamGroups;
use writ_wire::time::Timestamp;
use zeroize::Zeroizing;

use crate::background::by_a_right_clock;
use crate::config::UpstreamProvider;
use crate::node::app::App;
use crate::node::failure::{Failure, ServerFault};
use crate::node::upstream::{NotReadAgain, ReachedProvider, UpstreamError};
use crate::operate::upstream_groups::{GroupsLapse, GroupsOf, lapse, place};

/// People of one provider whose groups are read at once.
pub const MAX_READ_AT_ONCE: u32 = 8;
/// Rows of one provider that lapse in one turn; the next one comes soon.
const LAPSED_IN_A_TURN: u32 = 200;
/// Providers whose rows are looked at, also those whose sections are gone.
const ISSUERS_IN_A_TURN: usize = 64;
/// Readings of one provider in a turn, a few at once.
const READINGS_IN_A_TURN: u32 = 64;
const PERIOD: Duration = Duration::from_secs(30);
/// How long readings that are under way may take at shutdown.
const GRACE: Duration = Duration::from_secs(6);
/// Longer than any batch: a node that died is replaced after so long.
const LEASE: Duration = Duration::from_secs(120);
const LEASE_NAME: &str = "upstream-groups";
/// When a row is tried again of which nothing came; longer than any attempt.
const PUT_OFF: Duration = Duration::from_secs(900);
/// How long a provider that is away is left alone: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1800));

/// The work of one node: what it has learnt of providers.
pub struct GroupsReading {
    holder: String,
    rests: BTreeMap<String, Rest>,
}

/// Of a provider that is away.
#[derive(Clone, Copy)]
struct Rest {
    until: Timestamp,
    pause: Duration,
}

/// What came of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ReadOutcome {
    Done,
    Away,
}

/// Runs until `stop` changes. A failure is logged and tried again.
pub async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut reading = GroupsReading::new(&app);
    loop {
        let mut ending = stop.clone();
        tokio::select! {
            turned = reading.turn(&app) => if let Err(error) = turned {
                tracing::error!(%error, "groups of people cannot be read again");
            },
            () = told_to_end(&mut ending) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            _ = stop.changed() => return,
        }
    }
}

/// And some time later: a refresh token that was used and whose successor was not kept is lost.
async fn told_to_end(stop: &mut watch::Receiver<bool>) {
    // An error says that whoever could tell is gone.
    stop.changed().await.ok();
    tokio::time::sleep(GRACE).await;
}

impl GroupsReading {
    pub fn new(app: &App) -> Self {
        Self {
            holder: app.random.identifier(),
            rests: BTreeMap::new(),
        }
    }

    /// What is due now; nothing while another node does it, or this node's clock is wrong.
    pub async fn turn(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        by_a_right_clock(app, self.round(app)).await.map(drop)
    }

    async fn round(&mut self, app: &Arc<App>) -> Result<(), StoreError> {
        let issuers = issuers(app).await?;
        if issuers.is_empty() || !self.holds_lease(app).await? {
            return Ok(());
        }
        for issuer in &issuers {
            lapse_old(app, issuer).await?;
        }
        let mut read = 0;
        while read < READINGS_IN_A_TURN {
            if self.read_batch(app, &issuers).await? == 0 || !self.holds_lease(app).await? {
                break;
            }
            read += MAX_READ_AT_ONCE;
        }
        let mut transaction = app.begin().await?;
        let lease = self.lease();
        transaction.give_lease_back(lease, app.clock.now()).await?;
        transaction.commit().await
    }

    /// A few of each provider that is not left alone; says how many.
    async fn read_batch(
        &mut self,
        app: &Arc<App>,
        issuers: &[String],
    ) -> Result<usize, StoreError> {
        let now = app.clock.now();
        let mut reading = JoinSet::new();
        for issuer in issuers {
            let rests = self.rests.get(issuer).is_some_and(|rest| now < rest.until);
            if rests || provider(app, issuer).is_none() {
                continue;
            }
            let mut rows = app.read().await?;
            let due = rows
                .due_upstream_groups(issuer, now, MAX_READ_AT_ONCE)
                .await?;
            drop(rows);
            for groups in due {
                let app = app.clone();
                reading.spawn(async move {
                    let outcome = read_one(&app, &groups).await;
                    (groups.issuer, outcome)
                });
            }
        }
        let begun = reading.len();
        let mut away: BTreeMap<String, bool> = BTreeMap::new();
        while let Some(ended) = reading.join_next().await {
            match ended {
                Ok((issuer, Ok(outcome))) => {
                    *away.entry(issuer).or_default() |= outcome == ReadOutcome::Away;
                }
                Ok((_, Err(failure))) => {
                    tracing::error!(?failure, "groups of a person cannot be read again");
                }
                Err(error) => tracing::error!(%error, "a reading of groups ended by a fault"),
            }
        }
        for (issuer, is_away) in away {
            self.note(issuer, is_away.then_some(now));
        }
        Ok(begun)
    }

    /// Since when it is away, or that it answers.
    fn note(&mut self, issuer: String, away_at: Option<Timestamp>) {
        let Some(now) = away_at else {
            self.rests.remove(&issuer);
            return;
        };
        let (first, longest) = PAUSES;
        let before = self.rests.get(&issuer).map(|rest| rest.pause * 2);
        let pause = before.unwrap_or(first).min(longest);
        let until = now.plus(pause);
        self.rests.insert(issuer, Rest { until, pause });
    }

    fn lease(&self) -> Lease<'_> {
        Lease {
            name: LEASE_NAME,
            holder: &self.holder,
            length: LEASE,
        }
    }

    /// Taken or renewed.
    async fn holds_lease(&self, app: &App) -> Result<bool, StoreError> {
        let mut transaction = app.begin().await?;
        let held = transaction
            .take_lease(self.lease(), app.clock.now())
            .await?;
        transaction.commit().await?;
        Ok(held)
    }
}

/// One turn of a node that knows nothing of before; for tests.
pub async fn read_due_groups(app: &Arc<App>) -> Result<(), StoreError> {
    GroupsReading::new(app).turn(app).await
}

/// Of all rows that there are.
async fn issuers(app: &App) -> Result<Vec<String>, StoreError> {
    let mut reading = app.read().await?;
    let mut found: Vec<String> = Vec::new();
    while found.len() < ISSUERS_IN_A_TURN {
        let after = found.last().map_or("", String::as_str);
        match reading.next_issuer_of_groups(after).await? {
            Some(issuer) => found.push(issuer),
            None => break,
        }
    }
    Ok(found)
}

fn provider<'a>(app: &'a App, issuer: &str) -> Option<&'a UpstreamProvider> {
    let mut all = app.config.upstreams.iter();
    all.find(|one| one.issuer == issuer)
}

/// What was not read for a day, and all of a provider whose section was taken away.
async fn lapse_old(app: &App, issuer: &str) -> Result<(), StoreError> {
    let now = app.clock.now();
    let (before, why) = match provider(app, issuer) {
        Some(_) => (too_old(now), GroupsLapse::TooOld),
        None => (now, GroupsLapse::NoProvider),
    };
    let mut reading = app.read().await?;
    let old = reading
        .upstream_groups_of_before(issuer, before, LAPSED_IN_A_TURN)
        .await?;
    drop(reading);
    for groups in &old {
        lapse(app, groups, why).await?;
    }
    Ok(())
}

async fn read_one(app: &App, groups: &UpstreamGroups) -> Result<ReadOutcome, Failure> {
    let Some((claimed, sealed)) = claim(app, groups).await? else {
        return Ok(ReadOutcome::Done);
    };
    let person = app.read().await?.user_by_id(&claimed.user).await?;
    let is_there = person.is_some_and(|person| !person.user.disabled && !person.removed);
    let known = provider(app, &claimed.issuer).filter(|_| is_there);
    let Some(provider) = known else {
        lapse(app, &claimed, GroupsLapse::Disabled).await?;
        return Ok(ReadOutcome::Done);
    };
    let token: String = app.unseal(&place(claimed.account()), &sealed)?;
    let of = GroupsOf {
        provider,
        subject: &claimed.subject,
        user: &claimed.user,
    };
    match read_by(app, of, &claimed, Zeroizing::new(token)).await {
        Ok(()) => Ok(ReadOutcome::Done),
        Err(NotReadAgain::Ended) => {
            lapse(app, &claimed, GroupsLapse::Ended).await?;
            Ok(ReadOutcome::Done)
        }
        Err(NotReadAgain::Failed(error)) => not_read(provider, error),
    }
}

/// The successor of the refresh token is kept before anything of what came is looked at: without it nothing could be read again.
async fn read_by(
    app: &App,
    of: GroupsOf<'_>,
    row: &UpstreamGroups,
    token: Zeroizing<String>,
) -> Result<(), NotReadAgain> {
    let reached = ReachedProvider::open(app, of.provider).await?;
    let tokens = reached.refresh(token).await?;
    if let Some(successor) = tokens.successor() {
        let kept = of.keep_token(app, row, &successor).await;
        if !kept.map_err(fault)? {
            return Ok(());
        }
    }
    let groups = reached.groups_of(&tokens, of.subject).await?;
    let read = of.read_again(app, row, &groups).await;
    Ok(read.map_err(UpstreamError::from)?)
}

fn fault(failure: Failure) -> UpstreamError {
    UpstreamError::Ours(ServerFault::Broken(format!("{failure:?}")))
}

/// The row is tried again in a while.
fn not_read(provider: &UpstreamProvider, error: UpstreamError) -> Result<ReadOutcome, Failure> {
    let provider = provider.name.as_str();
    let outcome = match &error {
        UpstreamError::Unavailable(_) => ReadOutcome::Away,
        UpstreamError::Refused(_) => ReadOutcome::Done,
        UpstreamError::Ours(fault) => return Err(fault.clone().into()),
    };
    tracing::info!(provider, "groups of a person cannot be read again now");
    tracing::debug!(provider, error = ?error.to_string(), "the reading");
    Ok(outcome)
}

/// For this node alone, with the sealed token: a refresh token that is used twice may be good no more.
async fn claim(
    app: &App,
    groups: &UpstreamGroups,
) -> Result<Option<(UpstreamGroups, String)>, StoreError> {
    let until = app.clock.now().plus(PUT_OFF);
    let mut transaction = app.begin().await?;
    let is_ours = transaction.put_off_upstream_groups(groups, until).await?;
    transaction.commit().await?;
    let claimed = UpstreamGroups {
        next_at: until,
        ..groups.clone()
    };
    let sealed = groups.sealed_token.clone().filter(|_| is_ours);
    Ok(sealed.map(|sealed| (claimed, sealed)))
}
