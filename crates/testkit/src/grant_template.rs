//! Copies the rows of a consented grant, under new ids and with a new refresh token: for tests that need hundreds of tasks without
//! the consent page.

use writ_core::delegation;
use writ_core::id::{DelegationId, TaskId};
use writ_core::lineage::Lineage;
use writ_core::refresh::{Binding, NewRefreshToken};
use writ_server::node::secret::secret_digest;

use crate::reply::claims;
use crate::world::{ISSUER, World};

pub struct GrantTemplate(Lineage);

/// One more task, as if the person had consented once more.
#[derive(Clone, Debug)]
pub struct CopiedGrant {
    pub task: TaskId,
    pub refresh_token: String,
}

impl GrantTemplate {
    /// From a token of an agent for a person, before any hand over.
    pub async fn of(world: &World, token: &str) -> Self {
        let id = claims(token)["act"]["dlg"].as_str().unwrap().to_owned();
        let mut transaction = world.begin().await;
        let found = transaction.lineage(&DelegationId::from_text(id)).await;
        let lineage = found.unwrap().unwrap();
        assert_eq!(lineage.leaf.parent, None);
        Self(lineage)
    }

    pub async fn plant(&self, world: &World) -> CopiedGrant {
        let now = world.now();
        let mut task = self.0.task.clone();
        task.id = TaskId::make(now, world.random.bytes());
        let mut root = self.0.leaf.clone();
        root.id = DelegationId::make(now, world.random.bytes());
        root.task = task.id.clone();
        root.path = delegation::path(None, &root.id);
        root.act = Some(delegation::act(ISSUER, &root.holder, &root.id, None));
        let refresh_token = world.random.secret();
        let refresh = NewRefreshToken {
            digest: secret_digest(&refresh_token),
            client: root.holder.clone(),
            delegation: root.id.clone(),
            binding: Binding::AnyKey,
            access_jti: None,
            created_at: now,
            expires_at: root.expires_at,
        };
        let mut transaction = world.begin().await;
        assert!(transaction.insert_task_if_active(&task).await.unwrap());
        transaction.insert_delegation(&root).await.unwrap();
        transaction.insert_refresh_token(&refresh).await.unwrap();
        transaction.commit().await.unwrap();
        CopiedGrant {
            task: task.id,
            refresh_token,
        }
    }
}
