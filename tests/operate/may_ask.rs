//! Whom a client may ask by CIBA though they agreed to nothing, as operators change it.

use serde_json::json;
use writ_testkit::{Web, both};

use super::registered::{cast_now, complaint, printed};
use super::suspend::writ;

both!(whom_a_client_may_ask_is_changed_by_flags, |world| async {
    cast_now(&world).await;
    let ciba = "urn:openid:params:grant-type:ciba";
    Web::register(&world, json!({ "grant_types": [ciba] })).await;
    for (kind, id) in [("client", "web"), ("agent", "agt_planner")] {
        let change = |flag, name| [kind, "change", id, flag, name];
        printed(&writ(&world, &change("--add-may-ask", "mallory")));
        printed(&writ(&world, &change("--add-may-ask", "alice")));
        printed(&writ(&world, &change("--remove-may-ask", "mallory")));
        let file = world.client_file(id).await;
        let found = file.get("agent").unwrap_or(&file);
        assert_eq!(found["may_ask"], json!(["alice"]), "{id}");
        let absent = writ(&world, &change("--remove-may-ask", "mallory"));
        assert!(complaint(&absent).contains("`may_ask` does not hold"));
        let wrong = writ(&world, &change("--add-may-ask", "no name"));
        assert!(complaint(&wrong).contains("no person's name"));
    }
});
