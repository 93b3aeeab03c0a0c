//! The stores in memory: bounded, and a full one rejects.

use std::time::Duration;

use writ_authority::{Decimal, Usage};
use writ_wire::time::Timestamp;

use crate::{MemoryReplays, MemorySpends, ReplayStore, SpendClaim, SpendStore};

const NOW: Timestamp = Timestamp::from_seconds(1_790_000_000);

#[tokio::test]
async fn proofs_are_remembered_to_the_end_of_acceptance_and_no_longer() {
    let store = MemoryReplays::default();
    let until = NOW.plus(Duration::from_secs(60));
    assert_eq!(store.claim("a", until, NOW).await, Ok(true));
    assert_eq!(
        store.claim("a", until, until).await,
        Ok(false),
        "the last moment counts"
    );
    let after = until.plus(Duration::from_micros(1));
    assert_eq!(store.claim("a", until, after).await, Ok(true));
}

#[tokio::test]
async fn a_full_memory_of_proofs_refuses_until_old_ones_leave() {
    let store = MemoryReplays::with_limit(2);
    let until = NOW.plus(Duration::from_secs(60));
    for digest in ["a", "b"] {
        assert_eq!(store.claim(digest, until, NOW).await, Ok(true));
    }
    assert!(store.claim("c", until, NOW).await.is_err());
    assert_eq!(
        store.claim("a", until, NOW).await,
        Ok(false),
        "nothing was forgotten"
    );
    let later = until.plus(Duration::from_secs(1));
    assert_eq!(store.claim("c", later, later).await, Ok(true));
}

fn once(reference: &str, until: Timestamp) -> SpendClaim {
    SpendClaim {
        issuer: "https://as.example".into(),
        task: "tsk_1".into(),
        reference: reference.into(),
        usage: Usage::Once,
        amounts: Vec::new(),
        until,
    }
}

#[tokio::test]
async fn a_full_memory_of_spends_refuses_until_tasks_end() {
    let store = MemorySpends::with_limit(2);
    let until = NOW.plus(Duration::from_secs(60));
    for reference in ["a", "b"] {
        assert_eq!(store.spend(&once(reference, until), NOW).await, Ok(true));
    }
    assert!(store.spend(&once("c", until), NOW).await.is_err());
    assert_eq!(store.spend(&once("a", until), NOW).await, Ok(false));
    let later = until.plus(Duration::from_secs(1));
    assert_eq!(store.spend(&once("c", later), later).await, Ok(true));
}

#[tokio::test]
async fn a_budget_takes_all_or_nothing() {
    let store = MemorySpends::default();
    let amount = |pointer: &str, budget: &str, amount: &str| writ_authority::BudgetSpend {
        pointer: pointer.into(),
        budget: Decimal::parse(budget).unwrap(),
        amount: Decimal::parse(amount).unwrap(),
    };
    let spend = |amounts| SpendClaim {
        usage: Usage::Repeat,
        amounts,
        ..once("b", NOW)
    };
    let first = spend(vec![
        amount("/money", "10", "6"),
        amount("/calls", "1", "1"),
    ]);
    assert_eq!(store.spend(&first, NOW).await, Ok(true));
    let second = spend(vec![
        amount("/money", "10", "4"),
        amount("/calls", "1", "1"),
    ]);
    assert_eq!(
        store.spend(&second, NOW).await,
        Ok(false),
        "no call is left"
    );
    let rest = spend(vec![amount("/money", "10", "4")]);
    assert_eq!(
        store.spend(&rest, NOW).await,
        Ok(true),
        "the refused try took no money"
    );
    let more = spend(vec![amount("/money", "10", "0.01")]);
    assert_eq!(store.spend(&more, NOW).await, Ok(false));
}
