//! What becomes of questions of resource servers is counted, and docs/metrics.md says how.

use writ_server::approvals::escalate;
use writ_testkit::{World, both};

use super::access_scene::{Scene, permitted, presenting, staged};

/// The value of the counter of this result.
fn counted(world: &World, result: &str) -> u64 {
    let start = format!("writ_access_requests_total{{result=\"{result}\"}} ");
    let text = world.app.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |number| number.parse().unwrap())
}

/// How many evaluations of this outcome were measured.
fn measured(world: &World, outcome: &str) -> u64 {
    let start = format!("writ_access_evaluation_seconds_count{{outcome=\"{outcome}\"}} ");
    let text = world.app.metrics.render();
    let line = text.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |number| number.parse().unwrap())
}

both!(each_end_of_a_question_is_counted, |world| async {
    let mut scene = staged(&world).await;
    let ask = async |scene: &Scene, title: &str| {
        let id = scene.notes.asked(&world, &scene.deletion(title)).await;
        // While it waits the same question is not another one.
        assert_eq!(scene.notes.asked(&world, &scene.deletion(title)).await, id);
        id
    };
    let used = scene.deletion("Used");
    let id = ask(&scene, "Used").await;
    scene.yes(&id).await;
    let again = presenting(&used, &scene.notes.status(&world, &id).await);
    permitted(&scene.notes.decide(&world, &again).await);
    let id = ask(&scene, "Lapsed").await;
    scene.yes(&id).await;
    let id = ask(&scene, "Denied").await;
    let page = scene.alice.look(&id).await;
    scene.alice.refuse(&page, "deny").await;
    let id = ask(&scene, "Cancelled").await;
    assert_eq!(scene.notes.cancel(&world, &id).await.status, 200);
    ask(&scene, "Expired").await;
    world.advance(301);
    escalate::turn(&world.app).await.unwrap();
    let page = include_str!("../../docs/metrics.md");
    let row = page
        .lines()
        .find(|row| row.contains("`writ_access_requests_total`"));
    let row = row.unwrap();
    for (result, count) in [
        ("made", 5),
        ("approved", 2),
        ("denied", 1),
        ("cancelled", 1),
        ("expired", 1),
        ("lapsed", 1),
    ] {
        assert_eq!(counted(&world, result), count, "{result}");
        assert!(
            row.contains(&format!("`{result}`")),
            "{result} is documented"
        );
    }
    assert_eq!(measured(&world, "permit"), 1);
    assert!(measured(&world, "approval_required") >= 10);
});
