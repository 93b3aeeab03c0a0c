//! A person's browser on the network of the tests, where whatever is not as expected ends the test.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use http::StatusCode;
use url::Url;
use writ_person::{ShownPage, WebBrowser, attribute};

use crate::network::Network;
use crate::reply::TestReply;
use crate::world::ISSUER;

pub struct TestBrowser(WebBrowser);

/// Where the browser stands: a page of the server, or an address elsewhere that it was sent to.
#[derive(Debug)]
pub struct WebPage {
    pub url: Url,
    pub reply: TestReply,
}

impl Deref for TestBrowser {
    type Target = WebBrowser;

    fn deref(&self) -> &WebBrowser {
        &self.0
    }
}

impl DerefMut for TestBrowser {
    fn deref_mut(&mut self) -> &mut WebBrowser {
        &mut self.0
    }
}

impl TestBrowser {
    pub fn new(network: Arc<Network>) -> Self {
        Self(WebBrowser::new(network, ISSUER).unwrap())
    }

    /// From now on its requests go to another node; its cookies stay.
    pub fn move_to(&mut self, network: Arc<Network>) {
        let cookies = std::mem::take(&mut self.cookies);
        *self = Self::new(network);
        self.cookies = cookies;
    }

    pub async fn open(&mut self, url: &str) -> WebPage {
        self.0.open(url).await.unwrap().into()
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, String)]) -> WebPage {
        self.0.post(path, fields).await.unwrap().into()
    }

    pub async fn submit(&mut self, page: &WebPage, button: &str, fill: &[(&str, &str)]) -> WebPage {
        let sent = self.0.submit(&page.shown(), button, fill).await;
        sent.unwrap().into()
    }

    pub async fn send_form(
        &mut self,
        page: &WebPage,
        control: &str,
        fields: &[(String, String)],
    ) -> WebPage {
        let sent = self.0.send_form(&page.shown(), control, fields).await;
        sent.unwrap().into()
    }

    pub async fn log_in(&mut self, page: &WebPage, username: &str, password: &str) -> WebPage {
        let sent = self.0.log_in(&page.shown(), username, password).await;
        sent.unwrap().into()
    }

    /// Log in where asked, approve everything; the address that the client gets.
    pub async fn approve(&mut self, url: &str, username: &str, password: &str) -> Url {
        let consented = self.0.approve(url, username, password).await.unwrap();
        assert_eq!(consented.page.url.path(), "/consent");
        consented.redirect
    }
}

impl From<ShownPage> for WebPage {
    fn from(page: ShownPage) -> Self {
        let reply = TestReply {
            status: page.status.as_u16(),
            headers: page.headers,
            body: page.body,
        };
        Self {
            url: page.url,
            reply,
        }
    }
}

impl WebPage {
    pub(crate) fn shown(&self) -> ShownPage {
        ShownPage {
            url: self.url.clone(),
            status: StatusCode::from_u16(self.reply.status).unwrap(),
            headers: self.reply.headers.clone(),
            body: self.reply.body.clone(),
        }
    }

    /// Hidden fields and ticked boxes of the form with this button, in the order of the page.
    pub fn fields(&self, button: &str) -> Vec<(String, String)> {
        self.shown().fields(button).unwrap()
    }

    /// Where the link with this id leads.
    pub fn link(&self, id: &str) -> String {
        let text = self.reply.text();
        let mut tags = text.split('<').map(|rest| rest.split('>').next().unwrap());
        let found = tags.find(|tag| tag.contains(&format!(" id=\"{id}\"")));
        let found = found.unwrap_or_else(|| panic!("no `{id}` at {}: {text}", self.url));
        attribute(found, "href").expect("an address")
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
