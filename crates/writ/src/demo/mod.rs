//! `writ demo`: a server, a bank, agents and a person, over real HTTP on loopback; nothing is faked.
//! Each step prints one line; a surprise ends it with an error.

mod bank;
mod cast;
mod confirm;
mod person;
mod phone;
mod stage;
mod story;

use crate::cli::{Outcome, say};

pub use confirm::Answering;

/// Plays the story on a fresh database in a temporary folder; with `stay` everything is left running afterwards.
pub async fn run(stay: bool, answering: Answering) -> Outcome {
    let folder = stage::Folder::make()?;
    let stage = stage::Stage::build(folder.path()).await?;
    story::play(&stage, answering).await?;
    if stay {
        stage.describe();
        stage.serve_until_stopped().await;
    } else {
        stage.stop().await;
        say("\nNothing is left behind. `writ demo --stay` leaves it running.");
    }
    Ok(())
}
