//! Whether what was just committed may be sent: read again after the commit, where a stop or the end of a role may have come in between.

use writ_core::id::DelegationId;
use writ_core::realm::DecisionContext;
use writ_core::role::RoleRules;
use writ_store::StoreError;

use crate::node::app::App;

impl App {
    /// Nothing above the delegation is stopped or over, and its person may still grant it. One statement.
    pub async fn is_still_live(
        &self,
        delegation: &DelegationId,
        context: DecisionContext<'_>,
    ) -> Result<bool, StoreError> {
        let mut reading = self.read().await?;
        match context.realm.roles {
            // Nothing has to be measured.
            RoleRules::Unlimited => reading.is_live(delegation, context.now).await,
            RoleRules::ByRole(_) => {
                let lineage = reading.lineage(delegation).await?;
                Ok(lineage.is_some_and(|lineage| lineage.is_live(context)))
            }
        }
    }
}
