//! To whom an agent may pass on what it is given, in sentences.

use super::sentence::{Sentence, fill};
use super::{OnwardView, Texts};

pub(super) fn onward(onward: &OnwardView, texts: &Texts) -> Vec<Sentence> {
    let text = &texts.consent;
    let names = onward.agents.iter().map(|agent| agent.shown(texts));
    let names: Vec<String> = names.collect();
    let agents = names.join(&text.list_separator);
    let whom = match (names.is_empty(), onward.same_owner) {
        _ if onward.depth == 0 => return vec![fill(&text.onward_none, &[])],
        (true, false) => return vec![fill(&text.onward_none, &[])],
        (true, true) => &text.onward_owner,
        (false, false) => &text.onward_agents,
        (false, true) => &text.onward_both,
    };
    let further = if onward.depth == 1 {
        &text.onward_once
    } else {
        &text.onward_depth
    };
    let depth = onward.depth.to_string();
    vec![
        fill(whom, &[("agents", &agents)]),
        fill(further, &[("depth", &depth)]),
    ]
}
