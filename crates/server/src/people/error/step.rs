//! Why a step of a form does not succeed: its page is shown again, or another one.

use super::PageError;

/// Why a step of a form does not succeed.
#[derive(Debug)]
pub enum StepError<P> {
    /// The page is shown again and says what is wrong.
    Problem(P),
    Page(PageError),
}

impl<P> StepError<P> {
    /// What the page says, or the error that ends it.
    pub fn problem(self) -> Result<P, PageError> {
        match self {
            Self::Problem(problem) => Ok(problem),
            Self::Page(error) => Err(error),
        }
    }

    /// The same with another page's problem.
    pub fn map<Q>(self, to: impl FnOnce(P) -> Q) -> StepError<Q> {
        match self {
            Self::Problem(problem) => StepError::Problem(to(problem)),
            Self::Page(error) => StepError::Page(error),
        }
    }
}
