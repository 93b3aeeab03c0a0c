//! Alice's browser: logs in once, then opens each request of the inbox and approves it with the password, by the real forms.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use writ_platform::Clock;

use super::participants::ALICE;
use crate::Outcome;
use crate::load::{self, Message};
use crate::server::Server;

pub struct PersonBrowser<'a> {
    address: SocketAddr,
    stream: TcpStream,
    cookies: BTreeMap<String, String>,
    password: &'a str,
}

/// What she approved.
pub struct SubmittedApproval {
    /// The `binding_message`.
    pub message: String,
    /// When the answer to her form was read, in microseconds of the clock.
    pub answered_at: i64,
}

/// How the messages of this benchmark begin; digits follow.
pub const MESSAGE: &str = "waits-";
const LOOKS: usize = 200;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
const LINK: &str = "href=\"/app/requests/";
const APPROVE: &str = "id=\"approval-approve\"";
const LOG_IN: &str = "id=\"login-submit\"";

impl<'a> PersonBrowser<'a> {
    pub fn log_in(server: &Server, password: &'a str) -> Outcome<Self> {
        let mut person = Self {
            address: server.address,
            stream: TcpStream::connect(server.address)?,
            cookies: BTreeMap::new(),
            password,
        };
        let page = html(&person.get("/login")?)?;
        let form = Form::with(&page, LOG_IN)?;
        let filled = [("username", ALICE), ("password", password)];
        let answer = person.send(&form, &filled)?;
        if answer.status() != Some(303) {
            return Err(format!("the login: {}", answer.first).into());
        }
        Ok(person)
    }

    /// The first request of her inbox.
    pub fn approve(&mut self) -> Outcome<SubmittedApproval> {
        let id = self.waiting()?;
        let page = html(&self.get(&format!("/app/requests/{id}"))?)?;
        let form = Form::with(&page, APPROVE)?;
        let password = self.password;
        let answer = self.send(&form, &[("password", password)])?;
        let answered_at = Clock::System.now().micros();
        if answer.status() != Some(303) {
            return Err(format!("the approval: {}", answer.first).into());
        }
        Ok(SubmittedApproval {
            message: message(&page).ok_or("the page does not show the message")?,
            answered_at,
        })
    }

    /// The first request of her inbox, which may be on its way yet.
    fn waiting(&mut self) -> Outcome<String> {
        for _ in 0..LOOKS {
            let inbox = html(&self.get("/app")?)?;
            if let Some((_, rest)) = inbox.split_once(LINK) {
                return Ok(rest.split('"').next().unwrap_or_default().to_owned());
            }
            std::thread::park_timeout(BETWEEN_LOOKS);
        }
        Err("nothing waits in the inbox".into())
    }

    /// Opens a page and sends the form that has this button.
    pub fn press(&mut self, path: &str, button: &str) -> Outcome<Message> {
        let page = html(&self.get(path)?)?;
        self.send(&Form::with(&page, button)?, &[])
    }

    pub fn get(&mut self, path: &str) -> Outcome<Message> {
        let (host, cookies) = (self.address, self.cookie());
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{cookies}\r\n");
        self.exchange(&request)
    }

    fn send(&mut self, form: &Form, filled: &[(&str, &str)]) -> Outcome<Message> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form.hidden)
            .extend_pairs(filled)
            .finish();
        let (host, cookies, action) = (self.address, self.cookie(), &form.action);
        let length = body.len();
        let request = format!(
            "POST {action} HTTP/1.1\r\nhost: {host}\r\norigin: http://{host}\r\n{cookies}\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.exchange(&request)
    }

    fn exchange(&mut self, request: &str) -> Outcome<Message> {
        let answer = load::exchange(&mut self.stream, request.as_bytes())?;
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }

    fn cookie(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        format!("cookie: {}\r\n", pairs.join("; "))
    }
}

/// One form of a page: where it goes and what it hides. Its values hold nothing that HTML writes otherwise.
struct Form {
    action: String,
    hidden: Vec<(String, String)>,
}

impl Form {
    /// The form of the button with this attribute: the one that its `form` attribute names, else the one around it.
    fn with(page: &str, button: &str) -> Outcome<Self> {
        let buttons = page.split("<button").skip(1);
        let named = buttons
            .filter_map(|rest| rest.split('>').next())
            .find(|tag| tag.contains(button))
            .and_then(|tag| value_of(tag, "form"));
        let own = named.map_or_else(|| button.to_owned(), |id| format!(" id=\"{id}\""));
        let mut forms = page.split("<form").skip(1);
        let form = forms.find_map(|rest| {
            let form = rest.split("</form>").next()?;
            form.contains(&own).then_some(form)
        });
        let form = form.ok_or_else(|| format!("no form with `{button}`"))?;
        let tags = form.split("<input").skip(1);
        let tags = tags.filter_map(|rest| rest.split('>').next());
        let hidden = tags
            .filter(|tag| tag.contains("type=\"hidden\""))
            .filter_map(|tag| Some((value_of(tag, "name")?, value_of(tag, "value")?)));
        Ok(Self {
            action: value_of(form, "action").ok_or("a form without address")?,
            hidden: hidden.collect(),
        })
    }
}

fn value_of(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(str::to_owned)
}

fn message(page: &str) -> Option<String> {
    let (_, rest) = page.split_once(MESSAGE)?;
    let digits = rest.chars().take_while(char::is_ascii_digit);
    Some(MESSAGE.chars().chain(digits).collect())
}

fn html(answer: &Message) -> Outcome<String> {
    if !answer.is_ok() {
        return Err(format!("a page: {}", answer.first).into());
    }
    Ok(String::from_utf8(answer.body.clone())?)
}
