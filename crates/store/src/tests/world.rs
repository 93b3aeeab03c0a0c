//! What the scenes start from: a tenant, a person, an owner, agents, a task, delegations.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use writ_authority::{Authority, ScopeGrant};
use writ_core::client::User;
use writ_core::code::NewCode;
use writ_core::consent::Consent;
use writ_core::delegation::{self, Delegation};
use writ_core::id::{ApprovalId, ClientId, ConsentId, DelegationId, TaskId, TransactionId, UserId};
use writ_core::onward::Onward;
use writ_core::request::PreparedRequest;
use writ_core::task::{Approval, PersonAuthentication, Subject, Task};
use writ_jose::key::Thumbprint;
use writ_wire::authorization::AuthorizationRequest;
use writ_wire::claims::{ApprovalBasis, DecidedBy};
use writ_wire::pkce::CodeChallenge;
use writ_wire::rar::Detail;
use writ_wire::resource::ResourceUri;
use writ_wire::time::Timestamp;

use crate::client::NewAgent;
use crate::testing::{self, DatabaseKind, TestDatabase};
use crate::{DatabaseTransaction, Store};

pub const TENANT: &str = "default";
pub const ISSUER: &str = "https://as.example";
pub const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);
pub const HOUR: Duration = Duration::from_secs(3600);
/// Tasks that race for what may happen once.
pub const RACERS: usize = 50;

/// A tenant with alice (who is the subject), olga (who owns agents) and two agents.
pub async fn world(kind: DatabaseKind) -> TestDatabase {
    let database = testing::fresh(kind).await;
    let mut transaction = database.store.begin(TENANT).await.unwrap();
    populate(&mut transaction, ISSUER).await;
    transaction.commit().await.unwrap();
    database
}

pub async fn populate(transaction: &mut DatabaseTransaction, issuer: &str) {
    transaction.ensure_tenant(issuer, NOW).await.unwrap();
    for name in ["alice", "olga"] {
        assert!(
            transaction
                .insert_user(&user(name), "argon2id...", NOW)
                .await
                .unwrap()
        );
    }
    for name in ["agt_planner", "agt_booker"] {
        let client = ClientId::from_text(name);
        assert!(
            transaction
                .insert_client(&client, "{}", None, NOW)
                .await
                .unwrap()
        );
        let owner = user("olga").id;
        let agent = NewAgent {
            client: &client,
            owner: &owner,
            sponsor: &owner,
            publisher: "Acme",
        };
        transaction.insert_agent(agent, NOW).await.unwrap();
    }
}

pub fn user(name: &str) -> User {
    User::new(UserId::from_text(format!("usr_{name}")), name)
}

pub fn planner() -> ClientId {
    ClientId::from_text("agt_planner")
}

pub fn booker() -> ClientId {
    ClientId::from_text("agt_booker")
}

/// A well-formed thumbprint, another one per letter.
pub fn key(letter: char) -> Thumbprint {
    Thumbprint::parse(&format!("{}A", letter.to_string().repeat(42))).unwrap()
}

pub fn challenge() -> CodeChallenge {
    CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").unwrap()
}

pub fn bank() -> ResourceUri {
    ResourceUri::parse("https://bank.example").unwrap()
}

pub fn authority() -> Authority {
    let grant = ScopeGrant {
        resource: bank(),
        scope: "accounts:read".to_owned(),
    };
    let payment = json!({"type": "payment", "amount": "12.50", "ref": "r1", "locations": [bank()]});
    let payment = Detail::new(payment.as_object().unwrap().clone()).unwrap();
    Authority::new(BTreeSet::from([grant]), vec![payment], BTreeSet::new())
}

/// Alice's task for the planner; an hour long.
pub fn task(name: &str) -> Task {
    Task {
        id: TaskId::from_text(format!("tsk_{name}")),
        subject: Subject::Person(user("alice").id.to_string()),
        client: planner(),
        purpose: Some("book a flight to Łódź".to_owned()),
        authority: authority(),
        salt: "salt".to_owned(),
        transaction: TransactionId::from_text("txn_1"),
        approval: Approval {
            id: ApprovalId::from_text("apr_1"),
            basis: ApprovalBasis::Consent,
            at: NOW,
            authentication: Some(PersonAuthentication {
                at: NOW,
                acr: "urn:writ:acr:password".to_owned(),
                amr: vec!["pwd".to_owned()],
            }),
            transaction: None,
            by: Some(DecidedBy::Subject),
            people: 1,
            designation: None,
        },
        created_at: NOW,
        expires_at: NOW.plus(HOUR),
    }
}

pub fn consent(name: &str) -> Consent {
    Consent {
        id: ConsentId::from_text(format!("con_{name}")),
        shown: "Pay 12.50".to_owned(),
        shown_hash: "hash".to_owned(),
        locale: "en".to_owned(),
        method: "password",
        at: NOW,
    }
}

/// The planner's root delegation of a task.
pub fn root(task: &Task) -> Delegation {
    let id = DelegationId::from_text(format!("dlg_{}_1", task.id));
    Delegation {
        path: delegation::path(None, &id),
        task: task.id.clone(),
        parent: None,
        asked_by: None,
        approval: None,
        holder: planner(),
        requested_by: planner(),
        authority: task.authority.clone(),
        onward: Onward::nobody(),
        act: Some(delegation::act(ISSUER, &planner(), &id, None)),
        jkt: Some(key('a')),
        created_at: NOW,
        expires_at: task.expires_at,
        id,
    }
}

/// The next row below: the booker's.
pub fn child(parent: &Delegation) -> Delegation {
    let place = parent.lineage_length() + 1;
    let id = DelegationId::from_text(format!("dlg_{}_{place}", parent.task));
    Delegation {
        path: delegation::path(Some(&parent.path), &id),
        parent: Some(parent.id.clone()),
        holder: booker(),
        requested_by: parent.holder.clone(),
        act: Some(delegation::act(
            ISSUER,
            &booker(),
            &id,
            parent.act.as_ref().filter(|a| a.depth() < 3),
        )),
        jkt: Some(key('b')),
        id,
        ..parent.clone()
    }
}

/// A task and `length` delegations, one below the other; the last is the leaf.
pub async fn chain(store: &Store, name: &str, length: usize) -> Vec<Delegation> {
    let task = task(name);
    let mut rows = vec![root(&task)];
    while rows.len() < length {
        rows.push(child(rows.last().unwrap()));
    }
    let mut transaction = store.begin(TENANT).await.unwrap();
    assert!(transaction.insert_task_if_active(&task).await.unwrap());
    for row in &rows {
        transaction.insert_delegation(row).await.unwrap();
    }
    transaction.commit().await.unwrap();
    rows
}

pub fn code(digest: &str, delegation: &DelegationId) -> NewCode {
    NewCode {
        digest: digest.to_owned(),
        client: planner(),
        delegation: delegation.clone(),
        redirect_uri: "https://agent.example/cb".to_owned(),
        code_challenge: Some(challenge()),
        jkt: Some(key('a')),
        nonce: Some("n".to_owned()),
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(60)),
    }
}

pub fn prepared() -> PreparedRequest {
    PreparedRequest {
        request: AuthorizationRequest {
            client_id: planner().to_string(),
            redirect_uri: None,
            state: Some("s".to_owned()),
            scope: vec!["accounts:read".to_owned()],
            code_challenge: Some(challenge()),
            resource: vec![bank()],
            authorization_details: authority().details().to_vec(),
            dpop_jkt: None,
            nonce: None,
            prompt: writ_wire::prompt::PromptSet::default(),
            max_age: None,
            acr_values: Vec::new(),
            mission_intent: None,
            openid: writ_wire::openid::OpenIdParameters::default(),
        },
        redirect_uri: "https://agent.example/cb".to_owned(),
        authority: authority(),
        jkt: Some(key('a')),
        purpose: None,
        task_expires_at: None,
        pushed: true,
        signed_by: Some(key('b')),
        hinted: None,
    }
}

/// Runs `racer` at once in many tasks; how often it won.
pub async fn wins<F, R>(racer: F) -> usize
where
    F: Fn(usize) -> R,
    R: Future<Output = bool> + Send + 'static,
{
    let racing: Vec<_> = (0..RACERS)
        .map(|place| tokio::spawn(racer(place)))
        .collect();
    let mut wins = 0;
    for race in racing {
        wins += usize::from(race.await.unwrap());
    }
    wins
}
