//! The page that brings an answer to a client by POST (OAuth 2.0 Form Post Response Mode): it sends itself, or by its button.

use askama::Template;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, Response, StatusCode};

use super::{Page, Texts};

/// An answer for a client, on its way through the person's browser.
#[derive(Clone, Debug)]
pub struct FormPost {
    pub redirect_uri: String,
    /// Names and values of the answer.
    pub fields: Vec<(String, String)>,
}

impl FormPost {
    /// Its policy names no target of the form: Chromium would apply it to every redirect that follows at the client.
    pub fn into_http(self, texts: &Texts) -> Response<String> {
        let template = FormPostTemplate {
            texts,
            title: texts.page_title(&texts.form_post.title),
            view: &self,
        };
        let mut response = Page::rendered(&template, StatusCode::OK).into_http();
        let policy = HeaderValue::from_static(POLICY);
        response
            .headers_mut()
            .insert(CONTENT_SECURITY_POLICY, policy);
        response
    }
}

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
     script-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPostTemplate<'a> {
    texts: &'a Texts,
    title: String,
    view: &'a FormPost,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_post_3_the_answer_stands_in_hidden_fields_and_works_without_scripts() {
        let page = FormPost {
            redirect_uri: "https://web.example/cb?a=1&b=\"><script>".to_owned(),
            fields: vec![("state".to_owned(), "\"><script>x</script>".to_owned())],
        };
        let response = page.into_http(&Texts::load().unwrap());
        let html = response.body();
        assert!(
            html.contains("<form method=\"post\" id=\"form-post\""),
            "{html}"
        );
        assert!(
            html.contains("name=\"state\" value=\"&#34;&#62;&#60;script&#62;x"),
            "{html}"
        );
        assert!(!html.contains("<script>"), "{html}");
        assert!(html.contains("<button class=\"button\" type=\"submit\""));
        let policy = response.headers().get(CONTENT_SECURITY_POLICY).unwrap();
        let policy = policy.to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("form-action"));
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
