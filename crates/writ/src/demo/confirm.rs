//! Step-up: a payment above the token's limit is refused with a challenge, the agent asks by CIBA, and one approval becomes a token
//! for one payment.

use std::time::Duration;

use serde_json::json;
use writ_agent::{Confirm, Error, ErrorCode, Grant, PendingConfirmation, ResourceRefusal};

use super::cast::{DemoCast, payment};
use super::phone::{DemoPhone, show_link};
use super::story::{
    Play, Told, accepted, not_granted, ok, refused, show_token, stuck, surprise, told,
};
use crate::cli::say;

/// Who approves the request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answering {
    /// A scripted person with a passkey in software.
    Scripted,
    Person,
}

/// How long a request waits for a person at a terminal.
const WAIT: Duration = Duration::from_secs(300);
const AMOUNT: &str = "450.00";

impl Play<'_> {
    pub(super) async fn confirm(&mut self, grant: &Grant, answering: Answering) -> Told {
        say(
            "\n5. The planner tries a payment above its limit; the bank wants a person, and alice's phone asks her",
        );
        let mut phone = DemoPhone::new(&self.stage.issuer).map_err(stuck)?;
        if answering == Answering::Scripted {
            let code = &self.stage.cast.passkey_code;
            let set_up = phone.set_up(DemoCast::LOGIN, code).await;
            set_up.map_err(stuck)?;
            ok(
                "alice's phone has a passkey now, by a code that the operator gave her, and logged in with it",
            );
        }
        let refusal = self.too_much(grant).await?;
        let mut asked = self
            .planner
            .confirm(
                grant,
                &Confirm::refused(&refusal)
                    .binding_message("Flight to Paris")
                    .requested_expiry(WAIT),
            )
            .await
            .map_err(surprise)?;
        let number = asked.number_to_match;
        let shown = number.map(|n| n.to_string()).unwrap_or_default();
        ok(&format!(
            "the planner asked for exactly that, by CIBA; its number to match is {shown}"
        ));
        match answering {
            Answering::Scripted => {
                let shown = phone.approve(number).await.map_err(stuck)?;
                ok("alice read it on her phone and signed exactly this with her passkey:");
                shown
                    .iter()
                    .for_each(|line| say(&format!("         {line}")));
            }
            Answering::Person => {
                let code = &self.stage.cast.passkey_code;
                show_link(&self.stage.issuer, DemoCast::LOGIN, code);
            }
        }
        match asked.wait(&self.planner, tokio::time::sleep).await {
            Ok(one) => self.spend(&one, &mut asked).await,
            Err(Error::Denied { .. }) if answering == Answering::Person => {
                ok("she said no: there is no token, and nothing was paid");
                Ok(())
            }
            Err(Error::Refused(refusal))
                if answering == Answering::Person && refusal.code == ErrorCode::ExpiredToken =>
            {
                ok("nobody answered, which means no: nothing was paid");
                Ok(())
            }
            Err(error) => Err(surprise(error)),
        }
    }

    /// The bank's refusal names the authorization that would be needed.
    async fn too_much(&self, grant: &Grant) -> Result<ResourceRefusal, String> {
        let paid = self
            .pay(&self.planner, grant, payment(DemoCast::AIRLINE, AMOUNT))
            .await;
        match paid {
            Err(Error::Resource(refusal)) if !refusal.insufficient.is_empty() => {
                ok(&format!(
                    "{} {}: {AMOUNT} EUR, of at most 412.00; the refusal carries what a person would have to approve",
                    refusal.status.as_u16(),
                    refusal.error.clone().unwrap_or_default()
                ));
                Ok(*refusal)
            }
            Ok(answer) => Err(format!("the bank paid too much: {}", answer.status())),
            Err(other) => Err(surprise(other)),
        }
    }

    async fn spend(&self, one: &Grant, asked: &mut PendingConfirmation) -> Told {
        ok("the approval became a token for this one payment, and says how she approved:");
        show_token(one.access_token.expose());
        let pay = || self.pay(&self.planner, one, payment(DemoCast::AIRLINE, AMOUNT));
        accepted(
            pay().await,
            "POST /payments: 450.00 EUR to the airline, approved by alice",
        )?;
        refused(
            pay().await,
            "insufficient_authorization",
            "the same payment a second time",
        )?;
        not_granted(
            asked.poll(&self.planner).await,
            ErrorCode::InvalidGrant,
            "the same approval a second time",
        )?;
        let wider = writ_agent::RequestedAccess::resource(self.stage.bank.as_str()).details(
            writ_agent::details(json!([payment(DemoCast::AIRLINE, "1.00")])).map_err(surprise)?,
        );
        not_granted(
            self.planner.narrow(one, &wider).await,
            ErrorCode::InvalidRequest,
            "an exchange of the approved token",
        )?;
        told(
            one.refresh_token.is_none(),
            "and no refresh token came with it",
        )
    }
}
