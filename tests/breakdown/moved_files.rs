//! The files of SQLite moved, replaced or removed under a server: it does nothing while its paths lead to other files than it has open, and
//! says so.

use std::path::{Path, PathBuf};

use writ_testkit::DatabaseKind;

use super::scene::{Scene, made};
use crate::process::Process;

async fn scene() -> (Scene, PathBuf) {
    let (world, cast) = made(DatabaseKind::Sqlite).await;
    let file = PathBuf::from(world.database.url.trim_start_matches("sqlite:"));
    let process = Process::start(&world, &[]).await;
    (Scene::on(world, process, cast).await, file)
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

async fn is_away(scene: &Scene, says: &str) {
    scene.until_readiness_is(503).await;
    scene.programs_are_told().await;
    scene.pages_are_told().await;
    scene.what_is_known_goes_on().await;
    let text = scene.process.text();
    assert!(text.contains(says), "{text}");
    scene.nothing_broke();
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_moved_away_and_back_and_then_replaced() {
    let (scene, file) = scene().await;
    let elsewhere = beside(&file, ".moved");
    std::fs::rename(&file, &elsewhere).unwrap();
    is_away(&scene, "moved, replaced or removed").await;
    assert!(!file.exists(), "no new one is made in its place");
    std::fs::rename(&elsewhere, &file).unwrap();
    scene.is_well().await;

    // As by a backup that is restored.
    let other = beside(&file, ".backup");
    std::fs::copy(&file, &other).unwrap();
    std::fs::rename(&other, &file).unwrap();
    is_away(&scene, "moved, replaced or removed").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_its_log() {
    let (scene, file) = scene().await;
    std::fs::remove_file(beside(&file, "-wal")).unwrap();
    is_away(&scene, "its write-ahead log").await;
}
