//! What a person would not see exactly is refused at every endpoint that asks people, with its pointer.

use serde_json::json;
use writ_testkit::{
    BANK, Cast, TestReply, agent_file, both, enrol, minted, payment, refused, with,
};

use crate::client::device;
use crate::client::narrow::{ask, details, wide};

/// A payment whose payee reads `KLM` and is another.
fn hidden() -> String {
    let mut object = payment("5.00");
    object["creditor"]["name"] = json!("KLM\u{200b}");
    json!([payment("5.00"), object]).to_string()
}

fn named(reply: &TestReply, whence: &str) {
    refused(reply, "invalid_authorization_details", whence);
    let said = reply.member("error_description");
    for part in ["/1/creditor/name", "U+200B", "character 4"] {
        assert!(said.contains(part), "{whence}: {said}");
    }
}

both!(
    what_nobody_would_see_is_refused_wherever_people_are_asked,
    |world| async {
        let cast = Cast::of(&world).await;
        let form = with(&cast.request(), "authorization_details", hidden());
        named(&cast.planner.send(&world, "/par", &form).await, "pushed");
        let form = with(&cast.question(), "authorization_details", hidden());
        named(&cast.planner.ask(&world, &form).await, "asked");
        let form = with(&device::request(), "authorization_details", hidden());
        let reply = cast.planner.send(&world, "/device_authorization", &form);
        named(&reply.await, "from a device");
    }
);

both!(
    /// What an agent adds to narrow an object, people read too: on their pages.
    nothing_hidden_comes_in_by_an_exchange,
    |world| async {
        let cast = Cast::of(&world).await;
        let (agent, form) = wide(&world, &cast).await;
        let mut free = payment("100.00");
        free.as_object_mut().unwrap().remove("reference");
        let form = with(&form, "authorization_details", details(&json!([free])));
        let token = cast.granted(&world, &agent, &form, BANK).await;
        let less = |reference: &str| {
            let mut object = payment("40.00");
            object["reference"] = json!(reference);
            let form = cast.exchange_form(&token.access_token(), None);
            with(&form, "authorization_details", details(&json!([object])))
        };
        let reply = ask(&world, &agent, &less("Rent\u{202e}tneR")).await;
        refused(&reply, "invalid_authorization_details", "a turned reference");
        let said = reply.member("error_description");
        assert!(said.contains("/0/reference") && said.contains("U+202E"), "{said}");
        minted(&ask(&world, &agent, &less("Rent")).await, "a plain one");
    }
);

both!(
    /// Two payees that only quotation marks tell apart, as the person reads them and as their device signs them.
    the_signed_text_marks_each_value,
    |world| async {
        let cast = Cast::of(&world).await;
        let mut object = payment("5.00");
        object["creditor"]["name"] = json!("KLM\" (NL91ABNA0417164300), once");
        let mut file = agent_file("agt_marked", "alice");
        file["agent"]["may_ask"] = json!(["alice"]);
        let agent = enrol(&world, file).await;
        let form = cast.question();
        let form = with(&form, "authorization_details", json!([object]).to_string());
        let asked = agent.asked(&world, &form).await;
        let id = world.request_id(&asked).await;
        let mut alice = world.phone_of("alice").await;
        let page = alice.look(&id).await;
        let line = "Pay up to EUR 5.00 to “KLM\\\" (NL91ABNA0417164300), once” (NL91 ABNA 0417 1643 00), once";
        page.says(line);
        alice.approve_by_password(&page).await.says(line);
    }
);
