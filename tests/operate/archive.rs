//! The record goes into a signed file before it leaves the database, whatever interrupts that, and the file proves itself.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use writ_core::event::{Event, EventName};
use writ_core::history::KEPT;
use writ_core::id::EventId;
use writ_core::realm::DEFAULT_TENANT;
use writ_platform::Clock;
use writ_store::Store;
use writ_testkit::{Cast, DatabaseKind, World, both};
use writ_wire::time::Timestamp;

use super::registered::{complaint, printed};
use super::suspend::writ;
use crate::process::binary;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder that leaves with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(world: &World) -> Self {
        let folder =
            std::env::temp_dir().join(format!("writ-archive-{}", world.random.identifier()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A grant that is older than anything may rest on, and one of sixty days ago; the day between is forty days ago.
async fn recorded(world: &World) -> (Cast, String) {
    let now = Clock::System.now();
    world.clock.set(now.minus(KEPT + DAY * 40));
    world.database.forget_time().await;
    let cast = Cast::of(world).await;
    cast.grant(world).await;
    world.clock.set(now.minus(DAY * 60));
    cast.grant(world).await;
    let before = now.minus(DAY * 40).rfc3339();
    world.clock.set(now.minus(DAY));
    cast.token(world).await;
    (cast, before)
}

fn archive(world: &World, before: &str, file: &Path) -> Output {
    let file = file.to_str().unwrap();
    writ(world, &["audit", "archive", "--before", before, file])
}

fn verify(world: &World, file: &Path, more: &[&str]) -> Output {
    let words = ["audit", "verify", file.to_str().unwrap()];
    writ(world, &[&words[..], more].concat())
}

async fn count(world: &World, table: &str) -> usize {
    let dump = world.database.dump().await;
    let start = format!("{table} ");
    dump.lines().filter(|line| line.starts_with(&start)).count()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

both!(
    /// What was recorded before the day stands in the file and nowhere else; what tells of the archive stays.
    an_archive_takes_the_record_out_and_proves_itself,
    |world| async {
        let (_, before) = recorded(&world).await;
        let all = world.events().await;
        let older: Vec<String> = {
            let old = all.iter().filter(|event| event.at.rfc3339() < before);
            old.map(|event| event.id.clone()).collect()
        };
        assert!(older.len() > 10 && older.len() < all.len());
        let consents = count(&world, "consents").await;
        let folder = Folder::new(&world);
        let file = folder.file("record.jsonl");
        let done = printed(&archive(&world, &before, &file));
        // With the older consent: a task may still rest on the other one.
        assert_eq!(done["rows"], json!(older.len() + 1), "{done}");
        assert_eq!(done["deleted"], done["rows"]);
        let rows = lines(&file);
        let kept: Vec<&str> = rows.iter().filter_map(|line| line["row"]["id"].as_str()).collect();
        assert!(older.iter().all(|id| kept.contains(&id.as_str())));
        let issued = rows.iter().find(|line| line["row"]["columns"]["name"] == "token.issued");
        let data = &issued.unwrap()["row"]["columns"]["data"];
        assert!(data["jti"].is_string() && data["authority"].is_object(), "{data}");
        let left = world.events().await;
        assert!(left.iter().all(|event| !older.contains(&event.id)));
        assert_eq!(left.len(), all.len() - older.len() + 1);
        assert_eq!(count(&world, "consents").await, consents - 1);
        let told = left.iter().find(|event| event.name == "audit.archived").unwrap();
        assert_eq!(told.reason.as_deref(), done["digest"].as_str());
        assert_eq!(told.data["rows"], done["rows"]);
        assert!(told.data["operator"]["system_user"].is_string());

        let proved = printed(&verify(&world, &file, &[]));
        assert_eq!((&proved["digest"], &proved["rows"]), (&done["digest"], &done["rows"]));
        // With the published keys alone, as an auditor has them.
        let keys = folder.file("jwks.json");
        std::fs::write(&keys, world.get("/jwks", &[]).await.text()).unwrap();
        let proved = verify(&world, &file, &["--jwks", keys.to_str().unwrap()]);
        assert_eq!(printed(&proved)["verified"], true);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replacen("token.issued", "token.refused", 1)).unwrap();
        assert!(complaint(&verify(&world, &file, &[])).contains("changed after it was signed"));
    }
);

both!(
    /// Killed before the file had its end, or between file and deletion: the same command goes on, and nothing is lost.
    an_interrupted_archive_is_gone_on_with,
    |world| async {
        let (_, before) = recorded(&world).await;
        let events = count(&world, "events").await;
        let folder = Folder::new(&world);
        let (file, partial) = (folder.file("record.jsonl"), folder.file("record.jsonl.partial"));
        std::fs::write(&partial, "{\"head\":{\"vers").unwrap();
        let first = printed(&archive(&world, &before, &file));
        assert!(!partial.exists());
        // As if nothing but one had been deleted: the others are there again, and as one more there is one that is in no file.
        let rows = lines(&file);
        let rows = rows.iter().map(|line| &line["row"]);
        let of_events = rows.filter(|row| row["columns"]["name"].is_string());
        let place = |row: &Value| (row["id"].as_str().unwrap().to_owned(), row["at"].as_i64().unwrap());
        let mut there: Vec<_> = of_events.skip(1).map(place).collect();
        let again = there.len();
        there.push(("evt_late".to_owned(), there[0].1));
        let mut transaction = world.begin().await;
        for (id, at) in &there {
            let (id, at) = (EventId::from_text(id), Timestamp::from_micros(*at));
            let event = Event::new(id, at, EventName::TokenIssued);
            transaction.insert_event(&event).await.unwrap();
        }
        transaction.commit().await.unwrap();
        let second = printed(&archive(&world, &before, &file));
        assert_eq!((&second["digest"], &second["deleted"]), (&first["digest"], &json!(again)));
        let left = world.events().await;
        let of_file = there.iter().filter(|(id, _)| left.iter().any(|event| event.id == *id));
        assert_eq!(of_file.map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["evt_late"]);
        let told = world.event_names().await;
        assert_eq!(told.iter().filter(|name| *name == "audit.archived").count(), 1);
        let rows = usize::try_from(first["rows"].as_u64().unwrap()).unwrap();
        // All but the consent are events; one tells of the archive, and one came late.
        assert_eq!(count(&world, "events").await, events - (rows - 1) + 2);

        // A file that was cut is neither gone on with nor written over.
        let text = std::fs::read_to_string(&file).unwrap();
        let cut = folder.file("cut.jsonl");
        std::fs::write(&cut, &text[..text.len() / 2]).unwrap();
        assert!(complaint(&archive(&world, &before, &cut)).contains("interrupted"));
        // Nor is one of another day.
        let other = Clock::System.now().minus(DAY * 39).rfc3339();
        assert!(complaint(&archive(&world, &other, &file)).contains("name another file"));
    }
);

both!(archives_name_the_one_before_them, |world| async {
    let (_, before) = recorded(&world).await;
    let folder = Folder::new(&world);
    let earlier = Clock::System.now().minus(DAY * 100);
    let earlier = earlier.rfc3339()[..10].to_owned();
    let (one, two) = (folder.file("1.jsonl"), folder.file("2.jsonl"));
    let first = printed(&archive(&world, &earlier, &one));
    let second = printed(&archive(&world, &before, &two));
    assert_ne!(first["digest"], second["digest"]);
    assert_eq!(lines(&two)[0]["head"]["previous"], first["digest"]);
    assert_eq!(
        printed(&verify(&world, &two, &[]))["previous"],
        first["digest"]
    );
    let nothing = archive(&world, &before, &folder.file("3.jsonl"));
    assert_eq!(nothing.status.code(), Some(0));
    assert!(!folder.file("3.jsonl").exists());
    // What is young stays, and a day is a day.
    let today = Clock::System.now().rfc3339();
    let refused = archive(&world, &today, &folder.file("4.jsonl"));
    let said = complaint(&refused);
    assert!(said.contains("less than a day ago"), "{said}");
    assert!(
        said.contains("is the latest day that may be given"),
        "{said}"
    );
    let refused = archive(&world, "yesterday", &folder.file("4.jsonl"));
    assert!(complaint(&refused).contains("is no day"));
});

/// The keys that sign an archive are made by the first server, or by the first archive.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_never_served_is_archived_too() {
    let database = writ_store::testing::empty(DatabaseKind::Sqlite).await;
    let world = World::new(DatabaseKind::Sqlite).await;
    let folder = Folder::new(&world);
    let run = |command: &[&str]| {
        let mut run = Command::new(binary());
        run.env_clear().envs(world.environment());
        run.env("WRIT__DATABASE__URL", &database.url).args(command);
        run.output().unwrap()
    };
    assert!(run(&["migrate"]).status.success());
    let old = Clock::System.now().minus(DAY * 9);
    let store = Store::connect(&database.url).await.unwrap();
    let mut transaction = store.begin(DEFAULT_TENANT).await.unwrap();
    let id = EventId::make(old, world.random.bytes());
    let event = Event::new(id, old, EventName::UserAdded);
    transaction.insert_event(&event).await.unwrap();
    transaction.commit().await.unwrap();
    store.close().await;
    let before = Clock::System.now().minus(DAY * 2).rfc3339();
    let file = folder.file("record.jsonl");
    let path = file.to_str().unwrap();
    let done = printed(&run(&["audit", "archive", "--before", &before, path]));
    assert_eq!((&done["rows"], &done["deleted"]), (&json!(1), &json!(1)));
    assert_eq!(printed(&run(&["audit", "verify", path]))["verified"], true);
}
