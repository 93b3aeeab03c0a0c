//! Work that one node does at a time. A node that died with a lease loses it at its end; its clock says when that is, so that an end
//! which no right clock would have given is none.

use std::time::Duration;

use writ_wire::time::Timestamp;

use crate::clock::APART;
use crate::error::Result;
use crate::store::DatabaseTransaction;

/// Who does what.
#[derive(Clone, Copy, Debug)]
pub struct Lease<'a> {
    pub name: &'a str,
    /// A node, drawn at random when it started.
    pub holder: &'a str,
    /// From when it was taken.
    pub length: Duration,
}

const TAKE: &str = "
    INSERT INTO leases (tenant, name, holder, held_until) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tenant, name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
    WHERE leases.holder = excluded.holder OR leases.held_until <= $5
        OR leases.held_until > $6";

const GIVE_BACK: &str = "
    UPDATE leases SET held_until = $4 WHERE tenant = $1 AND name = $2 AND holder = $3";

impl DatabaseTransaction {
    /// Whether it is this holder's from now on: it was, or nobody else has it. Nobody has one that ends later than one that was taken
    /// now by a right clock could.
    pub async fn take_lease(&mut self, lease: Lease<'_>, now: Timestamp) -> Result<bool> {
        let until = now.plus(lease.length);
        let taken = execute!(
            self,
            TAKE,
            &self.tenant,
            lease.name,
            lease.holder,
            until.micros(),
            now.micros(),
            until.plus(APART).micros()
        )?;
        Ok(taken == 1)
    }

    /// Others need not wait for its end.
    pub async fn give_lease_back(&mut self, lease: Lease<'_>, now: Timestamp) -> Result<()> {
        execute!(
            self,
            GIVE_BACK,
            &self.tenant,
            lease.name,
            lease.holder,
            now.micros()
        )?;
        Ok(())
    }
}
