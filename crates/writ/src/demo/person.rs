//! A minimal browser for alice: it keeps cookies, follows redirects and submits the server's forms over HTTP.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use http::{Method, Request, Response};
use url::Url;
use writ_platform::{Https, Transport};

use super::cast::DemoLogin;

/// The longest chain of redirects that is followed.
const MAX_REDIRECTS: usize = 8;

/// Alice, with her browser.
pub struct Person {
    http: Https,
    issuer: Url,
    cookies: BTreeMap<String, String>,
}

/// The page that the browser shows.
pub struct DemoPage {
    pub url: Url,
    pub html: String,
}

/// What the consent page showed, and the redirect to the client.
pub struct Consented {
    pub shown: Vec<String>,
    pub redirect: Url,
}

impl Person {
    pub fn new(issuer: &str) -> Result<Self, String> {
        let http = Https::new().map_err(|e| e.to_string())?;
        let issuer = Url::parse(issuer).map_err(|e| e.to_string())?;
        Ok(Self {
            http,
            issuer,
            cookies: BTreeMap::new(),
        })
    }

    /// Logs in, reads the consent page and approves.
    pub async fn approve(&mut self, url: &str, login: DemoLogin) -> Result<Consented, String> {
        let url = Url::parse(url).map_err(|e| e.to_string())?;
        let page = self.go(Method::GET, url, String::new()).await?;
        let page = self
            .send(
                &page,
                "login-submit",
                &[("username", login.name), ("password", login.password)],
            )
            .await?;
        let shown = page.labels();
        let back = self.send(&page, "consent-approve", &[]).await?;
        Ok(Consented {
            shown,
            redirect: back.url,
        })
    }

    /// Opens the page of her agents and stops the first task there.
    pub async fn stop_everything(&mut self) -> Result<(), String> {
        let url = self.issuer.join("/app/agents").map_err(|e| e.to_string())?;
        let page = self.go(Method::GET, url, String::new()).await?;
        self.send(&page, "task-stop", &[]).await.map(|_| ())
    }

    pub(super) fn at(&self, path: &str) -> Result<Url, String> {
        self.issuer.join(path).map_err(|e| e.to_string())
    }

    pub(super) async fn send(
        &mut self,
        page: &DemoPage,
        button: &str,
        filled: &[(&str, &str)],
    ) -> Result<DemoPage, String> {
        let form = page.form(button)?;
        let mut filled: Vec<_> = filled.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        filled.push((button, "1".to_owned()));
        self.submit(page, form, &filled).await
    }

    /// Sends a form of the page: what is hidden in it or checked, and what was filled in.
    pub(super) async fn submit(
        &mut self,
        page: &DemoPage,
        form: &str,
        filled: &[(&str, String)],
    ) -> Result<DemoPage, String> {
        let action = value_of(form.split('>').next().unwrap_or_default(), "action")
            .ok_or("a form without address")?;
        let url = page.url.join(&action).map_err(|e| e.to_string())?;
        let mut body = form_urlencoded::Serializer::new(String::new());
        for tag in form
            .split("<input")
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
        {
            let sent = tag.contains("type=\"hidden\"")
                || (tag.contains("type=\"checkbox\"") && tag.contains(" checked"));
            if let (true, Some(name)) = (sent, value_of(tag, "name"))
                && filled.iter().all(|(other, _)| *other != name)
            {
                body.append_pair(&name, &value_of(tag, "value").unwrap_or_default());
            }
        }
        body.extend_pairs(filled);
        self.go(Method::POST, url, body.finish()).await
    }

    /// Sends a request and follows redirects as long as they stay at the server.
    pub(super) async fn go(
        &mut self,
        method: Method,
        url: Url,
        body: String,
    ) -> Result<DemoPage, String> {
        let (mut method, mut url, mut body) = (method, url, body);
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send_request(&method, &url, &body).await?;
            let Some(location) = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok())
            else {
                let html = String::from_utf8_lossy(answer.body()).into_owned();
                return Ok(DemoPage { url, html });
            };
            let next = url.join(location).map_err(|e| e.to_string())?;
            if next.origin() != self.issuer.origin() {
                return Ok(DemoPage {
                    url: next,
                    html: String::new(),
                });
            }
            (method, url, body) = (Method::GET, next, String::new());
        }
        Err("the server redirects in circles".to_owned())
    }

    async fn send_request(
        &mut self,
        method: &Method,
        url: &Url,
        body: &str,
    ) -> Result<Response<Bytes>, String> {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(COOKIE, cookies.join("; "))
            .body(Bytes::from(body.to_owned()))
            .map_err(|e| e.to_string())?;
        let answer = self.http.send(request).await.map_err(|e| e.to_string())?;
        for cookie in answer
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|c| c.to_str().ok())
        {
            if let Some((name, value)) = cookie
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
            {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

impl DemoPage {
    /// The labels of the checkboxes: the sentences that she agrees to.
    fn labels(&self) -> Vec<String> {
        let labels = self
            .html
            .split("<label")
            .skip(1)
            .filter_map(|rest| rest.split("</label>").next());
        labels
            .filter_map(|label| label.split_once('>'))
            .map(|(_, inner)| plain(inner))
            .collect()
    }

    fn form(&self, button: &str) -> Result<&str, String> {
        self.form_with(&format!("name=\"{button}\""))
    }

    /// The value of the first hidden field of that name.
    pub(super) fn hidden(&self, name: &str) -> Result<String, String> {
        let named = format!("name=\"{name}\"");
        let mut tags = self.html.split("<input").skip(1);
        let tag = tags.find(|tag| tag.split('>').next().is_some_and(|t| t.contains(&named)));
        tag.and_then(|tag| value_of(tag, "value"))
            .ok_or_else(|| format!("no field `{name}` at {}", self.url.path()))
    }

    /// The first link that begins like this.
    pub(super) fn link(&self, begin: &str) -> Result<String, String> {
        let mut links = self.html.split(" href=\"").skip(1);
        let found = links.find(|rest| rest.starts_with(begin));
        found
            .and_then(|rest| rest.split('"').next())
            .map(decoded)
            .ok_or_else(|| format!("no link to {begin} at {}", self.url.path()))
    }

    pub(super) fn attribute(&self, form: &str, name: &str) -> Result<String, String> {
        let tag = form.split('>').next().unwrap_or_default();
        value_of(tag, name).ok_or_else(|| format!("no `{name}` at {}", self.url.path()))
    }

    /// The sentences that are to be approved.
    pub(super) fn sentences(&self) -> Vec<String> {
        let lines = self.html.split("<p class=\"act-words\"").skip(1);
        lines
            .filter_map(|rest| rest.split("</p>").next()?.split_once('>'))
            .map(|(_, inner)| plain(inner))
            .collect()
    }

    /// The form that holds this text.
    pub(super) fn form_with(&self, text: &str) -> Result<&str, String> {
        let mut forms = self
            .html
            .split("<form")
            .skip(1)
            .filter_map(|rest| rest.split("</form>").next());
        forms
            .find(|form| form.contains(text))
            .ok_or_else(|| format!("no form with {text} at {}", self.url.path()))
    }
}

/// Text without tags, entities decoded.
fn plain(html: &str) -> String {
    let outside = html
        .split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    decoded(&outside.collect::<String>()).trim().to_owned()
}

fn value_of(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(decoded)
}

fn decoded(text: &str) -> String {
    let pairs = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(text.to_owned(), |text, (entity, plain)| {
        text.replace(entity, plain)
    })
}
