//! A person's browser: cookies, redirects within the server, forms as they stand on the page.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request};
use url::Url;
use writ_platform::Transport;

use crate::network::Network;
use crate::reply::TestReply;
use crate::world::ISSUER;

/// More redirects than any honest path has.
const MAX_REDIRECTS: usize = 8;

pub struct TestBrowser {
    network: Arc<Network>,
    pub cookies: BTreeMap<String, String>,
}

/// Where the browser stands: a page of the server, or an address elsewhere that it was sent to.
#[derive(Debug)]
pub struct WebPage {
    pub url: Url,
    pub reply: TestReply,
}

impl TestBrowser {
    pub fn new(network: Arc<Network>) -> Self {
        Self {
            network,
            cookies: BTreeMap::new(),
        }
    }

    /// From now on its requests go to another node; its cookies stay.
    pub fn move_to(&mut self, network: Arc<Network>) {
        self.network = network;
    }

    /// Opens an address and follows redirects as long as they stay at the server.
    pub async fn open(&mut self, url: &str) -> WebPage {
        let url = Url::parse(ISSUER).unwrap().join(url).unwrap();
        self.follow(Method::GET, url, String::new()).await
    }

    /// Sends a form that no page holds, as a script does.
    pub async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> WebPage {
        let url = Url::parse(ISSUER).unwrap().join(path).unwrap();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.follow(Method::POST, url, body).await
    }

    /// Sends the form that holds the button, with every hidden field and ticked box, and what is filled in.
    pub async fn submit(&mut self, page: &WebPage, button: &str, fill: &[(&str, &str)]) -> WebPage {
        let mut fields = page.fields(button);
        fields.retain(|(name, _)| !fill.iter().any(|(filled, _)| filled == name));
        fields.extend(fill.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        fields.push((button.to_owned(), "1".to_owned()));
        self.send_form(page, button, &fields).await
    }

    /// Sends exactly these fields to the address of the form that holds the button.
    pub async fn send_form(
        &mut self,
        page: &WebPage,
        button: &str,
        fields: &[(String, String)],
    ) -> WebPage {
        let action =
            value_of(page.form(button).split('>').next().unwrap(), "action").expect("an address");
        let url = page.url.join(&action).unwrap();
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.follow(Method::POST, url, body).await
    }

    pub async fn log_in(&mut self, page: &WebPage, username: &str, password: &str) -> WebPage {
        self.submit(
            page,
            "login-submit",
            &[("username", username), ("password", password)],
        )
        .await
    }

    /// Log in where asked, approve everything; the address that the client gets.
    pub async fn approve(&mut self, url: &str, username: &str, password: &str) -> Url {
        let mut page = self.open(url).await;
        if page.url.path() == "/login" {
            page = self.log_in(&page, username, password).await;
        }
        assert_eq!(page.url.path(), "/consent", "{}", page.reply.text());
        self.submit(&page, "consent-approve", &[]).await.url
    }

    async fn follow(&mut self, method: Method, url: Url, body: String) -> WebPage {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..MAX_REDIRECTS {
            let reply = self.once(&method, &url, &body).await;
            let Some(location) = reply.header(LOCATION.as_str()) else {
                return WebPage { url, reply };
            };
            let next = url.join(location).unwrap();
            if next.origin() != Url::parse(ISSUER).unwrap().origin() {
                return WebPage { url: next, reply };
            }
            (method, url, body) = (Method::GET, next, String::new());
        }
        panic!("more than {MAX_REDIRECTS} redirects");
    }

    async fn once(&mut self, method: &Method, url: &Url, body: &str) -> TestReply {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("content-type", "application/x-www-form-urlencoded")
            .header(COOKIE, cookies.join("; "))
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let reply = TestReply::of(self.network.send(request).await.unwrap());
        for cookie in reply.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        reply
    }
}

impl WebPage {
    /// The form with this button, up to its end.
    pub fn form(&self, button: &str) -> String {
        let text = self.reply.text();
        let name = format!("name=\"{button}\"");
        let forms = text
            .split("<form")
            .skip(1)
            .map(|rest| rest.split("</form>").next().unwrap().to_owned());
        let found = forms.into_iter().find(|form| form.contains(&name));
        found.unwrap_or_else(|| panic!("no form with button `{button}` at {}: {text}", self.url))
    }

    /// Hidden fields and ticked boxes of the form with this button, in the order of the page.
    pub fn fields(&self, button: &str) -> Vec<(String, String)> {
        let form = self.form(button);
        let inputs = form
            .split("<input")
            .skip(1)
            .map(|rest| rest.split('>').next().unwrap().to_owned());
        inputs
            .filter(|tag| {
                tag.contains("type=\"hidden\"")
                    || (tag.contains("type=\"checkbox\"") && tag.contains(" checked"))
            })
            .map(|tag| {
                (
                    value_of(&tag, "name").unwrap(),
                    value_of(&tag, "value").unwrap_or_default(),
                )
            })
            .collect()
    }

    /// Where the link with this id leads.
    pub fn link(&self, id: &str) -> String {
        let text = self.reply.text();
        let mut tags = text.split('<').map(|rest| rest.split('>').next().unwrap());
        let found = tags.find(|tag| tag.contains(&format!(" id=\"{id}\"")));
        let found = found.unwrap_or_else(|| panic!("no `{id}` at {}: {text}", self.url));
        value_of(found, "href").expect("an address")
    }

    /// Values of the boxes for granting.
    pub fn grants(&self) -> Vec<String> {
        let fields = self.fields("consent-approve").into_iter();
        fields
            .filter(|(name, _)| name == "grant")
            .map(|(_, value)| value)
            .collect()
    }

    pub fn query(&self, name: &str) -> Option<String> {
        self.url
            .query_pairs()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.into_owned())
    }
}

fn value_of(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let raw = tag[start..].split('"').next()?;
    Some(
        raw.replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&#34;", "\"")
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
            .replace("&#38;", "&"),
    )
}
