//! A rotation of the signing keys, as an operator makes it.

use writ_server::node::keyring::{KeyRotation, NextKeys, rotate};
use writ_server::operate::change::ChangedBy;

use super::World;

impl World {
    pub async fn rotate_keys(&self) -> KeyRotation {
        let next = NextKeys::make(self.store(), &self.app.config, self.now());
        let next = next.await.unwrap();
        let mut transaction = self.begin().await;
        let (app, by) = (&self.app, ChangedBy::Operator(&self.operator));
        let event = |name, facts| app.change(by, app.clock.now()).event(name, facts);
        let rotated = rotate(&mut transaction, &next, &event).await.unwrap();
        transaction.commit().await.unwrap();
        rotated.expect("no key to rotate to")
    }
}
