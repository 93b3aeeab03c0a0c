//! A form of each kind that changes something, with whatever it asks for.

use serde_json::json;
use writ_testkit::{PASSWORD, authorize_url, yes};

use super::stage::{Fields, PAUSED, REMEMBERED, Stage, pairs};
use crate::client::device;
use crate::people::undo::{offered, stop};
use crate::people::webpush;

/// What a reset by link and the forms set.
pub(super) use crate::people::account::NEW;

impl Stage<'_> {
    /// As this session is given it, and where it goes.
    pub async fn form(&mut self, path: &str, form: &str) -> (String, Fields) {
        let fields = match path {
            "/app/requests/{id}" => return self.answer(form).await,
            "/consent" => self.consent(form).await,
            "/device" => self.code().await,
            "/app/settings" => self.setting(form).await,
            "/app/settings/address" => pairs(&[("link", &self.address_link().await)]),
            path if path.starts_with("/app/devices/") => self.device(path).await,
            path => self.agents(path).await,
        };
        (path.to_owned(), fields)
    }

    async fn agents(&mut self, path: &str) -> Fields {
        match path {
            "/app/agents/forget" => {
                self.remember().await;
                pairs(&[("client", REMEMBERED)])
            }
            "/app/agents/stop" => {
                self.grant().await;
                pairs(&[("agent", "agt_planner")])
            }
            "/app/agents/undo" => {
                self.grant().await;
                let stop = offered(&stop(&mut self.phone, "agt_planner").await);
                self.proved(&[("stop", &stop)]).await
            }
            "/app/agents/unpause" => {
                self.pause().await;
                self.proved(&[("agent", PAUSED)]).await
            }
            "/app/resume" => {
                self.grant().await;
                let task = self.suspend().await;
                pairs(&[("task", &task)])
            }
            "/app/stop" => {
                self.grant().await;
                let task = self.last("task.approved").await;
                pairs(&[("task", &task)])
            }
            other => panic!("what changes by `{other}`?"),
        }
    }

    async fn device(&mut self, path: &str) -> Fields {
        let endpoint = self.receiver.url("/push/1");
        let keys = json!({ "p256dh": webpush::PUBLIC, "auth": webpush::AUTH });
        let subscription = json!({ "endpoint": endpoint, "keys": keys }).to_string();
        let subscription = pairs(&[("subscription", &subscription)]);
        match path {
            "/app/devices/passkeys" => self.another_passkey().await.0,
            "/app/devices/passkeys/options" => self.proved(&[]).await,
            "/app/devices/passkeys/prove" => Fields::new(),
            "/app/devices/passkeys/remove" => {
                let (fields, id) = self.another_passkey().await;
                let added = self.send("/app/devices/passkeys", &fields).await;
                added.says("The passkey was added");
                self.proved(&[("passkey", &id)]).await
            }
            "/app/devices/push" => subscription,
            "/app/devices/push/remove" => {
                self.send("/app/devices/push", &subscription).await;
                pairs(&[("endpoint", &endpoint)])
            }
            "/app/devices/sessions/end" => {
                self.world.phone_of("alice").await;
                let page = self.phone.browser.open("/app/devices").await;
                without_token(page.fields("session-end"))
            }
            "/app/devices/sessions/end-others" => {
                self.world.phone_of("alice").await;
                Fields::new()
            }
            other => panic!("what changes by `{other}`?"),
        }
    }

    async fn setting(&mut self, form: &str) -> Fields {
        let setting = ("setting", form);
        match form {
            "email" => {
                self.write_to("alice@home.example").await;
                self.proved(&[setting, ("email", "")]).await
            }
            "password" => {
                let again = ("new_password_again", NEW);
                self.proved(&[setting, ("new_password", NEW), again]).await
            }
            "preferences" => {
                let hours = [("from", "22:00"), ("until", "07:00")];
                let zone = ("time_zone", "Europe/Berlin");
                pairs(&[setting, zone, hours[0], hours[1]])
            }
            "time_zone" => pairs(&[setting, ("time_zone", "Europe/Paris")]),
            "user_code" => self.proved(&[setting, ("user_code", "4711")]).await,
            other => panic!("what changes by `{other}`?"),
        }
    }

    async fn answer(&mut self, decision: &str) -> (String, Fields) {
        let grant = self.grant().await;
        let question = self.cast.question_within(&grant);
        let asked = self.cast.planner.asked(self.world, &question).await;
        let id = self.world.request_id(&asked).await;
        let page = self.phone.look(&id).await;
        let signed = self.phone.sign(&page).to_string();
        let fields = match decision {
            "approve" => yes(&page, &[("assertion", &signed)]),
            _ => {
                let mut fields = yes(&page, &[("decision", decision)]);
                fields.retain(|(name, _)| ["screen", "decision"].contains(&name.as_str()));
                fields
            }
        };
        (format!("/app/requests/{id}"), without_token(fields))
    }

    async fn consent(&mut self, answer: &str) -> Fields {
        let pushed = self.cast.pushed(self.world, &self.cast.request()).await;
        let url = authorize_url("agt_planner", &pushed);
        let page = self.phone.browser.open(&url).await;
        // An agent's consent wants a login of its own.
        let page = self.phone.browser.log_in(&page, "alice", PASSWORD).await;
        assert_eq!(page.url.path(), "/consent", "{}", page.words());
        let button = format!("consent-{answer}");
        let mut fields = without_token(page.fields(&button));
        fields.push((button, "1".to_owned()));
        fields
    }

    async fn code(&mut self) -> Fields {
        let asked = device::ask(self.world, &self.cast.planner, &device::request()).await;
        pairs(&[("user_code", &asked.member("user_code"))])
    }
}

/// `Phone::post` sends one.
fn without_token(mut fields: Fields) -> Fields {
    fields.retain(|(name, _)| name != "csrf");
    fields
}
