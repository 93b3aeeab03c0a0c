//! Step-up: a payment above the token's limit is refused with a challenge, the agent asks by CIBA, and one approval, signed with a
//! passkey, becomes a token for one payment.

use serde_json::json;
use writ_agent::{
    Confirm, Error, ErrorCode, Grant, PendingConfirmation, RequestedAccess, ResourceRefusal,
    details,
};

use super::cast::{DemoCast, payment};
use super::phone::DemoPhone;
use super::story::{Play, accepted, not_granted, refused, stuck, surprise};
use super::telling::Player;
use crate::cli::Outcome;

const AMOUNT: &str = "450.00";

impl Play<'_> {
    pub(super) async fn confirm(&mut self, grant: &Grant) -> Outcome {
        let mut phone = DemoPhone::new(&self.stage.issuer).map_err(stuck)?;
        let cast = &self.stage.cast;
        let set_up = phone.set_up(&cast.login, &cast.passkey_code).await;
        set_up.map_err(stuck)?;
        let refusal = self.too_much(grant).await?;
        let asks = Confirm::refused(&refusal).binding_message("Flight to Paris");
        let asked = self.planner.confirm(grant, &asks).await;
        let mut asked = asked.map_err(surprise)?;
        let number = asked.number_to_match;
        let shown = number.map(|n| n.to_string()).unwrap_or_default();
        self.teller.step(
            Player::Planner,
            &format!("asks Alice on her phone for exactly that, and shows the number {shown}"),
        );
        let read = phone.approve(number).await.map_err(stuck)?;
        self.teller.step(
            Player::Alice,
            &format!(
                "reads “{}”, types {shown} on her phone as the planner shows it, and signs with her passkey",
                read.join("; ")
            ),
        );
        let one = asked.wait(&self.planner, tokio::time::sleep).await;
        let one = one.map_err(surprise)?;
        self.teller.token(one.access_token.expose());
        self.spend(&one, &mut asked).await?;
        phone.put_away().await.map_err(stuck)
    }

    /// The bank's refusal names the authorization that would be needed.
    async fn too_much(&self, grant: &Grant) -> Result<ResourceRefusal, String> {
        let paid = self
            .pay(&self.planner, grant, payment(DemoCast::AIRLINE, AMOUNT))
            .await;
        match paid {
            Err(Error::Resource(refusal)) if !refusal.insufficient.is_empty() => {
                self.teller.step(
                    Player::Bank,
                    &format!("refuses {AMOUNT} EUR, of at most 412.00, and says what a person would have to approve"),
                );
                Ok(*refusal)
            }
            Ok(answer) => Err(format!("the bank paid too much: {}", answer.status())),
            Err(other) => Err(surprise(other)),
        }
    }

    async fn spend(&self, one: &Grant, asked: &mut PendingConfirmation) -> Outcome {
        if one.refresh_token.is_some() {
            return Err("a surprise: a refresh token came with a single approval".to_owned());
        }
        let pay = || self.pay(&self.planner, one, payment(DemoCast::AIRLINE, AMOUNT));
        accepted(&pay().await)?;
        let twice = refused(
            pay().await,
            "insufficient_authorization",
            "a second payment of 450.00 EUR, after the one that it took",
        )?;
        self.teller.refuses(Player::Bank, &[twice]);
        let wider = RequestedAccess::resource(self.stage.bank.as_str())
            .details(details(json!([payment(DemoCast::AIRLINE, "1.00")])).map_err(surprise)?);
        let refusals = [
            not_granted(
                asked.poll(&self.planner).await,
                ErrorCode::InvalidGrant,
                "a second token for the same approval",
            )?,
            not_granted(
                self.planner.narrow(one, &wider).await,
                ErrorCode::InvalidRequest,
                "an exchange of that token",
            )?,
        ];
        self.teller.refuses(Player::Writ, &refusals);
        Ok(())
    }
}
