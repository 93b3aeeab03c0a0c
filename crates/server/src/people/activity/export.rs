//! `/app/activity/export`: what is kept about one person's consents, approvals, receipts and stops, as JSON to take away. It is read
//! and sent a page at a time: a long history takes no more memory than a short one.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_core::Stream;
use http::header;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use writ_core::client::User;
use writ_store::StoreError;
use writ_store::consent::StoredConsent;
use writ_store::event::{EventsOf, StoredEvent};
use writ_store::receipt::StoredReceipt;

use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::request::Visitor;

/// The most events; the newest count.
const MAX_EVENTS: usize = 10_000;
/// The most consents, and the most receipts, each with everything that was shown; the newest count.
const MAX_TEXTS: usize = 1000;
/// Rows of one query.
const PAGE: u32 = 100;
/// Pages that wait for a slow reader.
const BUFFERED: usize = 4;

pub(super) async fn export(visitor: Visitor) -> Result<Response, PageError> {
    let app = visitor.app.clone();
    let user = visitor.signed_in(super::PATH)?.user().clone();
    // What can fail before the answer begins does.
    let events = EventSpan::of(&app, &user).await?;
    let (sender, receiver) = mpsc::channel(BUFFERED);
    tokio::spawn(async move {
        let mut document = Document { app, user, sender };
        // A reader that went away needs nothing more; one whose document breaks off must not take it for whole.
        if let Err(Broken::Store(error)) = document.write(events).await {
            tracing::error!(%error, "an export broke off");
            let broken = io::Error::other("the database does not answer");
            let _ = document.sender.send(Err(broken)).await;
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"activity.json\"",
        ),
    ];
    Ok((headers, Body::from_stream(Pages(receiver))).into_response())
}

/// The newest events of a person, oldest first.
#[derive(Default)]
struct EventSpan {
    /// The id before the first; absent where there is none.
    after: Option<String>,
    /// The last of them.
    until: Option<String>,
}

impl EventSpan {
    async fn of(app: &App, user: &User) -> Result<Self, StoreError> {
        let (mut span, mut found) = (Self::default(), 0);
        let mut before: Option<String> = None;
        loop {
            let of = EventsOf::Subject(user.id.as_str());
            let mut reading = app.read().await?;
            let page = reading.events_before(of, before.as_deref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(span);
            };
            before = Some(last.id.clone());
            span.until = span
                .until
                .or_else(|| page.first().map(|event| event.id.clone()));
            if let Some(event) = page.get(MAX_EVENTS - found) {
                span.after = Some(event.id.clone());
                return Ok(span);
            }
            found += page.len();
        }
    }
}

/// Why a document was not written to its end.
enum Broken {
    Store(StoreError),
    ReaderGone,
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The document of one person while it is written. Only rows of this person: events of which they are the subject, consents that
/// they gave, receipts of what they decided.
struct Document {
    app: Arc<App>,
    user: User,
    sender: mpsc::Sender<io::Result<Bytes>>,
}

impl Document {
    async fn write(&mut self, events: EventSpan) -> Result<(), Broken> {
        let head = json!({
            "subject": self.user.id,
            "name": self.user.name,
            "exported_at": self.app.clock.now().rfc3339(),
            "limits": { "events": MAX_EVENTS, "consents": MAX_TEXTS, "receipts": MAX_TEXTS },
        });
        // The object goes on.
        let head = head.to_string();
        let open = head.strip_suffix('}').unwrap_or(&head);
        self.send(open.to_owned()).await?;
        let consents = self.consents().await?;
        let receipts = self.receipts().await?;
        let is_all = events.after.is_none() && consents == Part::Whole && receipts == Part::Whole;
        let (mut approvals, mut stops) = (List::default(), List::default());
        self.events(&events, &mut approvals, &mut stops).await?;
        self.send(format!(
            ",\"approvals\":[{}],\"stops\":[{}],\"complete\":{is_all}}}",
            approvals.0, stops.0
        ))
        .await
    }

    async fn consents(&self) -> Result<Part, Broken> {
        let (mut written, mut last): (usize, Option<StoredConsent>) = (0, None);
        self.send(",\"consents\":[".to_owned()).await?;
        loop {
            let mut reading = self.app.read().await?;
            let page = reading
                .consents_before(&self.user.id, last.as_ref(), PAGE)
                .await?;
            drop(reading);
            let mut list = List::after(written);
            let room = MAX_TEXTS - written;
            for one in page.iter().take(room) {
                list.push(&consent(one)?)?;
            }
            self.send(list.0).await?;
            if page.len() > room {
                return self.end(Part::Cut).await;
            }
            written += page.len();
            match page.into_iter().next_back() {
                Some(one) => last = Some(one),
                None => return self.end(Part::Whole).await,
            }
        }
    }

    async fn receipts(&self) -> Result<Part, Broken> {
        let (mut written, mut last): (usize, Option<StoredReceipt>) = (0, None);
        self.send(",\"receipts\":[".to_owned()).await?;
        loop {
            let mut reading = self.app.read().await?;
            let page = reading
                .receipts_before(&self.user.id, last.as_ref(), PAGE)
                .await?;
            drop(reading);
            let mut list = List::after(written);
            let room = MAX_TEXTS - written;
            for one in page.iter().take(room) {
                list.push(&receipt(one)?)?;
            }
            self.send(list.0).await?;
            if page.len() > room {
                return self.end(Part::Cut).await;
            }
            written += page.len();
            match page.into_iter().next_back() {
                Some(one) => last = Some(one),
                None => return self.end(Part::Whole).await,
            }
        }
    }

    /// The events, of which approvals and stops are told in short too.
    async fn events(
        &self,
        span: &EventSpan,
        approvals: &mut List,
        stops: &mut List,
    ) -> Result<(), Broken> {
        self.send(",\"events\":[".to_owned()).await?;
        let (mut after, mut written) = (span.after.clone(), 0);
        loop {
            let of = EventsOf::Subject(self.user.id.as_str());
            let mut reading = self.app.read().await?;
            let page = reading.events_after(of, after.as_deref(), PAGE).await?;
            drop(reading);
            let mut list = List::after(written);
            // What happens meanwhile is not in it.
            let page: Vec<StoredEvent> = page
                .into_iter()
                .take_while(|event| span.until.as_ref().is_some_and(|until| event.id <= *until))
                .collect();
            for event in &page {
                list.push(event)?;
                match event.name.as_str() {
                    name if name.starts_with("approval.") => approvals.push(&short(event))?,
                    "task.revoked" | "delegation.stopped" => stops.push(&short(event))?,
                    _ => {}
                }
            }
            self.send(list.0).await?;
            written += page.len();
            match page.last() {
                Some(event) => after = Some(event.id.clone()),
                None => break,
            }
        }
        self.send("]".to_owned()).await
    }

    async fn end(&self, part: Part) -> Result<Part, Broken> {
        self.send("]".to_owned()).await?;
        Ok(part)
    }

    async fn send(&self, text: String) -> Result<(), Broken> {
        let sent = self.sender.send(Ok(Bytes::from(text))).await;
        sent.map_err(|_| Broken::ReaderGone)
    }
}

/// Whether a list holds everything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Cut,
}

/// Elements of a JSON array, with a comma before each but the very first.
#[derive(Default)]
struct List(String, usize);

impl List {
    const fn after(written: usize) -> Self {
        Self(String::new(), written)
    }

    fn push(&mut self, one: &impl Serialize) -> Result<(), StoreError> {
        let text = serde_json::to_string(one)
            .map_err(|e| StoreError::Corrupt(format!("an export: {e}")))?;
        if self.1 > 0 {
            self.0.push(',');
        }
        self.1 += 1;
        self.0.push_str(&text);
        Ok(())
    }
}

/// Enough to find the whole of it among the events.
fn short(event: &StoredEvent) -> Value {
    json!({
        "event": event.id,
        "at": event.at.rfc3339(),
        "name": event.name,
        "client": event.client,
        "task": event.task,
        "reason": event.reason,
        "request": event.data.get("request"),
        "receipt": event.data.get("receipt"),
    })
}

fn consent(stored: &StoredConsent) -> Result<Value, StoreError> {
    let mut consent = serde_json::to_value(stored)
        .map_err(|e| StoreError::Corrupt(format!("consent `{}`: {e}", stored.id)))?;
    if let Some(members) = consent.as_object_mut() {
        members.insert("at".to_owned(), Value::from(stored.at.rfc3339()));
    }
    Ok(consent)
}

/// The signed document, as `/app/receipts/{id}/document` hands it out.
fn receipt(stored: &StoredReceipt) -> Result<Value, StoreError> {
    serde_json::from_str(&stored.document)
        .map_err(|e| StoreError::Corrupt(format!("receipt `{}`: {e}", stored.id)))
}

/// Pages as they are written.
struct Pages(mpsc::Receiver<io::Result<Bytes>>);

impl Stream for Pages {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
