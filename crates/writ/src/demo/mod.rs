//! `writ demo`: a server, an MCP server behind the gate with a stock client, a bank with agents, and a person, over HTTP on loopback. A
//! line for each step; an unexpected answer ends the demo with an error.

mod alice;
mod bank;
mod cast;
mod claude;
mod confirm;
mod gated;
mod notes;
mod phone;
mod stage;
mod stay;
mod story;
mod telling;

use std::io::IsTerminal;

use clap::Args;

use self::gated::GatedPlay;
use self::stage::{DemoStage, Folder};
use self::telling::{Player, StoryForm, Teller};
use crate::cli::{Outcome, interrupted};

#[derive(Args)]
pub struct DemoArguments {
    /// Leave everything running afterwards: a key asks again, and you decide
    #[arg(long)]
    stay: bool,
    /// A scripted person decides; without a terminal, and with --json, that is always so
    #[arg(long)]
    auto: bool,
    /// An object for each step, with the tokens as they are
    #[arg(long)]
    json: bool,
    /// Write the log of the server to standard error
    #[arg(long)]
    pub log: bool,
}

/// Who answers the questions of the story.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answering {
    Scripted,
    Person,
}

impl DemoArguments {
    const fn form(&self) -> StoryForm {
        match self.json {
            true => StoryForm::Json,
            false => StoryForm::Lines,
        }
    }

    /// Without a terminal no person can answer.
    fn answering(&self) -> Answering {
        match self.auto || self.json || !std::io::stdout().is_terminal() {
            true => Answering::Scripted,
            false => Answering::Person,
        }
    }
}

/// Runs the demo on a fresh database in a temporary folder, which is gone at the end, also when a signal ends it.
pub async fn run(arguments: DemoArguments) -> Outcome {
    let folder = Folder::make()?;
    let teller = Teller::new(arguments.form());
    let stage = DemoStage::build(folder.path()).await?;
    let told = tokio::select! {
        told = tell(&stage, &teller, &arguments) => told,
        () = interrupted() => Ok(()),
    };
    stage.stop().await;
    told
}

async fn tell(stage: &DemoStage, teller: &Teller, arguments: &DemoArguments) -> Outcome {
    let (issuer, gate) = (&stage.issuer, &stage.gate);
    teller.introduce(&stage.cast.alice, stage.cast.login.name);
    teller.introduce(gate, "Notes");
    teller.introduce(&stage.bank, "Bank");
    let answering = arguments.answering();
    if answering == Answering::Scripted {
        teller.hint(
            "A script plays Alice; in a terminal, without `--auto` and `--json`, you are Alice.",
        );
    }
    teller.step(
        Player::Writ,
        &format!("is ready at {issuer}, on a fresh SQLite file"),
    );
    teller.step(
        Player::Notes,
        &format!("is an MCP server that knows nothing of Writ; its gate is ready at {gate}"),
    );
    teller.part("A stock MCP client that calls itself Claude, and a tool that deletes");
    let play = GatedPlay::connect(stage, teller).await?;
    play.play(answering).await?;
    story::play(stage, teller).await?;
    if arguments.stay {
        return stay::stay(stage, teller).await;
    }
    teller.hint("Nothing is left behind. Next: `writ demo --stay` leaves it running, and you decide; docs/mcp.md is for your own server.");
    Ok(())
}
