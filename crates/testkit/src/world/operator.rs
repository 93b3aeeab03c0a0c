//! Who makes the changes of an operator: the command line, as `root`. And people who hold an office.

use writ_core::operator::OperatorRole;
use writ_server::operate::change::{ChangeContext, ChangedBy, Operator};
use writ_server::operate::operator_role::{LastAdmin, OperatorRoleChange};

use super::World;

/// At the command line.
pub fn operator() -> Operator {
    Operator::System {
        user: "root".to_owned(),
    }
}

impl World {
    /// A change by the operator, now.
    pub fn change(&self) -> ChangeContext<'_> {
        let by = ChangedBy::Operator(&self.operator);
        self.app.change(by, self.now())
    }

    /// What `writ user change NAME --role ROLE` prints, or its complaint.
    pub async fn try_role(&self, name: &str, role: &str) -> Result<serde_json::Value, String> {
        let catalogue = self.app.catalogue().await.unwrap();
        let wanted = OperatorRoleChange {
            name,
            role: OperatorRole::parse(role),
            last_admin: LastAdmin::Stays,
        };
        let registry = self.registry(&catalogue.types);
        let changed = registry.change_operator_role(wanted).await;
        changed.map_err(|e| e.to_string())
    }

    /// Somebody who is registered holds this office from now on.
    pub async fn give_role(&self, name: &str, role: &str) {
        self.try_role(name, role).await.unwrap();
    }
}
