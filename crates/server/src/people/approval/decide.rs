//! A yes and a no. The form says which screen was seen; if that is not what would be shown now, nothing is decided.

use axum::response::Response;
use writ_authority::Level;
use writ_core::approval::{self, Agreement, Denial, VoteError, Voter};
use writ_core::id::ReceiptId;
use writ_core::receipt::Proof;
use writ_core::screen::Shown;
use writ_pages::{ApprovalProblem, HowOver};
use writ_wire::form::Form;
use writ_wire::time::Timestamp;

use super::choice::Choice;
use super::commit::Decided;
use super::question::Question;
use super::{Visit, broken, over};
use crate::people::authorize::{Ended, untrusted};

impl Visit<'_> {
    pub(super) async fn approve(
        &self,
        question: &Question,
        choice: &Choice,
        form: &Form,
    ) -> Result<Response, Ended> {
        if question.has_agreed(&self.person.user) {
            return over::waits(self, question).await;
        }
        let shown = match self.shown(question, choice)? {
            Ok(shown) => shown,
            Err(problem) => return self.screen(question, choice, Some(problem)).await,
        };
        if !seen(question, &shown, form)? {
            let problem = Some(ApprovalProblem::Changed);
            return self.screen(question, choice, problem).await;
        }
        let picked = picked(form)?;
        match (question.request.asked.number, picked) {
            (Some(_), None) => {
                let problem = Some(ApprovalProblem::NumberMissing);
                return self.screen(question, choice, problem).await;
            }
            (Some(right), Some(other)) if right != other => {
                return self.deny(question, Denial::WrongNumber).await;
            }
            _ => {}
        }
        self.agree(question, (choice, shown, picked), form).await
    }

    /// What was seen is what would be shown, and the number is right.
    async fn agree(
        &self,
        question: &Question,
        (choice, shown, picked): (&Choice, Shown, Option<u8>),
        form: &Form,
    ) -> Result<Response, Ended> {
        let level = question.request.asked.level;
        let proven = match self.prove(&shown, level, form).await? {
            Ok(proven) => proven,
            Err(problem) => return self.screen(question, choice, Some(problem)).await,
        };
        let now = proven.at;
        let Ok((authority, ends_at)) = question.left(&shown.less, now) else {
            let problem = Some(ApprovalProblem::Changed);
            return self.screen(question, choice, problem).await;
        };
        let yes = Agreement {
            level: proven.proof.level(),
            picked,
            authority: &authority,
            ends_at,
        };
        let types = &question.catalogue.types;
        match approval::approve(self.voter(question, now), &yes, types) {
            Ok(outcome) => {
                let decided = Decided {
                    outcome,
                    shown,
                    proof: proven.proof,
                    used: proven.used,
                    once: proven.once,
                    no: None,
                };
                self.commit(question, decided).await
            }
            Err(cannot) => self.cannot(question, choice, cannot).await,
        }
    }

    /// Needs the login alone, and no script.
    pub(super) async fn deny(&self, question: &Question, no: Denial) -> Result<Response, Ended> {
        let shown = match &question.kept {
            Some(kept) => kept.clone(),
            None => {
                let all = self.shown(question, &Choice::default())?;
                all.map_err(|_| broken("nothing is asked"))?
            }
        };
        match approval::deny(self.voter(question, self.app.clock.now()), no) {
            Ok(outcome) => {
                let decided = Decided {
                    outcome,
                    shown,
                    proof: Proof::Login,
                    used: None,
                    once: None,
                    no: Some(no),
                };
                self.commit(question, decided).await
            }
            Err(cannot) => self.cannot(question, &Choice::default(), cannot).await,
        }
    }

    async fn cannot(
        &self,
        question: &Question,
        choice: &Choice,
        cannot: VoteError,
    ) -> Result<Response, Ended> {
        let problem = match cannot {
            VoteError::NotAsked => return over::plainly(self, HowOver::Unknown).await,
            VoteError::Ended(_) => return over::again(self, &question.request.id).await,
            VoteError::AlreadyAgreed => return over::waits(self, question).await,
            VoteError::NumberMissing => ApprovalProblem::NumberMissing,
            VoteError::Changed => ApprovalProblem::Changed,
            VoteError::TooWeak => match question.request.asked.level {
                Level::None | Level::Password => ApprovalProblem::PasswordMissing,
                Level::Passkey => ApprovalProblem::PasskeyFailed,
                Level::Liveness => ApprovalProblem::LivenessMissing,
            },
        };
        self.screen(question, choice, Some(problem)).await
    }

    fn voter<'a>(&'a self, question: &'a Question, now: Timestamp) -> Voter<'a> {
        Voter {
            request: &question.request,
            user: &self.person.user,
            votes: &question.votes,
            left: &question.base,
            now,
            receipt: ReceiptId::make(now, self.app.entropy()),
        }
    }
}

/// Whether the page that sent this form was made for this person, and shows what would be shown now. Its nonce is known to
/// nobody else, so nobody can name a screen that they were not given.
fn seen(question: &Question, shown: &Shown, form: &Form) -> Result<bool, Ended> {
    let named = form.optional("screen").map_err(|e| untrusted(&e.into()))?;
    let hash = shown.hash().map_err(broken)?;
    Ok(question.kept.is_some() && named == Some(hash.as_str()))
}

/// What is no number is a wrong one.
fn picked(form: &Form) -> Result<Option<u8>, Ended> {
    let number = form.optional("number").map_err(|e| untrusted(&e.into()))?;
    Ok(number.map(|text| text.parse().unwrap_or(u8::MAX)))
}
