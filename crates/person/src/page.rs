//! What the browser shows, and the forms on it, read without an HTML parser: our own templates are the only input.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use url::Url;

use crate::error::{BrowserError, Step};

/// A page of the server, or the redirect to an address elsewhere.
#[derive(Clone, Debug)]
pub struct ShownPage {
    pub url: Url,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl ShownPage {
    pub fn html(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The JSON of a good answer.
    pub fn json(&self) -> Step<Value> {
        match serde_json::from_slice(&self.body) {
            Ok(value) if self.status.is_success() => Ok(value),
            _ => Err(self.lacks("no JSON")),
        }
    }

    /// Hidden fields and ticked boxes of the form that holds this control, in the order of the page.
    pub fn fields(&self, control: &str) -> Step<Vec<(String, String)>> {
        let form = self.form(control)?;
        let tags = form.split("<input").skip(1);
        let tags = tags.filter_map(|rest| rest.split('>').next());
        let sent = tags.filter(|tag| {
            let chosen = tag.contains("type=\"checkbox\"") || tag.contains("type=\"radio\"");
            tag.contains("type=\"hidden\"") || (chosen && tag.contains(" checked"))
        });
        let named = |tag| {
            let value = attribute(tag, "value").unwrap_or_default();
            Some((attribute(tag, "name")?, value))
        };
        Ok(sent.filter_map(named).collect())
    }

    /// The same with some of them changed.
    pub fn filled(&self, control: &str, fill: &[(&str, &str)]) -> Step<Vec<(String, String)>> {
        let mut fields = self.fields(control)?;
        fields.retain(|(name, _)| !fill.iter().any(|(filled, _)| filled == name));
        fields.extend(fill.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        Ok(fields)
    }

    /// Where the form that holds this control is sent.
    pub fn action(&self, control: &str) -> Step<Url> {
        let action = attribute(&self.form(control)?, "action");
        let action = action.ok_or_else(|| self.lacks("a form without address"))?;
        Ok(self.url.join(&action)?)
    }

    /// The token against forged forms.
    pub fn csrf(&self) -> Step<String> {
        let mut fields = self.fields("csrf")?.into_iter();
        let found = fields.find_map(|(name, value)| (name == "csrf").then_some(value));
        found.ok_or_else(|| self.lacks("no token against forged forms"))
    }

    /// Ids of the requests in the inbox, from top to bottom.
    pub fn requests(&self) -> Vec<String> {
        let html = self.html();
        let ids = html.split("id=\"request-").skip(1);
        ids.filter_map(|rest| rest.split('"').next().map(str::to_owned))
            .collect()
    }

    /// What an approval page gives to the authenticator.
    pub fn passkey_options(&self) -> Step<Value> {
        let given = attribute(&self.html(), "data-given");
        let options = given.and_then(|given| serde_json::from_str(&given).ok());
        options.ok_or_else(|| self.lacks("no passkey is asked"))
    }

    fn form(&self, control: &str) -> Step<String> {
        let html = self.html();
        let name = format!("name=\"{control}\"");
        let forms = html.split("<form").skip(1);
        let mut forms = forms.filter_map(|rest| rest.split("</form>").next());
        let found = forms.find(|form| form.contains(&name)).map(str::to_owned);
        found.ok_or_else(|| self.lacks(&format!("no form with `{control}`")))
    }

    /// The error that says what is missing here.
    pub fn lacks(&self, problem: &str) -> BrowserError {
        BrowserError::Page {
            problem: problem.to_owned(),
            path: self.url.path().to_owned(),
            text: self.html().into_owned(),
        }
    }
}

/// The value of the first attribute of this name.
pub fn attribute(html: &str, name: &str) -> Option<String> {
    let (_, rest) = html.split_once(&format!(" {name}=\""))?;
    rest.split('"').next().map(decoded)
}

/// Text without tags, entities decoded.
pub fn plain(html: &str) -> String {
    let outside = html
        .split('<')
        .map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text));
    decoded(&outside.collect::<String>()).trim().to_owned()
}

fn decoded(text: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&lt;", "<"),
        ("&#60;", "<"),
        ("&gt;", ">"),
        ("&#62;", ">"),
        ("&amp;", "&"),
        ("&#38;", "&"),
    ];
    entities
        .iter()
        .fold(text.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        })
}
