//! Remediation of a rejected request: the `authorization_details` that would let it pass
//! (draft-ietf-oauth-rar-metadata-remediation-00).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use writ_authority::{Types, Usage};
use writ_jose::hash;
use writ_wire::rar::Detail;

/// The `authorization_details` that, if granted, would let the request pass.
#[derive(Clone, Debug, PartialEq)]
pub struct Remediation {
    request: Box<Detail>,
    /// `authorization_reference`: equal for equal requests; absent where a grant is used once, because asking again is right there.
    reference: Option<String>,
}

impl Remediation {
    /// Without a reference, for objects that are used once.
    pub(crate) fn once(request: &Detail) -> Self {
        // A new consent has a new `ref`, and only the server names a `type_hash`.
        let request = request.clone().without("ref").without("type_hash");
        Self {
            request: Box::new(request),
            reference: None,
        }
    }

    /// With a reference, unless the granted type is used once.
    pub(crate) fn new(request: &Detail, granted: &[Detail], types: &Types) -> Self {
        let asked = Self::once(request);
        let repeats = granted.iter().any(|object| {
            let definition = types.of(object);
            definition.is_some_and(|definition| definition.usage() == Usage::Repeat)
        });
        let text = serde_json::to_vec(&asked.request).ok();
        let reference = text
            .filter(|_| repeats)
            .map(|text| hash::digest_text(&[b"asked", &text]));
        Self { reference, ..asked }
    }

    /// `authorization_remediation`; what is too large for a header field is left out.
    pub(crate) fn remediation(&self) -> Option<String> {
        let wanted = match &self.reference {
            Some(reference) => json!({
                "authorization_details": [self.request], "authorization_reference": reference
            }),
            None => json!({ "authorization_details": [self.request] }),
        };
        let text = URL_SAFE_NO_PAD.encode(wanted.to_string());
        Some(text).filter(|text| text.len() <= MAX_REMEDIATION_BYTES)
    }

    /// Without `ref` and `type_hash`.
    pub fn request(&self) -> &Detail {
        &self.request
    }
}

/// Header fields in all are often limited to 8 KiB.
const MAX_REMEDIATION_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_large_for_a_header_field_is_left_out() {
        let written = |length: usize| {
            let detail = json!({ "type": "payment", "note": "x".repeat(length) });
            let detail = Detail::new(detail.as_object().unwrap().clone()).unwrap();
            Remediation::once(&detail).remediation()
        };
        // Three bytes are four characters.
        let around = written(0).map(|text| URL_SAFE_NO_PAD.decode(text).unwrap().len());
        let room = MAX_REMEDIATION_BYTES / 4 * 3 - around.unwrap();
        assert_eq!(written(room).unwrap().len(), MAX_REMEDIATION_BYTES);
        assert_eq!(written(room + 1), None);
    }
}
