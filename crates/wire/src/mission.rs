//! `mission_intent` (draft-mcguinness-oauth-mission): what a client says the task is for. It grants nothing.

use serde::{Deserialize, Serialize};

use crate::form::FormError;
use crate::strict_json;
use crate::time::Timestamp;

/// The longest goal or purpose, in characters: what is shown to a person in full.
pub const MAX_PURPOSE: usize = 140;
/// The longest `goal_lang` (RFC 5646 section 4.4.1) and `expires_at`, in bytes.
pub const MAX_INTENT_MEMBER: usize = 35;

/// The parameter's JSON. Unknown members are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissionIntent {
    pub intent: Intent,
}

/// The intent. Unknown members are refused, because they would not be shown to the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    pub goal: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goal_lang: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

impl MissionIntent {
    /// Refuses unknown members, an empty or too long goal, and an `expires_at` that is no time.
    pub fn parse(text: &str) -> Result<Self, FormError> {
        let invalid = |problem: String| FormError::invalid("mission_intent", problem);
        let envelope: Self =
            strict_json::read(text).map_err(|e| invalid(format!("is no mission intent: {e}")))?;
        let intent = &envelope.intent;
        for said in std::iter::once(&intent.goal).chain(&intent.purpose) {
            if said.trim().is_empty() || said.chars().count() > MAX_PURPOSE {
                return Err(invalid(format!(
                    "needs 1 to {MAX_PURPOSE} characters of goal and purpose"
                )));
            }
        }
        let short = [&intent.goal_lang, &intent.expires_at];
        if short
            .into_iter()
            .flatten()
            .any(|text| text.len() > MAX_INTENT_MEMBER)
        {
            return Err(invalid(format!(
                "has a `goal_lang` or an `expires_at` that is longer than {MAX_INTENT_MEMBER} bytes"
            )));
        }
        if intent
            .expires_at
            .as_deref()
            .is_some_and(|at| Timestamp::from_rfc3339(at).is_none())
        {
            return Err(invalid(
                "has an `expires_at` that is not RFC 3339".to_owned(),
            ));
        }
        Ok(envelope)
    }

    pub fn expires_at(&self) -> Option<Timestamp> {
        self.intent
            .expires_at
            .as_deref()
            .and_then(Timestamp::from_rfc3339)
    }

    /// The purpose that is shown: `purpose`, or `goal` without it.
    pub fn purpose(&self) -> &str {
        self.intent.purpose.as_deref().unwrap_or(&self.intent.goal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_members_and_long_texts_are_refused() {
        let intent = MissionIntent::parse(r#"{"intent":{"goal":"book a flight"}}"#).unwrap();
        assert_eq!(intent.purpose(), "book a flight");
        for (member, value) in [
            ("goal_lang", "a".repeat(MAX_INTENT_MEMBER + 1)),
            (
                "expires_at",
                format!("2026-09-22T14:13:20Z[u-ca={}]", "a".repeat(99)),
            ),
        ] {
            let long = format!(r#"{{"intent":{{"goal":"x","{member}":"{value}"}}}}"#);
            let error = MissionIntent::parse(&long).unwrap_err().to_string();
            assert!(error.contains("longer than 35 bytes"), "{member}: {error}");
        }
        for bad in [
            r#"{"intent":{"goal":"x"},"more":1}"#,
            r#"{"intent":{"goal":"x","controls":{}}}"#,
            r#"{"intent":{"goal":" "}}"#,
            r#"{"intent":{"goal":"x","expires_at":"soon"}}"#,
            "[]",
        ] {
            assert!(MissionIntent::parse(bad).is_err(), "{bad}");
        }
    }
}
