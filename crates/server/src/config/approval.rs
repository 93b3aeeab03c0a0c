//! `[approval]`: where people decide.

use serde::Deserialize;
use writ_core::elsewhere::Elsewhere;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ApprovalFile {
    elsewhere: Option<String>,
}

pub(super) fn check(file: &ApprovalFile, problems: &mut Vec<String>) -> Elsewhere {
    match file.elsewhere.as_deref() {
        None | Some("agents") => Elsewhere::Agents,
        Some("never") => Elsewhere::Never,
        Some(_) => {
            problems.push("`approval.elsewhere` is neither `agents` nor `never`".to_owned());
            Elsewhere::Agents
        }
    }
}
