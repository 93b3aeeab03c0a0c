//! The browser: keeps cookies, follows redirects within the server and submits its forms.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request};
use url::Url;
use writ_platform::Transport;

use crate::error::{BrowserError, Step};
use crate::page::ShownPage;

/// The longest chain of redirects that is followed.
const MAX_REDIRECTS: usize = 8;

pub struct WebBrowser {
    transport: Arc<dyn Transport>,
    issuer: Url,
    pub cookies: BTreeMap<String, String>,
}

/// The consent page that was approved, and the redirect to the client.
#[derive(Debug)]
pub struct Consented {
    pub page: ShownPage,
    pub redirect: Url,
}

impl WebBrowser {
    pub fn new(transport: Arc<dyn Transport>, issuer: &str) -> Step<Self> {
        Ok(Self {
            transport,
            issuer: Url::parse(issuer)?,
            cookies: BTreeMap::new(),
        })
    }

    /// Opens an address, absolute or a path at the server, and follows redirects as long as they stay there.
    pub async fn open(&mut self, address: &str) -> Step {
        let url = self.issuer.join(address)?;
        self.follow(Method::GET, url, String::new()).await
    }

    /// Sends a form that no page holds, as a script does.
    pub async fn post(
        &mut self,
        address: &str,
        fields: &[(impl AsRef<str>, impl AsRef<str>)],
    ) -> Step {
        let url = self.issuer.join(address)?;
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        self.follow(Method::POST, url, body).await
    }

    /// Sends the form that holds the button: its hidden fields and ticked boxes, what is filled in, and the button.
    pub async fn submit(&mut self, page: &ShownPage, button: &str, fill: &[(&str, &str)]) -> Step {
        let mut fields = page.filled(button, fill)?;
        fields.push((button.to_owned(), "1".to_owned()));
        self.send_form(page, button, &fields).await
    }

    /// As `submit`, where the button has no name.
    pub async fn fill(&mut self, page: &ShownPage, control: &str, fill: &[(&str, &str)]) -> Step {
        let fields = page.filled(control, fill)?;
        self.send_form(page, control, &fields).await
    }

    /// Sends exactly these fields to the address of the form that holds the control.
    pub async fn send_form(
        &mut self,
        page: &ShownPage,
        control: &str,
        fields: &[(String, String)],
    ) -> Step {
        let url = page.action(control)?;
        self.post(url.as_str(), fields).await
    }

    pub async fn log_in(&mut self, page: &ShownPage, username: &str, password: &str) -> Step {
        let typed = [("username", username), ("password", password)];
        self.submit(page, "login-submit", &typed).await
    }

    /// Logs in where asked, and approves everything on the consent page.
    pub async fn approve(&mut self, url: &str, username: &str, password: &str) -> Step<Consented> {
        let mut page = self.open(url).await?;
        if page.url.path() == "/login" {
            page = self.log_in(&page, username, password).await?;
        }
        let back = self.submit(&page, "consent-approve", &[]).await?;
        Ok(Consented {
            page,
            redirect: back.url,
        })
    }

    async fn follow(&mut self, mut method: Method, mut url: Url, mut body: String) -> Step {
        for _ in 0..MAX_REDIRECTS {
            let mut page = self.once(&method, &url, body).await?;
            let location = page.headers.get(LOCATION).and_then(|l| l.to_str().ok());
            let Some(location) = location else {
                return Ok(page);
            };
            url = url.join(location)?;
            if url.origin() != self.issuer.origin() {
                page.url = url;
                return Ok(page);
            }
            (method, body) = (Method::GET, String::new());
        }
        Err(BrowserError::Circle)
    }

    async fn once(&mut self, method: &Method, url: &Url, body: String) -> Step {
        let cookies = self.cookies.iter();
        let cookies: Vec<String> = cookies.map(|(n, v)| format!("{n}={v}")).collect();
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, cookies.join("; "))
            .body(Bytes::from(body))?;
        let (parts, body) = self.transport.send(request).await?.into_parts();
        for cookie in parts.headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().ok().and_then(|c| c.split(';').next());
            if let Some((name, value)) = pair.and_then(|pair| pair.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(ShownPage {
            url: url.clone(),
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}
