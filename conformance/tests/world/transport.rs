//! What both crates leave to their user: HTTP without redirects, and the parameters of the answer at the redirect URI.

use oauth2::{HttpRequest, HttpResponse};
use reqwest::redirect::Policy;
use url::Url;

pub async fn send(request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let http = reqwest::Client::builder()
        .redirect(Policy::none())
        .build()?;
    let answer = http.execute(request.try_into()?).await?;
    let mut response = oauth2::http::Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        response = response.header(name, value);
    }
    let body = answer.bytes().await?.to_vec();
    Ok(response
        .body(body)
        .expect("parts of a response make a response"))
}

pub fn answered(callback: &Url, name: &str) -> String {
    let value = callback.query_pairs().find(|(found, _)| found == name);
    let value = value.unwrap_or_else(|| panic!("no `{name}` in {callback}"));
    value.1.into_owned()
}
