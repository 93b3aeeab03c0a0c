//! A person at a browser without scripts: follows redirects, keeps cookies, fills in the forms at `/login` and `/consent`.

use std::collections::BTreeMap;

use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use url::Url;
use url::form_urlencoded::Serializer;

use super::forms;

const MOST_PAGES: usize = 20;

pub struct Browser {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    username: &'static str,
    password: &'static str,
}

enum Request {
    Get(Url),
    Post(Url, Vec<(String, String)>),
}

impl Browser {
    pub fn of(username: &'static str, password: &'static str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .redirect(Policy::none())
                .build()
                .unwrap(),
            cookies: BTreeMap::new(),
            username,
            password,
        }
    }

    /// Logs in and approves wherever that is asked; answers the redirect that leaves the server.
    pub async fn approve(&mut self, start: Url) -> Url {
        let home = start.origin();
        let mut request = Request::Get(start);
        for _ in 0..MOST_PAGES {
            let answer = self.send(request).await;
            let at = answer.url().clone();
            if let Some(location) = answer.headers().get(LOCATION) {
                let next = at.join(location.to_str().unwrap()).unwrap();
                if next.origin() != home {
                    return next;
                }
                request = Request::Get(next);
            } else {
                let status = answer.status();
                let page = String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap();
                request = self
                    .submitted(&at, &page)
                    .unwrap_or_else(|| panic!("no known form at {at} ({status}):\n{page}"));
            }
        }
        panic!("no answer after {MOST_PAGES} pages");
    }

    async fn send(&mut self, request: Request) -> reqwest::Response {
        let builder = match request {
            Request::Get(url) => self.http.get(url),
            Request::Post(url, fields) => {
                let body = Serializer::new(String::new()).extend_pairs(fields).finish();
                let form = "application/x-www-form-urlencoded";
                self.http.post(url).header(CONTENT_TYPE, form).body(body)
            }
        };
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        let answer = builder
            .header(COOKIE, cookies.join("; "))
            .send()
            .await
            .unwrap();
        for line in answer.headers().get_all(SET_COOKIE) {
            self.keep(line.to_str().unwrap());
        }
        answer
    }

    fn keep(&mut self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap();
        if attributes.to_ascii_lowercase().contains("max-age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    fn submitted(&self, at: &Url, page: &str) -> Option<Request> {
        let mut form = forms::with_button(page, "login-submit")
            .or_else(|| forms::with_button(page, "consent-approve"))?;
        for (name, value) in &mut form.fields {
            match name.as_str() {
                "username" => self.username.clone_into(value),
                "password" => self.password.clone_into(value),
                _ => {}
            }
        }
        let mut action = at.join(&form.action).unwrap();
        if form.posts {
            return Some(Request::Post(action, form.fields));
        }
        action.query_pairs_mut().clear().extend_pairs(form.fields);
        Some(Request::Get(action))
    }
}
