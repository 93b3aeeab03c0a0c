//! Which questions are the same one.

use super::*;
use crate::id::{DelegationId, TaskId};

fn question(change: impl FnOnce(&mut AskedAccess)) -> AskedAccess {
    let mut question = AskedAccess {
        resource: ResourceUri::parse("https://notes.example").unwrap(),
        served_by: ClientId::from_text("notes-api"),
        action: "delete_note".to_owned(),
        object: "sha-256:one".to_owned(),
        evaluation: "digest".to_owned(),
        call_again: false,
        says: None,
        resolved: BTreeSet::new(),
        called: BTreeMap::new(),
        scope: Some("notes:write".to_owned()),
        waited_by: None,
        definition_hash: None,
        described: None,
        used_up: None,
    };
    change(&mut question);
    question
}

fn hash_of(ids: [&str; 3], question: &AskedAccess) -> String {
    let [client, delegation, task] = ids;
    let (client, delegation) = (
        ClientId::from_text(client),
        DelegationId::from_text(delegation),
    );
    let asker = QuestionAsker {
        client: &client,
        delegation: &delegation,
        task: &TaskId::from_text(task),
    };
    asked_hash(asker, question)
}

#[test]
fn a_question_is_of_one_delegation_client_task_resource_and_object() {
    let ids = ["agt_a", "dlg_1", "tsk_1"];
    let first = hash_of(ids, &question(|_| ()));
    for others in [
        ["agt_b", "dlg_1", "tsk_1"],
        ["agt_a", "dlg_2", "tsk_1"],
        ["agt_a", "dlg_1", "tsk_2"],
    ] {
        assert_ne!(hash_of(others, &question(|_| ())), first, "{others:?}");
    }
    let another = ResourceUri::parse("https://bank.example").unwrap();
    assert_ne!(hash_of(ids, &question(|q| q.resource = another)), first);
    let object = "sha-256:two".to_owned();
    assert_ne!(hash_of(ids, &question(|q| q.object = object)), first);
    assert_ne!(hash_of(ids, &question(|q| q.call_again = true)), first);
    let defined = |hash: &str| {
        let hash = Some(hash.to_owned());
        hash_of(ids, &question(|q| q.definition_hash = hash))
    };
    assert_ne!(defined("one"), first);
    assert_ne!(defined("one"), defined("two"));
    assert_eq!(defined("one"), defined("one"));
    let described = |digest: &str| {
        let digest = Some(digest.to_owned());
        hash_of(ids, &question(|q| q.described = digest))
    };
    assert_ne!(described("one"), first);
    assert_ne!(described("one"), described("two"));
    assert_ne!(described("one"), defined("one"));
    // Neither the resource's words nor which denial it was make another one.
    let says = Some("Other words.".to_owned());
    assert_eq!(hash_of(ids, &question(|q| q.says = says)), first);
    let evaluation = "other".to_owned();
    assert_eq!(
        hash_of(ids, &question(|q| q.evaluation = evaluation)),
        first
    );
}

#[test]
fn an_action_of_a_record_is_measured_by_its_scope() {
    let object = Authority::default();
    let by_scope = question(|_| ()).measured(&object);
    assert!(by_scope.details().is_empty());
    let scopes: Vec<&str> = by_scope.scopes().iter().map(|s| s.scope.as_str()).collect();
    assert_eq!(scopes, ["notes:write"]);
    assert_eq!(question(|q| q.scope = None).measured(&object), object);
}
