//! Why an agent, or one of its tasks, waits until its person lets it go on: one cause each.

use writ_core::pause::PausedBecause;

use super::Texts;

/// Of a task.
pub(super) fn of_task(because: Option<PausedBecause>, texts: &Texts) -> &str {
    let text = &texts.pause;
    match because {
        Some(PausedBecause::Recovered) => &text.reset,
        Some(PausedBecause::DocumentWeaker) => &text.weaker,
        Some(PausedBecause::NotMe | PausedBecause::WrongNumber) | None => &text.task_unknown,
    }
}

/// Of a client that may begin nothing for the person.
pub(super) fn of_client(because: Option<PausedBecause>, texts: &Texts) -> &str {
    let text = &texts.pause;
    match because {
        Some(PausedBecause::NotMe) => &text.not_me,
        Some(PausedBecause::WrongNumber) => &text.wrong_number,
        Some(PausedBecause::Recovered | PausedBecause::DocumentWeaker) | None => {
            &text.client_unknown
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of older versions do not say why: then both are named that can be.
    #[test]
    fn each_cause_has_its_own_words() {
        let texts = Texts::load().unwrap();
        let mut all: Vec<&str> = PausedBecause::ALL
            .into_iter()
            .flat_map(|one| [of_task(Some(one), &texts), of_client(Some(one), &texts)])
            .collect();
        all.sort_unstable();
        all.dedup();
        let unknown = [of_task(None, &texts), of_client(None, &texts)];
        assert_eq!(all.len(), PausedBecause::ALL.len() + unknown.len());
        assert!(unknown.iter().all(|one| one.contains(", or ")));
    }
}
