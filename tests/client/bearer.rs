//! Bearer tokens: for the one client that may have them, marked in the record, and never where a key was once bound.

use serde_json::json;
use writ_testkit::{Cast, Change, Forge, Web, both};

both!(an_agents_code_without_proof_gives_nothing, |world| async {
    let cast = Cast::of(&world).await;
    let code = cast.code(&world).await;
    let form = cast.redeem_form(&code);
    let bare = cast.planner.send_with(&world, "/token", &form, &[]).await;
    assert_eq!(
        bare.refusal(),
        (400, "invalid_request".to_owned()),
        "a missing proof"
    );
    assert_eq!(
        cast.planner.send(&world, "/token", &form).await.status,
        200,
        "nothing was used up"
    );
});

both!(bearer_only_for_the_one_client_that_may, |world| async {
    Cast::of(&world).await;
    let web = Web::register(&world, json!({})).await;
    let code = web.code(&world, &web.request()).await;
    let bearer = web
        .send(&world, "/token", &web.redeem_form(&code), &[])
        .await;
    assert_eq!(
        bearer.json()["token_type"],
        json!("Bearer"),
        "{}",
        bearer.text()
    );
    assert_eq!(bearer.claims().get("cnf"), None);
    assert_eq!(bearer.claims().get("act"), None);
    let issued = world.events_named("token.issued").await;
    assert_eq!(
        issued[0].data["token_type"],
        json!("Bearer"),
        "marked in the record"
    );

    let key = Forge::new(&world.random);
    let proof = || key.proof("POST", "http://localhost:9/token", world.now().seconds());
    let code = web.code(&world, &web.request()).await;
    let bound = web
        .send(
            &world,
            "/token",
            &web.redeem_form(&code),
            &[("dpop", &proof())],
        )
        .await;
    assert_eq!(bound.json()["token_type"], json!("DPoP"));
    assert_eq!(bound.claims()["cnf"]["jkt"], json!(key.thumbprint()));

    let strict = Web::register(&world, json!({ "client_id": "strict", "bearer": false })).await;
    let code = strict.code(&world, &strict.request()).await;
    let form = strict.redeem_form(&code);
    let refused = strict.send(&world, "/token", &form, &[]).await;
    assert_eq!(refused.refusal(), (400, "invalid_request".to_owned()));
    let bound = strict
        .send(&world, "/token", &form, &[("dpop", &proof())])
        .await;
    assert_eq!(bound.json()["token_type"], json!("DPoP"));
});

both!(a_code_that_is_bound_never_yields_bearer, |world| async {
    Cast::of(&world).await;
    let public = json!({ "client_id": "public", "token_endpoint_auth_method": "none" });
    let public = Web::register(&world, public).await;
    let key = Forge::new(&world.random);
    let form = public.request().with("dpop_jkt", key.thumbprint());
    let code = public.code(&world, &form).await;
    let form = public.redeem_form(&code);
    assert_eq!(
        public.send(&world, "/token", &form, &[]).await.refusal(),
        (400, "invalid_grant".to_owned())
    );
    let proof = key.proof("POST", "http://localhost:9/token", world.now().seconds());
    let bound = public
        .send(&world, "/token", &form, &[("dpop", &proof)])
        .await;
    assert_eq!(
        bound.claims()["cnf"]["jkt"],
        json!(key.thumbprint()),
        "{}",
        bound.text()
    );
});
