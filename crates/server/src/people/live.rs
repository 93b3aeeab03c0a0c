//! `/app/live`: a logged-in person's inbox says when something changed in it, as server-sent events (HTML 9.2).

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_core::Stream;
use http::header::CACHE_CONTROL;
use http::{HeaderName, StatusCode};
use tokio::sync::{mpsc, watch};
use writ_core::id::UserId;

use crate::node::app::App;
use crate::people::error::PageError;
use crate::people::request::Visitor;

/// Streams of one person on one node: their phone, their desk, and a page that was reloaded just now.
pub const MAX_OF_PERSON: usize = 8;
/// Streams of one node.
pub const MAX_STREAMS: usize = 4096;
/// How often a quiet stream shows that it is there, and is asked whether its login still is.
pub const HEARTBEAT: Duration = Duration::from_secs(20);
/// Events buffered for a slow reader; all say the same.
const WAITING: usize = 4;

/// One stream's place; dropped with it.
struct Place {
    app: Arc<App>,
    user: UserId,
}

/// Ends all streams and long polls when the server stops; otherwise they would hold it up.
pub async fn close_with(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    // A dropped sender means that the server has stopped too.
    let _ = stop.changed().await;
    app.begin_ending();
}

pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/app/live", get(stream))
}

async fn stream(visitor: Result<Visitor, PageError>) -> Result<Response, PageError> {
    let Visitor { app, browser, .. } = visitor.map_err(PageError::for_script)?;
    let signed_out = PageError::script_status(StatusCode::UNAUTHORIZED);
    let session = browser.session.as_ref().ok_or(signed_out)?;
    let too_many = PageError::script_status(StatusCode::TOO_MANY_REQUESTS);
    let place = Place::take(&app, &session.user.id).ok_or(too_many)?;
    let (sender, receiver) = mpsc::channel(WAITING);
    tokio::spawn(tell(place, browser.digest(), sender));
    // A proxy that collects answers would hold the news back.
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Sse::new(News(receiver))).into_response())
}

/// Until the browser goes away, the login ends, or the server does.
async fn tell(place: Place, login: String, sender: mpsc::Sender<Event>) {
    let mut changes = place.app.waiting.watch_inbox(&place.user);
    let mut closed = place.app.live.closed.subscribe();
    let mut beats = tokio::time::interval(HEARTBEAT);
    loop {
        let event = tokio::select! {
            changed = changes.changed() => match changed {
                Ok(()) => Event::default().event("inbox").data("changed"),
                Err(_) => return,
            },
            _ = beats.tick() => Event::default().comment("here"),
            _ = closed.wait_for(|closed| *closed) => return,
            () = sender.closed() => return,
        };
        if !place.is_logged_in(&login).await || sender.send(event).await.is_err() {
            return;
        }
    }
}

impl Place {
    fn take(app: &Arc<App>, user: &UserId) -> Option<Self> {
        let taken = app.live.people(|people| count_one_more(people, user));
        taken.then(|| Self {
            app: app.clone(),
            user: user.clone(),
        })
    }

    async fn is_logged_in(&self, login: &str) -> bool {
        let found = async {
            let mut reading = self.app.read().await?;
            reading.session(login, self.app.clock.now()).await
        };
        found
            .await
            .is_ok_and(|session| session.is_some_and(|session| !session.user.disabled))
    }
}

/// `false`: there is no room for another one of this person, or of the node.
fn count_one_more(people: &mut HashMap<UserId, usize>, user: &UserId) -> bool {
    let all: usize = people.values().sum();
    let mine = people.get(user).copied().unwrap_or_default();
    let room = all < MAX_STREAMS && mine < MAX_OF_PERSON;
    if room {
        people.insert(user.clone(), mine + 1);
    }
    room
}

impl Drop for Place {
    fn drop(&mut self) {
        self.app.live.people(|people| {
            let left = people.get(&self.user).copied().unwrap_or_default();
            if left > 1 {
                people.insert(self.user.clone(), left - 1);
            } else {
                people.remove(&self.user);
            }
        });
    }
}

/// Events as they come.
struct News(mpsc::Receiver<Event>);

impl Stream for News {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_so_many_streams_and_a_person_a_few_of_them() {
        let mut people = HashMap::new();
        let user = |number: usize| UserId::from_text(format!("usr_{number}"));
        for number in 0..MAX_STREAMS / MAX_OF_PERSON {
            for _ in 0..MAX_OF_PERSON {
                assert!(count_one_more(&mut people, &user(number)), "{number}");
            }
            assert!(!count_one_more(&mut people, &user(number)), "{number}");
        }
        let new = user(MAX_STREAMS);
        assert!(!count_one_more(&mut people, &new));
        // The stream of somebody else ends.
        people.insert(user(0), MAX_OF_PERSON - 1);
        assert!(count_one_more(&mut people, &new));
        assert!(!count_one_more(&mut people, &user(0)));
    }
}
