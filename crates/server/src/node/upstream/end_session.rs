//! Where a person signs out at the provider too (OpenID Connect RP-Initiated Logout section 2).

use url::Url;

use super::ReachedProvider;

impl ReachedProvider<'_> {
    /// `None`: the provider has no such page, or one that this server sends nobody to.
    pub fn end_session_url(&self, id_token: &str) -> Option<Url> {
        let more = self.metadata.additional_metadata();
        let mut url = more.end_session_endpoint.as_ref()?.url().clone();
        let back = self.app.config.url(&self.provider.signed_out_path());
        url.query_pairs_mut()
            .append_pair("id_token_hint", id_token)
            .append_pair("client_id", &self.provider.client_id)
            .append_pair("post_logout_redirect_uri", &back);
        let admitted = self.app.notices.guard.policy().admits(url.as_str());
        admitted.ok().map(|_| url)
    }
}
