//! `writ demo --stay`: the world goes on living. A key has the client call a tool, and a person decides on the server's pages.

use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::claude::ToolAnswer;
use super::gated::{GatedPlay, tell_answer, you_decide};
use super::notes::{DELETE, READ};
use super::stage::DemoStage;
use super::telling::{Player, Teller};
use crate::cli::{KeyInput, Outcome};

const KEYS: &str = "d: Claude wants to delete a note, and you decide | r: it reads one | s: Alice stops it | c: it connects again | q: the end";
/// What the keys do that are not a step of somebody in the story.
const CONNECTS: &str = "c: Claude starts again as a client that nobody knows: it registers itself, and Alice logs in and agrees";
const ENDS: &str = "q: the end: server, gate, MCP server and bank stop, calls that wait end with them, and the folder is removed";
/// A call that was held ended with its token.
const STOPPED_CODE: &str = "-32010";
/// Keys that wait their turn, and answers.
const BUFFERED: usize = 64;

/// What the world reacts to.
enum Happening {
    Key(char),
    Answered(&'static str, Result<ToolAnswer, String>),
}

/// The call that a person decides about.
enum Question {
    None,
    /// The client was given no page yet.
    Begun,
    /// The client opens the page again each time that the gate has it wait on.
    Open(String),
}

/// Until the key that ends it.
pub async fn stay(stage: &DemoStage, teller: &Teller) -> Outcome {
    teller.part("It goes on, and you decide");
    let mut play = GatedPlay::connect(stage, teller).await?;
    describe(stage, teller);
    let (happens, mut happenings) = mpsc::channel(BUFFERED);
    let keys = KeyInput::begin();
    let typed = happens.clone();
    keys.read(move |key| typed.blocking_send(Happening::Key(key)).is_ok());
    let mut question = Question::None;
    // A call that waits ends with the world.
    let mut calls = JoinSet::new();
    loop {
        let happening = tokio::select! {
            Some(page) = play.pages.recv() => {
                question = opened(stage, teller, question, page);
                continue;
            }
            happening = happenings.recv() => happening,
        };
        match happening {
            Some(Happening::Key('q')) | None => {
                teller.hint(ENDS);
                return Ok(());
            }
            Some(Happening::Key('c')) => {
                teller.hint(CONNECTS);
                play = GatedPlay::connect(stage, teller).await?;
            }
            Some(Happening::Key('s')) => play.stop().await?,
            Some(Happening::Key('d')) => match &question {
                Question::Open(page) => you_decide(stage, teller, page),
                Question::Begun => {}
                Question::None => {
                    question = Question::Begun;
                    calls.spawn(call(&play, DELETE, &happens));
                }
            },
            Some(Happening::Key('r')) => drop(calls.spawn(call(&play, READ, &happens))),
            Some(Happening::Key(key)) if key.is_whitespace() => {}
            Some(Happening::Key(_)) => teller.hint(KEYS),
            Some(Happening::Answered(tool, answer)) => {
                if tool == DELETE {
                    question = Question::None;
                }
                tell_answered(teller, answer);
            }
        }
        while calls.try_join_next().is_some() {}
    }
}

fn tell_answered(teller: &Teller, answer: Result<ToolAnswer, String>) {
    match answer {
        Ok(ToolAnswer::Not { code, text }) if code == STOPPED_CODE => {
            let line = format!(
                "is told ({code}): {text}. The call that waited is over, and nothing was done; `c` connects again"
            );
            teller.step(Player::Claude, &line);
        }
        Ok(ToolAnswer::LoggedOut) => {
            tell_answer(teller, &ToolAnswer::LoggedOut);
            teller.hint("Alice stopped it, and nothing was done; `c` connects again");
        }
        Ok(answer) => tell_answer(teller, &answer),
        Err(why) => teller.step(Player::Claude, &format!("has no answer: {why}")),
    }
}

fn opened(stage: &DemoStage, teller: &Teller, before: Question, page: String) -> Question {
    if !matches!(&before, Question::Open(known) if *known == page) {
        you_decide(stage, teller, &page);
    }
    Question::Open(page)
}

/// Has the client call this tool; the future is the rest of it.
fn call(
    play: &GatedPlay<'_>,
    tool: &'static str,
    happens: &mpsc::Sender<Happening>,
) -> impl Future<Output = ()> + use<> {
    let note = play.note();
    let verb = match tool {
        DELETE => "wants to delete",
        _ => "reads",
    };
    play.teller
        .step(Player::Claude, &format!("{verb} “{note}”"));
    let (claude, happens) = (play.claude.clone(), happens.clone());
    async move {
        let answer = claude.call(tool, note).await;
        // Nobody is told where the world has ended.
        let _ = happens.send(Happening::Answered(tool, answer)).await;
    }
}

fn describe(stage: &DemoStage, teller: &Teller) {
    let (issuer, login) = (&stage.issuer, &stage.cast.login);
    let (name, password) = (login.name, &login.password);
    let (gate, bank) = (&stage.gate, &stage.bank);
    let metadata = format!("{issuer}/.well-known/oauth-authorization-server");
    let lines = [
        format!("Alice    {issuer}/app  user `{name}`, password `{password}`"),
        format!("metadata {metadata}"),
        format!("gate     {gate}  for your own MCP client too; bank {bank}/accounts"),
        KEYS.to_owned(),
    ];
    let world = json!({
        "app": format!("{issuer}/app"), "user": name, "password": password, "metadata": metadata,
        "gate": gate, "bank": format!("{bank}/accounts"),
    });
    teller.offers(&lines, json!({ "world": world }));
}
