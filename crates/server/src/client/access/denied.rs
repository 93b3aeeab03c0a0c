//! `evaluation_id`: what a question to a person must match is sealed into it, so that a denial needs no row.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use writ_core::access::DeniedEvaluation;
use writ_jose::seal::SealedFor;

use crate::node::app::App;
use crate::node::failure::Failure;

const PREFIX: &str = "evl_";
/// The associated data.
const PLACE: &[u8] = b"denied evaluation";
/// The longest id that is opened, in bytes.
const MAX_ID: usize = 4096;

impl App {
    pub fn seal_denied(&self, denied: &DeniedEvaluation) -> Result<String, Failure> {
        let plain = serde_json::to_vec(denied).map_err(|e| Failure::Broken(e.to_string()))?;
        let sealed = self
            .config
            .master
            .seal(SealedFor::DeniedEvaluation, PLACE, &plain)
            .map_err(|e| Failure::Broken(e.to_string()))?;
        Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// `None` for what this server did not seal. Whether it is over, and whether it matches, the caller judges.
    pub fn open_denied(&self, evaluation_id: &str) -> Option<DeniedEvaluation> {
        let text = evaluation_id.strip_prefix(PREFIX)?;
        let sealed = (text.len() <= MAX_ID).then(|| URL_SAFE_NO_PAD.decode(text).ok());
        let master = &self.config.master;
        let plain = master.open(SealedFor::DeniedEvaluation, PLACE, &sealed??);
        serde_json::from_slice(&plain.ok()?).ok()
    }

    /// The id of a denial about which nothing is known: of a token that is not good.
    pub fn unknown_evaluation(&self) -> String {
        format!("{PREFIX}{}", self.random.identifier())
    }
}
