//! History of approved objects, by person and type: a new request is compared with it (`core::usual`).

use writ_authority::{Decimal, UsualAmount};
use writ_core::history::{Earlier, NEWEST, Use};
use writ_core::id::{ApprovalId, ClientId, UserId};
use writ_wire::time::Timestamp;

use crate::error::{Result, StoreError};
use crate::pending::number;
use crate::store::DatabaseTransaction;

/// The objects of one approval.
#[derive(Clone, Copy)]
pub struct NewUses<'a> {
    pub approval: &'a ApprovalId,
    pub client: &'a ClientId,
    pub subject: &'a UserId,
    pub uses: &'a [Use],
}

/// One approved object with an amount, for the sums of a person's agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovedAmount {
    pub approval: ApprovalId,
    pub client: ClientId,
    pub amount: UsualAmount,
}

row! { EarlierRow {
    payee_digest: String,
    unit: Option<String>,
    amount: Option<String>,
} }

row! { SpentRow {
    approval: String,
    client_id: String,
    unit: Option<String>,
    amount: Option<String>,
} }

const INSERT: &str = "
    INSERT INTO approved_uses (tenant, approval, place, subject, type_name, payee_digest, unit,
        amount, client_id, made_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";

const NEWEST_OF: &str = "
    SELECT payee_digest, unit, amount FROM approved_uses
    WHERE tenant = $1 AND subject = $2 AND type_name = $3
    ORDER BY made_at DESC, approval DESC, place LIMIT $4";

const SPENT: &str = "
    SELECT approval, client_id, unit, amount FROM approved_uses
    WHERE tenant = $1 AND subject = $2 AND made_at > $3 AND amount IS NOT NULL
    ORDER BY made_at DESC, approval DESC, place LIMIT $4";

impl DatabaseTransaction {
    /// In the transaction that redeems the approval, after `redeem_pending`.
    pub async fn insert_uses(&mut self, new: NewUses<'_>, now: Timestamp) -> Result<()> {
        for one in new.uses {
            let amount = one.amount.as_ref();
            execute!(
                self,
                INSERT,
                &self.tenant,
                new.approval.as_str(),
                number(one.place),
                new.subject.as_str(),
                &one.type_name,
                &one.payee_digest,
                amount.map(|amount| amount.unit.as_str()),
                amount.map(|amount| amount.text.as_str()),
                new.client.as_str(),
                now.micros(),
            )?;
        }
        Ok(())
    }

    /// The newest [`NEWEST`] uses of this type, the last one first.
    pub async fn newest_uses(&mut self, subject: &UserId, type_name: &str) -> Result<Vec<Earlier>> {
        let (subject, most) = (subject.as_str(), number(NEWEST));
        let rows = all!(
            self,
            EarlierRow,
            NEWEST_OF,
            &self.tenant,
            subject,
            type_name,
            most
        )?;
        rows.into_iter().map(EarlierRow::read).collect()
    }

    /// What this person approved since then that has an amount, the last one first.
    pub async fn spent_since(
        &mut self,
        subject: &UserId,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<ApprovedAmount>> {
        let (subject, since) = (subject.as_str(), since.micros());
        let limit = i64::from(limit);
        let rows = all!(self, SpentRow, SPENT, &self.tenant, subject, since, limit)?;
        rows.into_iter()
            .filter_map(|row| row.read().transpose())
            .collect()
    }
}

impl EarlierRow {
    fn read(self) -> Result<Earlier> {
        Ok(Earlier {
            payee_digest: self.payee_digest,
            amount: amount(self.unit, self.amount)?,
        })
    }
}

impl SpentRow {
    fn read(self) -> Result<Option<ApprovedAmount>> {
        let amount = amount(self.unit, self.amount)?;
        Ok(amount.map(|amount| ApprovedAmount {
            approval: ApprovalId::from_text(self.approval),
            client: ClientId::from_text(self.client_id),
            amount,
        }))
    }
}

fn amount(unit: Option<String>, text: Option<String>) -> Result<Option<UsualAmount>> {
    match (unit, text) {
        (None, None) => Ok(None),
        (Some(unit), Some(text)) => {
            let value = Decimal::parse(&text);
            let value = value.ok_or_else(|| StoreError::corrupt("`approved_uses.amount`"))?;
            Ok(Some(UsualAmount { value, text, unit }))
        }
        _ => Err(StoreError::corrupt(
            "`approved_uses`: an amount without its unit",
        )),
    }
}
