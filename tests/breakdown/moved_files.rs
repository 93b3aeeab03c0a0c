//! The files of SQLite moved, replaced or removed under a server: it does nothing while its paths lead to other files than it has open, and
//! says so.

use std::path::{Path, PathBuf};
use std::process::Command;

use writ_testkit::{DatabaseKind, PASSWORD, World};

use super::scene::{Scene, made};
use crate::process::{Process, binary};

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

/// Harms one of the files beside it, by its ending. What was written before, and `meanwhile` by a command, is there when the server has
/// ended.
async fn beside_another(ending: &str, harm: fn(&Path), says: &str, meanwhile: &str) {
    let (mut scene, file) = scene().await;
    let add_user = |world: &World, name: &str| {
        let password = beside(&file, ".password");
        std::fs::write(&password, PASSWORD).unwrap();
        let password = password.to_str().unwrap();
        command(world, &["user", "add", name, "--password-file", password]);
    };
    add_user(&scene.world, "before");
    // The server is the last one that has it open.
    scene.world.store().close().await;
    harm(&beside(&file, ending));
    is_away(&scene, says).await;

    add_user(&scene.world, meanwhile);
    scene.process.signal("TERM");
    assert!(scene.process.ended().await.success());
    let users = command(&scene.world, &["user", "list"]);
    for name in ["before", meanwhile] {
        assert!(users.contains(name), "{name}: {users}");
    }
    scene.process = Process::start(&scene.world, &[]).await;
    scene.until_readiness_is(200).await;
}

fn command(world: &World, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .env_clear()
        .envs(world.environment());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

/// By the same bytes in another file.
fn replace(path: &Path) {
    let other = beside(path, ".other");
    std::fs::copy(path, &other).unwrap();
    std::fs::rename(&other, path).unwrap();
}

const LOG: &str = "its write-ahead log (`-wal`) was moved";
const INDEX: &str = "the index of its write-ahead log (`-shm`) was moved";

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_its_log() {
    let (scene, file) = scene().await;
    remove(&beside(&file, "-wal"));
    is_away(&scene, LOG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_with_another_log() {
    let (scene, file) = scene().await;
    replace(&beside(&file, "-wal"));
    is_away(&scene, LOG).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_without_the_index_of_its_log() {
    beside_another("-shm", remove, INDEX, "meanwhile").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_with_another_index_of_its_log() {
    beside_another("-shm", replace, INDEX, "meanwhile").await;
}
