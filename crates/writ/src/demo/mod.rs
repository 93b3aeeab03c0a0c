//! `writ demo`: a server, a protected resource, agents and a user, over HTTP on loopback. Each step prints one line; an unexpected
//! answer ends the demo with an error.

mod bank;
mod cast;
mod confirm;
mod phone;
mod stage;
mod story;

use crate::cli::{Outcome, say};

pub use confirm::Answering;

/// Runs the demo on a fresh database in a temporary folder; with `stay` everything is left running afterwards.
pub async fn run(stay: bool, answering: Answering) -> Outcome {
    let folder = stage::Folder::make()?;
    let stage = stage::DemoStage::build(folder.path()).await?;
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
