//! Approving and denying. The form names the screen that was seen by its hash; if another would be shown now, nothing is decided.

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
use super::{Visit, number, over};
use crate::people::elsewhere::is_asking;
use crate::people::error::{PageError, StepError};

/// The outcome of an approval form.
enum Judged {
    Decided(Box<Decided>),
    Cannot(VoteError),
}

impl Visit<'_> {
    pub(super) async fn approve(
        &self,
        question: &Question,
        choice: &Choice,
        form: &Form,
    ) -> Result<Response, PageError> {
        if question.has_agreed(self.person.user()) {
            return over::waits(self, question).await;
        }
        match self.judge(question, choice, form).await {
            Ok(Judged::Decided(decided)) => Box::pin(self.commit(question, *decided)).await,
            Ok(Judged::Cannot(cannot)) => self.cannot(question, choice, cannot).await,
            Err(error) => {
                let problem = Some(error.problem()?);
                self.screen(question, choice, problem).await
            }
        }
    }

    async fn judge(
        &self,
        question: &Question,
        choice: &Choice,
        form: &Form,
    ) -> Result<Judged, StepError<ApprovalProblem>> {
        if is_asking(self.person, &question.request) {
            return Err(StepError::Problem(ApprovalProblem::NotHere));
        }
        let shown = self.shown(question, choice)?;
        if !seen(question, &shown, form)? {
            return Err(StepError::Problem(ApprovalProblem::Changed));
        }
        let typed = number::typed(form)?;
        if question.request.asked.number.is_some() && typed.is_none() {
            return Err(StepError::Problem(ApprovalProblem::NumberMissing));
        }
        let level = question.request.asked.level;
        let proven = self.prove(&shown, level, form).await?;
        let left = question.left(&shown.less, proven.at);
        let changed = |_| StepError::Problem(ApprovalProblem::Changed);
        let (authority, ends_at) = left.map_err(changed)?;
        let yes = Agreement {
            level: proven.proof.level(),
            typed,
            authority: &authority,
            ends_at,
        };
        let voter = self.voter(question, proven.at);
        Ok(
            match approval::approve(voter, &yes, &question.catalogue.types) {
                Ok(outcome) => Judged::Decided(Box::new(Decided {
                    no: outcome.denial(),
                    outcome,
                    shown,
                    proof: proven.proof,
                    used: proven.used,
                    once: proven.once,
                })),
                Err(cannot) => Judged::Cannot(cannot),
            },
        )
    }

    /// Needs a signed-in user, and neither proof nor script.
    pub(super) async fn deny(
        &self,
        question: &Question,
        no: Denial,
    ) -> Result<Response, PageError> {
        let shown = match &question.kept {
            Some(kept) => kept.clone(),
            None => self.shown_whole(question)?,
        };
        match approval::deny(self.voter(question, self.app.mended_time()), no) {
            Ok(outcome) => {
                let decided = Decided {
                    outcome,
                    shown,
                    proof: Proof::Login,
                    used: None,
                    once: None,
                    no: Some(no),
                };
                Box::pin(self.commit(question, decided)).await
            }
            Err(cannot) => self.cannot(question, &Choice::default(), cannot).await,
        }
    }

    async fn cannot(
        &self,
        question: &Question,
        choice: &Choice,
        cannot: VoteError,
    ) -> Result<Response, PageError> {
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
            user: self.person.user(),
            votes: &question.votes,
            left: &question.base,
            now,
            receipt: ReceiptId::make(now, self.app.entropy()),
        }
    }
}

/// Whether the page that sent this form was made for this person, and shows what would be shown now. Its nonce is known to their
/// browser alone, so only they can name the screen that they were given.
fn seen(question: &Question, shown: &Shown, form: &Form) -> Result<bool, PageError> {
    let named = form.optional("screen")?;
    let hash = shown.hash().map_err(PageError::broken)?;
    Ok(question.kept.is_some() && named == Some(hash.as_str()))
}
