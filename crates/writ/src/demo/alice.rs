//! Alice at her browser: logs in, agrees, reads a question and answers it, stops what acts for her. By a script, so that the story needs
//! nobody; with `--stay`, and at a terminal, a person does the same on the same pages.

use std::sync::Arc;

use writ_person::{DECISION, ShownPage, Step, WebBrowser, plain};
use writ_platform::{Https, Random};

/// No vowels: no words.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";

/// Whose password is made anew for each demo.
#[derive(Clone)]
pub struct DemoLogin {
    pub name: &'static str,
    pub password: String,
}

impl DemoLogin {
    pub fn make() -> Self {
        let letters = Random::System.bytes::<20>();
        let letters = letters.map(|byte| LETTERS.iter().cycle().nth(byte.into()).copied());
        let groups = letters.chunks(5);
        let groups = groups.map(|group| group.iter().flatten().map(|b| char::from(*b)).collect());
        Self {
            name: "alice",
            password: groups.collect::<Vec<String>>().join("-"),
        }
    }
}

pub struct Alice {
    browser: WebBrowser,
    login: DemoLogin,
}

/// What she says to a question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    Yes,
    No,
}

impl Alice {
    pub fn new(issuer: &str, login: &DemoLogin) -> Step<Self> {
        Ok(Self {
            browser: browser(issuer)?,
            login: login.clone(),
        })
    }

    /// Logs in where asked and agrees to everything; what she read, and where her browser is sent.
    pub async fn consent(&mut self, page: &str) -> Step<(Vec<String>, String)> {
        let DemoLogin { name, password } = &self.login;
        let consented = self.browser.approve(page, name, password).await?;
        let read = texts(&consented.page, "<label for=\"grant-", "</label>");
        Ok((read, consented.redirect.to_string()))
    }

    /// Reads the one sentence of a question, logged in.
    pub async fn read(&mut self, page: &str) -> Step<(String, ShownPage)> {
        let mut shown = self.browser.open(page).await?;
        if shown.url.path() == "/login" {
            let DemoLogin { name, password } = &self.login;
            shown = self.browser.log_in(&shown, name, password).await?;
        }
        let sentence = texts(&shown, "<section class=\"first\">\n<p", "</p>")
            .into_iter()
            .next();
        let sentence = sentence.ok_or_else(|| shown.lacks("no question"))?;
        Ok((sentence, shown))
    }

    /// Answers what she read: a yes is proved by the password.
    pub async fn answer(&mut self, question: &ShownPage, reply: Reply) -> Step<()> {
        let password = self.login.password.as_str();
        let fields = match reply {
            Reply::Yes => question.filled(DECISION, &[("password", password)])?,
            Reply::No => {
                let mut fields = question.filled(DECISION, &[(DECISION, "deny")])?;
                fields.retain(|(name, _)| ["csrf", "screen", DECISION].contains(&name.as_str()));
                fields
            }
        };
        let after = self.browser.send_form(question, DECISION, &fields).await?;
        match after.url.path() == question.url.path() {
            true => Err(after.lacks("the answer was not taken")),
            false => Ok(()),
        }
    }

    /// The one button that ends the task which acts for her; whether there was one.
    pub async fn stop(&mut self) -> Step<bool> {
        let page = self.browser.open("/app/agents").await?;
        if !page.html().contains("name=\"task-stop\"") {
            return Ok(false);
        }
        self.browser.submit(&page, "task-stop", &[]).await?;
        Ok(true)
    }
}

pub fn browser(issuer: &str) -> Step<WebBrowser> {
    WebBrowser::new(Arc::new(Https::new()?), issuer)
}

/// What a person reads in each element between these two.
pub fn texts(page: &ShownPage, begin: &str, end: &str) -> Vec<String> {
    let html = page.html();
    let elements = html.split(begin).skip(1);
    let inner = elements.filter_map(|rest| rest.split(end).next()?.split_once('>'));
    inner.map(|(_, inner)| plain(inner)).collect()
}
