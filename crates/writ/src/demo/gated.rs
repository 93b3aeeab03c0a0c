//! A stock MCP client that nobody registered, and a tool that deletes: the gate has a person decide about each call.

use std::pin::pin;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Answering;
use super::alice::{Alice, Reply};
use super::claude::{self, Claude, OpenedPages, ToolAnswer};
use super::notes::{DELETE, READ};
use super::stage::DemoStage;
use super::story::stuck;
use super::telling::{Player, Teller, claims};
use crate::cli::Outcome;

/// The client, connected for alice.
pub struct GatedPlay<'a> {
    stage: &'a DemoStage,
    pub teller: &'a Teller,
    alice: Alice,
    pub claude: Arc<Claude>,
    pub pages: OpenedPages,
}

/// Who decides about one call.
#[derive(Clone, Copy)]
enum Decider {
    Script(Reply),
    Person,
}

impl<'a> GatedPlay<'a> {
    /// The client registers itself, and alice logs in and agrees.
    pub async fn connect(stage: &'a DemoStage, teller: &'a Teller) -> Result<Self, String> {
        let line = format!(
            "connects to {}: 401, it registers itself and opens a browser",
            stage.gate
        );
        teller.step(Player::Claude, &line);
        let mut alice = Alice::new(&stage.issuer, &stage.cast.login).map_err(stuck)?;
        let browser = async |page: String| {
            let (read, back) = alice.consent(&page).await.map_err(stuck)?;
            let line = format!("logs in, reads “{}” and agrees", read.join("; "));
            teller.step(Player::Alice, &line);
            Ok(back)
        };
        let (claude, pages) = Claude::connect(&stage.gate, browser).await?;
        let token = claude.token().await?;
        let said = claims(&token);
        let client = said.get("client_id").and_then(Value::as_str);
        teller.introduce(client.unwrap_or_default(), claude::NAME);
        teller.token(&token);
        Ok(Self {
            stage,
            teller,
            alice,
            claude: Arc::new(claude),
            pages,
        })
    }

    /// What is read and deleted.
    pub fn note(&self) -> &'static str {
        self.stage.notes.one()
    }

    pub async fn play(mut self, answering: Answering) -> Outcome {
        let note = self.note();
        self.read(note).await?;
        let decider = match answering {
            Answering::Scripted => Decider::Script(Reply::Yes),
            Answering::Person => Decider::Person,
        };
        let wants = format!("wants to delete “{note}”; the gate holds the call and asks Alice:");
        let answer = self.delete(note, &wants, decider).await?;
        self.decided(&answer, answering)?;
        // After any other answer of a person the rest would be another story.
        if matches!(answer, ToolAnswer::Done(_)) {
            self.same_again(note).await?;
        }
        self.stop().await?;
        let answer = self.claude.call(READ, note).await?;
        match answer {
            ToolAnswer::LoggedOut => {
                let line = "calls again: 401, its token and its refresh token are dead";
                self.teller.step(Player::Claude, line);
            }
            other => return Err(surprise(&other)),
        }
        Ok(())
    }

    async fn read(&self, note: &str) -> Outcome {
        match self.claude.call(READ, note).await? {
            ToolAnswer::Done(text) => {
                let line = format!("reads “{note}” at once: {text}");
                self.teller.step(Player::Claude, &line);
                Ok(())
            }
            other => Err(surprise(&other)),
        }
    }

    /// A call of the deleting tool, which waits for the decision of a person.
    async fn delete(
        &mut self,
        note: &str,
        wants: &str,
        decider: Decider,
    ) -> Result<ToolAnswer, String> {
        let Self {
            stage,
            teller,
            alice,
            claude,
            pages,
        } = self;
        let mut call = pin!(claude.call(DELETE, note));
        let page = tokio::select! {
            answer = &mut call => return Err(surprise(&answer?)),
            page = pages.recv() => page.ok_or("the MCP client has gone")?,
        };
        teller.step(Player::Claude, &format!("{wants} {page}"));
        match decider {
            Decider::Person => {
                you_decide(stage, teller, &page);
                call.await
            }
            Decider::Script(reply) => {
                let decides = async {
                    let (sentence, question) = alice.read(&page).await.map_err(stuck)?;
                    alice.answer(&question, reply).await.map_err(stuck)?;
                    let said = match reply {
                        Reply::Yes => "yes",
                        Reply::No => "no",
                    };
                    let line = format!("reads: {sentence}; and says {said}");
                    teller.step(Player::Alice, &line);
                    Ok::<(), String>(())
                };
                let (answer, ()) = tokio::try_join!(call, decides)?;
                Ok(answer)
            }
        }
    }

    fn decided(&self, answer: &ToolAnswer, answering: Answering) -> Outcome {
        let deleted = self.stage.notes.deleted();
        match (answer, answering) {
            (ToolAnswer::Done(text), _) if deleted == 1 => {
                let line = format!("{text}: the tool ran once, for this yes");
                self.teller.step(Player::Notes, &line);
                Ok(())
            }
            (other, Answering::Person) if deleted == 0 => {
                tell_answer(self.teller, other);
                Ok(())
            }
            (other, _) => Err(format!(
                "{}, and {deleted} notes were deleted",
                surprise(other)
            )),
        }
    }

    /// One yes is one call.
    async fn same_again(&mut self, note: &str) -> Outcome {
        let wants = "makes the same call again; the gate holds it and asks again:";
        let no = Decider::Script(Reply::No);
        let answer = self.delete(note, wants, no).await?;
        let deleted = self.stage.notes.deleted();
        match &answer {
            ToolAnswer::Not { code, .. } if code == "denied" && deleted == 1 => {
                let line = format!("is told `{code}`, and nothing is deleted");
                self.teller.step(Player::Claude, &line);
                Ok(())
            }
            other => Err(format!(
                "{}, and {deleted} notes were deleted",
                surprise(other)
            )),
        }
    }

    /// Alice ends what the client does for her.
    pub async fn stop(&mut self) -> Outcome {
        let stopped = self.alice.stop().await.map_err(stuck)?;
        self.teller.step(
            Player::Alice,
            match stopped {
                true => "stops Claude, with one button",
                false => "has nothing to stop: nothing acts for her",
            },
        );
        Ok(())
    }
}

/// How to go to the page as alice.
pub fn you_decide(stage: &DemoStage, teller: &Teller, page: &str) {
    let login = &stage.cast.login;
    let line = format!(
        "you are Alice: open {page}, log in as `{}` with `{}`, and decide",
        login.name, login.password
    );
    let question = json!({ "page": page, "user": login.name, "password": login.password });
    teller.offers(&[line], json!({ "question": question }));
}

/// What the client is told.
pub fn tell_answer(teller: &Teller, answer: &ToolAnswer) {
    match answer {
        ToolAnswer::Done(text) => teller.step(Player::Notes, text),
        ToolAnswer::Not { code, text } => {
            teller.step(Player::Claude, &format!("is told ({code}): {text}"));
        }
        ToolAnswer::LoggedOut => {
            teller.step(
                Player::Claude,
                "is told: stopped (401, its token and its refresh token are dead)",
            );
        }
    }
}

fn surprise(answer: &ToolAnswer) -> String {
    format!("a surprise: the MCP client got {answer:?}")
}
