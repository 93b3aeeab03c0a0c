//! Web Push: a message encrypted for the user's browser (RFC 8291), posted to its push service (RFC 8030) with VAPID (RFC 8292). It
//! opens the page of the request; it cannot approve, because a tap on a notification shows nothing of what would be approved.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use web_push_native::p256::PublicKey;
use web_push_native::{Auth, encrypt};
use writ_core::id::ApprovalId;
use writ_core::pending::PendingRequest;
use writ_jose::hash;
use writ_pages::messages::{MessageAsker, kinds};
use writ_store::DatabaseTransaction;
use writ_store::notice::Notice;
use writ_wire::time::Timestamp;

use super::fan_out::{open_request, request_over};
use super::outcome::{DeliveryOutcome, NotSent};
use super::{quiet_hours, seal};
use crate::node::app::App;
use crate::node::failure::Failure;

/// A topic has at most 32 characters (RFC 8030 section 5.4).
const TOPIC_CHARACTERS: usize = 32;

/// The one record of a message (RFC 8291 section 4), in bytes: header, message, delimiter and tag.
const RECORD_SIZE: u32 = 4096;
/// Its place in the header, behind the salt (RFC 8188 section 2.1).
const RECORD_SIZE_AT: std::ops::Range<usize> = 16..20;
const LONGEST_MESSAGE: usize = 4096 - 86 - 17;

/// The push subscription of a browser; stored encrypted. The endpoint is a capability to send messages, so this has no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowserSubscription {
    pub endpoint: String,
    /// The browser's public key, an uncompressed point in base64url (RFC 8291 section 2.1).
    pub p256dh: String,
    /// 16 secret bytes in base64url (RFC 8291 section 2.2).
    pub auth: String,
    /// The language of its messages, one of those supported.
    pub language: String,
}

impl BrowserSubscription {
    pub fn digest(&self) -> String {
        Self::digest_of(&self.endpoint)
    }

    /// The key of an endpoint's row.
    pub fn digest_of(endpoint: &str) -> String {
        hash::digest_text(&[b"push-endpoint", endpoint.as_bytes()])
    }

    pub fn seal(&self, app: &App) -> Result<String, Failure> {
        app.seal(&seal::of_subscription(&self.digest()), self)
    }

    /// The message for this browser alone, in one record (RFC 8291 section 4); `None` if it is too long or the keys are none.
    pub fn encrypted(&self, message: &[u8]) -> Option<Vec<u8>> {
        if message.len() > LONGEST_MESSAGE {
            return None;
        }
        let (key, auth) = self.keys()?;
        let mut sealed = encrypt(message.to_vec(), &key, &auth).ok()?;
        // The library writes the length of its one record; it has to be larger. No key depends on it (RFC 8188 section 2.1).
        sealed
            .get_mut(RECORD_SIZE_AT)?
            .copy_from_slice(&RECORD_SIZE.to_be_bytes());
        Some(sealed)
    }

    pub fn is_usable(&self) -> bool {
        self.keys().is_some()
    }

    fn keys(&self) -> Option<(PublicKey, Auth)> {
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let key = PublicKey::from_sec1_bytes(&bytes(&self.p256dh)?).ok()?;
        let auth = <[u8; 16]>::try_from(bytes(&self.auth)?).ok()?;
        Some((key, Auth::from(auth)))
    }
}

/// A message for a push service.
pub(crate) struct PushMessage {
    pub(crate) payload: Value,
    /// A later message of the same topic replaces it (RFC 8030 section 5.4).
    pub(crate) topic: String,
}

pub(crate) async fn send(app: &App, notice: &Notice) -> Result<DeliveryOutcome, NotSent> {
    let now = app.clock.now();
    let (request, browser) = {
        let mut reading = app.read().await?;
        let request = open_request(&mut reading, notice, now).await?;
        let browser = match quiet_hours::hold_back(&request) {
            true => subscription_of(app, &mut reading, notice, now).await?,
            false => known_subscription(app, &mut reading, notice).await?,
        };
        (request, browser)
    };
    let message = message(app, &request, &browser).await?;
    post_message(app, notice, &browser, &message).await
}

/// Posts to the browser's push service; a subscription that the service no longer knows is removed.
pub(crate) async fn post_message(
    app: &App,
    notice: &Notice,
    browser: &BrowserSubscription,
    message: &PushMessage,
) -> Result<DeliveryOutcome, NotSent> {
    let now = app.clock.now();
    let Some(sealed) = browser.encrypted(message.payload.to_string().as_bytes()) else {
        return Ok(DeliveryOutcome::Failed(
            "the message is too long, or the browser's keys are no keys".to_owned(),
        ));
    };
    let seconds = now.until(notice.expires_at).as_secs();
    let Some(headers) = headers(app, browser, seconds, &message.topic)? else {
        return Ok(DeliveryOutcome::Failed(
            "the push service may not be called".to_owned(),
        ));
    };
    let reply = app
        .notices
        .guard
        .post(&browser.endpoint, headers, Bytes::from(sealed));
    let reply = reply.await;
    let unknown = [StatusCode::NOT_FOUND, StatusCode::GONE];
    if reply
        .as_ref()
        .is_ok_and(|reply| unknown.contains(&reply.status))
    {
        remove_subscription(app, &notice.target, now).await?;
    }
    Ok(DeliveryOutcome::of(reply))
}

/// The subscription that a notice is for; not during its user's quiet hours.
pub(crate) async fn subscription_of(
    app: &App,
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
    now: Timestamp,
) -> Result<BrowserSubscription, NotSent> {
    let user = notice.user.as_ref().ok_or_else(request_over)?;
    let settings = transaction.settings(user).await?.unwrap_or_default();
    quiet_hours::check(&settings, &app.zones, now)?;
    known_subscription(app, transaction, notice).await
}

/// The same at any hour.
pub(crate) async fn known_subscription(
    app: &App,
    transaction: &mut DatabaseTransaction,
    notice: &Notice,
) -> Result<BrowserSubscription, NotSent> {
    let user = notice.user.as_ref().ok_or_else(request_over)?;
    let browsers = transaction.subscriptions_of(user).await?.into_iter();
    let found = browsers.into_iter().find(|one| one.digest == notice.target);
    let subscription =
        found.ok_or_else(|| DeliveryOutcome::Failed("the browser is gone".to_owned()))?;
    let associated_data = seal::of_subscription(&subscription.digest);
    Ok(app.unseal(&associated_data, &subscription.sealed)?)
}

/// Its text may be read on a locked screen: it names the agent and the kinds of what is asked, no values.
async fn message(
    app: &App,
    request: &PendingRequest,
    browser: &BrowserSubscription,
) -> Result<PushMessage, NotSent> {
    let agent = app.client(request.client.as_str()).await?;
    let agent = agent.ok_or_else(|| DeliveryOutcome::Failed("the agent is gone".to_owned()))?;
    let catalogue = app.catalogue().await?;
    let (language, texts) = app.notices.words.of(&browser.language);
    let resource = catalogue.name_of_asking(request);
    let asker = MessageAsker {
        agent: &agent,
        resource: resource.as_deref(),
    };
    let said = texts.push(asker, &kinds(request, &catalogue.types, language));
    let topic = topic(&request.asked_hash);
    let payload = json!({
        "title": said.title,
        "body": said.body,
        "url": page_of(&request.id),
        "tag": topic,
    });
    Ok(PushMessage { payload, topic })
}

/// `None` if the endpoint is not of a push service that may be called, any more.
fn headers(
    app: &App,
    browser: &BrowserSubscription,
    seconds: u64,
    topic: &str,
) -> Result<Option<HeaderMap>, Failure> {
    let Some(audience) = app.config.channels.push_service(&browser.endpoint) else {
        return Ok(None);
    };
    let authorization = app
        .notices
        .push_key
        .authorization(&audience, app.clock.now())?;
    let value = |text: String| {
        HeaderValue::try_from(text).map_err(|_| Failure::Broken("a push header".to_owned()))
    };
    Ok(Some(HeaderMap::from_iter([
        (AUTHORIZATION, value(authorization)?),
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
        (HeaderName::from_static("ttl"), HeaderValue::from(seconds)),
        (
            HeaderName::from_static("urgency"),
            HeaderValue::from_static("high"),
        ),
        (HeaderName::from_static("topic"), value(topic.to_owned())?),
    ])))
}

/// The topic of messages about one thing: the later message replaces the earlier one, in the push service and on the screen.
pub(crate) fn topic(about: &str) -> String {
    let digest = hash::digest_text(&[b"push-topic", about.as_bytes()]);
    digest.chars().take(TOPIC_CHARACTERS).collect()
}

async fn remove_subscription(app: &App, digest: &str, now: Timestamp) -> Result<(), Failure> {
    let mut transaction = app.begin().await?;
    transaction.subscription_gone(digest, now).await?;
    Ok(transaction.commit().await?)
}

/// The path of the page of a request.
pub(crate) fn page_of(request: &ApprovalId) -> String {
    format!("/app/requests/{request}")
}

#[cfg(test)]
mod tests {
    use web_push_native::decrypt;
    use web_push_native::p256::SecretKey;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// The example of RFC 8291 section 5: what the library decrypts is what the specification encrypted.
    #[test]
    fn rfc_8291_5_the_example_decrypts() {
        let message = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
        let key = SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"));
        let auth = <[u8; 16]>::try_from(bytes("BTBZMqHH6r4Tts7J_aSIgg")).unwrap();
        let plain = decrypt(message, &key.unwrap(), &Auth::from(auth)).unwrap();
        assert_eq!(plain, b"When I grow up, I want to be a watermelon");
    }

    /// What we encrypt for the keys of that example, its private key decrypts.
    #[test]
    fn rfc_8291_4_only_the_browser_reads_it() {
        let browser = BrowserSubscription {
            endpoint: "https://push.example/x".to_owned(),
            p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
                .to_owned(),
            auth: "BTBZMqHH6r4Tts7J_aSIgg".to_owned(),
            language: "en".to_owned(),
        };
        let message = browser.encrypted(b"hello").unwrap();
        let key = SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"));
        let auth = <[u8; 16]>::try_from(bytes(&browser.auth)).unwrap();
        let plain = decrypt(message.clone(), &key.unwrap(), &Auth::from(auth)).unwrap();
        assert_eq!(plain, b"hello");
        assert_ne!(message, browser.encrypted(b"hello").unwrap());
        let longest = browser.encrypted(&[b'x'; LONGEST_MESSAGE]).unwrap();
        assert_eq!(
            (longest.len(), &longest[RECORD_SIZE_AT]),
            (4096, &[0, 0, 16, 0][..])
        );
        assert!(browser.encrypted(&[b'x'; LONGEST_MESSAGE + 1]).is_none());
        for (p256dh, auth) in [
            ("", "x"),
            ("AAAA", &browser.auth),
            (&browser.p256dh, "AAAA"),
        ] {
            let bad = BrowserSubscription {
                p256dh: p256dh.to_owned(),
                auth: auth.to_owned(),
                ..browser.clone()
            };
            assert!(!bad.is_usable());
        }
    }

    #[test]
    fn rfc_8030_5_4_a_topic_is_short_and_url_safe() {
        let topic = topic("apr_1");
        assert_eq!(topic.len(), TOPIC_CHARACTERS);
        assert!(
            topic
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
    }
}
