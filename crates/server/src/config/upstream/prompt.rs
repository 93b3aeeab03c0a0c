//! `prompt` and `fresh` of a provider: what it is asked to show (OpenID Connect Core section 3.1.2.1), and whether that is believed.

use writ_core::upstream::FreshProof;

/// What a provider is asked to show; never nothing (`none`), because a person comes by a button.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamPrompt {
    Login,
    SelectAccount,
    Consent,
}

impl UpstreamPrompt {
    const ALL: [(&'static str, Self); 3] = [
        ("login", Self::Login),
        ("select_account", Self::SelectAccount),
        ("consent", Self::Consent),
    ];
}

pub(super) fn read(given: &[String], wrong: &mut Vec<String>) -> Vec<UpstreamPrompt> {
    let mut prompts = Vec::new();
    for text in given {
        let mut all = UpstreamPrompt::ALL.into_iter();
        match all.find(|(name, _)| name == text) {
            Some((_, prompt)) if prompts.contains(&prompt) => {
                wrong.push(format!("`prompt` has `{text}` twice"));
            }
            Some((_, prompt)) => prompts.push(prompt),
            None => wrong.push(format!(
                "`prompt`: `{text}` is none of `login`, `select_account`, `consent`"
            )),
        }
    }
    prompts
}

/// What is believed must have been asked for: a provider that shows nothing lets in whoever drives the browser.
pub(super) fn fresh(
    given: Option<&str>,
    prompt: &[UpstreamPrompt],
    wrong: &mut Vec<String>,
) -> FreshProof {
    match given {
        None | Some("auth_time") => FreshProof::AuthTime,
        Some("asked") => {
            let asks = [UpstreamPrompt::Login, UpstreamPrompt::SelectAccount];
            if !asks.iter().any(|one| prompt.contains(one)) {
                wrong.push(
                    "`fresh = \"asked\"` needs `prompt` with `login` or `select_account`: nothing is asked without it".to_owned(),
                );
            }
            FreshProof::Asked
        }
        Some(other) => {
            wrong.push(format!(
                "`fresh`: `{other}` is neither `auth_time` nor `asked`"
            ));
            FreshProof::AuthTime
        }
    }
}
