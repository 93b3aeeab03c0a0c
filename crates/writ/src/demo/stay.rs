//! `writ demo --stay`: the world goes on living. A key has the client call a tool, and a person decides on the server's pages.

use tokio::sync::mpsc;

use super::claude::ToolAnswer;
use super::gated::{GatedPlay, tell_answer, you_decide};
use super::notes::{DELETE, READ};
use super::stage::DemoStage;
use super::telling::{Player, Teller};
use crate::cli::{KeyInput, Outcome};

const KEYS: &str = "d: Claude wants to delete a note, and you decide | r: it reads one | s: Alice stops it | c: it connects again | q: the end";
/// Keys that wait their turn, and answers.
const MAX_WAITING: usize = 64;

/// What the world reacts to.
enum Happening {
    Key(char),
    Answered(Result<ToolAnswer, String>),
}

/// Until the key that ends it.
pub async fn stay(stage: &DemoStage, teller: &Teller) -> Outcome {
    teller.part("It goes on, and you decide");
    let mut play = GatedPlay::connect(stage, teller).await?;
    describe(stage, teller);
    let (happens, mut happenings) = mpsc::channel(MAX_WAITING);
    let keys = KeyInput::begin();
    let typed = happens.clone();
    keys.read(move |key| typed.blocking_send(Happening::Key(key)).is_ok());
    // The client opens a page again each time that the gate has it wait on.
    let mut opened = String::new();
    loop {
        let happening = tokio::select! {
            Some(page) = play.pages.recv() => {
                if page != opened {
                    you_decide(stage, teller, &page);
                    opened = page;
                }
                continue;
            }
            happening = happenings.recv() => happening,
        };
        match happening {
            Some(Happening::Key('q')) | None => return Ok(()),
            Some(Happening::Key('c')) => play = GatedPlay::connect(stage, teller).await?,
            Some(Happening::Key('s')) => play.stop().await?,
            Some(Happening::Key('d')) => call(&play, DELETE, &happens),
            Some(Happening::Key('r')) => call(&play, READ, &happens),
            Some(Happening::Key(_)) => {}
            Some(Happening::Answered(answer)) => tell_answer(teller, &answer?),
        }
    }
}

/// Has the client call this tool, without waiting for it.
fn call(play: &GatedPlay<'_>, tool: &'static str, happens: &mpsc::Sender<Happening>) {
    let note = play.note();
    let verb = match tool {
        DELETE => "wants to delete",
        _ => "reads",
    };
    play.teller
        .step(Player::Claude, &format!("{verb} “{note}”"));
    let (claude, happens) = (play.claude.clone(), happens.clone());
    tokio::spawn(async move {
        let answer = claude.call(tool, note).await;
        // Nobody is told where the world has ended.
        let _ = happens.send(Happening::Answered(answer)).await;
    });
}

fn describe(stage: &DemoStage, teller: &Teller) {
    let (issuer, login) = (&stage.issuer, &stage.cast.login);
    let lines = [
        format!(
            "Alice    {issuer}/app  user `{}`, password `{}`",
            login.name, login.password
        ),
        format!("metadata {issuer}/.well-known/oauth-authorization-server"),
        format!(
            "gate     {}  for your own MCP client too; bank {}/accounts",
            stage.gate, stage.bank
        ),
        KEYS.to_owned(),
    ];
    lines.iter().for_each(|line| teller.hint(line));
}
