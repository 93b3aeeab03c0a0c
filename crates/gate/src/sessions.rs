//! Sessions (MCP 2025-11-25, transports: session management). The gate names them itself and keeps the server's own id behind that, so
//! an id of another, or of an earlier gate, is none.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use writ_platform::Random;
use writ_wire::time::Timestamp;

use crate::definitions::ShownTools;
use crate::message::ClientRequest;
use crate::owner::Owner;
use crate::progress::{CallProgress, ToldToken, ToldTokens};

pub const MAX_SESSIONS: usize = 10_000;
/// Of one subject by one client under one delegation.
pub const MAX_SESSIONS_OF_ONE: usize = 32;
/// After so long without a message a session is over.
pub const SESSION_IDLE: Duration = Duration::from_secs(3600);
/// Requests of the server that wait for the client's answer, answers that did not come, progress tokens, and questions whose page was
/// given, of one session.
const MAX_OPEN: usize = 64;

/// What `initialize` made.
pub(crate) struct McpSession {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    /// As the server calls it; a server without sessions has none.
    pub(crate) upstream_id: Option<String>,
    /// What was agreed upon.
    pub(crate) version: Option<String>,
    /// The client opens pages for the person (`elicitation.url`).
    pub(crate) opens_pages: bool,
    /// As its client was shown them.
    pub(crate) tools: ShownTools,
    state: Mutex<SessionState>,
}

struct SessionState {
    used_at: Timestamp,
    /// Requests that the server sent through the gate, by id.
    asked: HashMap<String, ServerRequest>,
    /// Ids of requests that the server has not answered.
    running: HashMap<String, usize>,
    /// Ids of those that it had, and for whose answer nobody waits any more: a stream that is resumed may bring it.
    unheard: HashSet<String>,
    /// Progress tokens of requests that the server got, with what their clients heard before.
    told: ToldTokens,
    /// Calls that are not at the server, by id of the request. There are as many as one caller has places.
    waiting: HashMap<String, WaitingCall>,
    /// Questions whose page the client was given.
    shown: HashSet<String>,
    is_over: bool,
}

struct WaitingCall {
    end: watch::Sender<Option<CallEnd>>,
    progress_token: Option<String>,
}

/// Why nobody waits for the answer to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallEnd {
    /// The client cancelled it.
    Cancelled,
    SessionOver,
}

impl CallEnd {
    /// As the reason for which its question is cancelled.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::Cancelled => "call_ended",
            Self::SessionOver => "session_ended",
        }
    }
}

/// What the server asked the client.
pub(crate) struct ServerRequest {
    pub(crate) method: String,
    /// By which it hears of progress.
    pub(crate) progress_token: Option<Value>,
}

/// What a new session is made of.
pub(crate) struct NewSession {
    pub(crate) owner: Owner,
    pub(crate) upstream_id: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) opens_pages: bool,
}

#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Arc<McpSession>>>);

impl Sessions {
    /// Takes the place of the owner's session that was used least lately, if there are too many: clients that start anew rarely end the
    /// old one, and one that was ended is told so and initializes. `None` where there is no room.
    pub(crate) fn begin(
        &self,
        new: NewSession,
        random: &Random,
        now: Timestamp,
    ) -> Option<Arc<McpSession>> {
        let mut kept = self.kept();
        let of_one = || kept.values().filter(|one| one.owner == new.owner);
        if kept.len() >= MAX_SESSIONS || of_one().count() >= MAX_SESSIONS_OF_ONE {
            kept.retain(|_, one| one.is_young(now));
        }
        if kept.values().filter(|one| one.owner == new.owner).count() >= MAX_SESSIONS_OF_ONE {
            let oldest = least_lately_used(&kept, &new.owner)?;
            kept.remove(&oldest);
        }
        if kept.len() >= MAX_SESSIONS {
            return None;
        }
        let session = Arc::new(McpSession {
            id: random.secret(),
            owner: new.owner,
            upstream_id: new.upstream_id,
            version: new.version,
            opens_pages: new.opens_pages,
            tools: ShownTools::default(),
            state: Mutex::new(SessionState {
                used_at: now,
                asked: HashMap::new(),
                running: HashMap::new(),
                unheard: HashSet::new(),
                told: ToldTokens::default(),
                waiting: HashMap::new(),
                shown: HashSet::new(),
                is_over: false,
            }),
        });
        kept.insert(session.id.clone(), Arc::clone(&session));
        Some(session)
    }

    /// The session of this id, if it is the owner's.
    pub(crate) fn find(&self, id: &str, owner: &Owner, now: Timestamp) -> Option<Arc<McpSession>> {
        let mut kept = self.kept();
        let found = kept.get(id).filter(|one| one.owner == *owner).cloned()?;
        if !found.is_young(now) {
            kept.remove(id);
            return None;
        }
        found.state().used_at = now;
        Some(found)
    }

    /// Nobody waits any more for the calls of it that are not at the server.
    pub(crate) fn end(&self, id: &str) {
        let ended = self.kept().remove(id);
        if let Some(session) = ended {
            session.end();
        }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Arc<McpSession>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// None of those in which a call waits for a person.
fn least_lately_used(kept: &HashMap<String, Arc<McpSession>>, owner: &Owner) -> Option<String> {
    let own = kept.values().filter(|one| one.owner == *owner);
    let idle = own.filter(|one| one.state().waiting.is_empty());
    let oldest = idle.min_by_key(|one| one.state().used_at);
    oldest.map(|one| one.id.clone())
}

impl McpSession {
    /// The server asks the client something; `false` where too much is open.
    pub(crate) fn expects(&self, id: &Value, request: ServerRequest) -> bool {
        let mut state = self.state();
        let has_room = state.asked.len() < MAX_OPEN && !state.asked.contains_key(&id.to_string());
        if has_room {
            state.asked.insert(id.to_string(), request);
        }
        has_room
    }

    /// Whether the server wants to hear of progress by this token.
    pub(crate) fn hears_of(&self, progress_token: &Value) -> bool {
        let state = self.state();
        let mut asked = state.asked.values();
        asked.any(|request| request.progress_token.as_ref() == Some(progress_token))
    }

    /// Whether the server has a request of this id that it has not answered.
    pub(crate) fn is_running(&self, id: &Value) -> bool {
        self.state().running.contains_key(&id.to_string())
    }

    /// Whether an answer under this id, on a stream of the session, is to a request that the server got and whose own stream was lost; once
    /// (MCP 2025-11-25, transports: listening for messages from the server).
    pub(crate) fn takes_response(&self, id: &Value) -> bool {
        self.state().unheard.remove(&id.to_string())
    }

    /// Whether the server can know this progress token: of a request that it got, and of no call that waits here.
    pub(crate) fn knows_progress_of(&self, token: &Value) -> bool {
        let (token, state) = (token.to_string(), self.state());
        state.told.of(&token).is_some() && !state.waits_for_progress_of(&token)
    }

    /// What the client heard before by the token of a request that the server got.
    pub(crate) fn told_of(&self, token: &Value) -> Option<Arc<CallProgress>> {
        let state = self.state();
        state.told.of(&token.to_string()).cloned()
    }

    /// Whether a call that waits here hears of progress by this token.
    pub(crate) fn waits_for_progress_of(&self, token: &Value) -> bool {
        self.state().waits_for_progress_of(&token.to_string())
    }

    /// What the client answers with this id; once.
    pub(crate) fn takes_answer(&self, id: &Value) -> Option<ServerRequest> {
        self.state().asked.remove(&id.to_string())
    }

    /// The place of a call until it is at the server, or answered; `None` where another has it under the same id.
    pub(crate) fn place(
        self: &Arc<Self>,
        request: &ClientRequest,
        progress: &Arc<CallProgress>,
    ) -> Option<CallPlace> {
        let mut state = self.state();
        let id = request.id.to_string();
        if state.waiting.contains_key(&id) || state.running.contains_key(&id) {
            return None;
        }
        let end = state.is_over.then_some(CallEnd::SessionOver);
        let (sender, end) = watch::channel(end);
        let progress_token = request.progress_token().map(Value::to_string);
        if !state.is_over {
            let call = WaitingCall {
                end: sender,
                progress_token: progress_token.clone(),
            };
            state.waiting.insert(id.clone(), call);
        }
        Some(CallPlace {
            session: Arc::clone(self),
            id,
            told: progress_token.map(|token| (token, Arc::clone(progress))),
            end,
        })
    }

    /// The client cancelled a request; whether it was here, and the server never heard of it.
    pub(crate) fn cancels(&self, id: &Value) -> bool {
        let mut state = self.state();
        let call = state.waiting.remove(&id.to_string());
        call.is_some_and(|call| call.end.send(Some(CallEnd::Cancelled)).is_ok())
    }

    fn end(&self) {
        let mut state = self.state();
        state.is_over = true;
        for (_, call) in state.waiting.drain() {
            call.end.send_replace(Some(CallEnd::SessionOver));
        }
    }

    /// Whether the client is given the page of this question for the first time.
    pub(crate) fn shows(&self, question: &str) -> bool {
        keep(&mut self.state().shown, question.to_owned())
    }

    fn is_young(&self, now: Timestamp) -> bool {
        let used_at = self.state().used_at;
        used_at.until(now) < SESSION_IDLE
    }

    fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is not at the server, under its id in its session; until it is dropped.
pub(crate) struct CallPlace {
    session: Arc<McpSession>,
    id: String,
    told: Option<ToldToken>,
    end: watch::Receiver<Option<CallEnd>>,
}

impl CallPlace {
    /// Whether nobody waits for it any more.
    pub(crate) fn end(&self) -> Option<CallEnd> {
        *self.end.borrow()
    }

    /// It goes to the server, unless nobody waits for it any more: in one step, so that a cancellation is heard here or there, and its id
    /// is never free.
    pub(crate) fn leave(self) -> Result<Running, CallEnd> {
        let mut state = self.session.state();
        if let Some(end) = self.end() {
            return Err(end);
        }
        state.waiting.remove(&self.id);
        state.runs(&self.id, self.told.clone());
        Ok(Running {
            session: Arc::clone(&self.session),
            id: self.id.clone(),
        })
    }

    /// Resolves when nobody waits for it any more.
    pub(crate) async fn ended(&self) -> CallEnd {
        let mut end = self.end.clone();
        let ended = end.wait_for(Option::is_some).await;
        ended
            .ok()
            .and_then(|end| *end)
            .unwrap_or(CallEnd::SessionOver)
    }
}

impl Drop for CallPlace {
    fn drop(&mut self) {
        let mut state = self.session.state();
        let kept = state.waiting.get(&self.id);
        // Once it has ended or left, its id may be another call's.
        if kept.is_some_and(|call| call.end.subscribe().same_channel(&self.end)) {
            state.waiting.remove(&self.id);
        }
    }
}

/// A request that is at the server, until it is dropped. There are as many as one caller has places.
pub(crate) struct Running {
    session: Arc<McpSession>,
    id: String,
}

impl Running {
    pub(crate) fn of(session: &Arc<McpSession>, request: &ClientRequest) -> Self {
        let id = request.id.to_string();
        let token = request.progress_token();
        let told = token.map(|token| (token.to_string(), Arc::default()));
        session.state().runs(&id, told);
        Self {
            session: Arc::clone(session),
            id,
        }
    }

    /// The server answered it.
    pub(crate) fn answered(self) {
        let id = self.id.clone();
        let session = Arc::clone(&self.session);
        drop(self);
        session.state().unheard.remove(&id);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.session.state();
        match state.running.get_mut(&self.id) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                state.running.remove(&self.id);
                keep(&mut state.unheard, self.id.clone());
            }
        }
    }
}

impl SessionState {
    fn waits_for_progress_of(&self, token: &str) -> bool {
        let mut calls = self.waiting.values();
        calls.any(|call| call.progress_token.as_deref() == Some(token))
    }

    fn runs(&mut self, id: &str, told: Option<ToldToken>) {
        *self.running.entry(id.to_owned()).or_default() += 1;
        if let Some(told) = told {
            self.told.keep(told, MAX_OPEN);
        }
    }
}

/// Whether it is new. Whoever has had more than there is room for begins anew.
fn keep(kept: &mut HashSet<String>, one: String) -> bool {
    if kept.len() >= MAX_OPEN && !kept.contains(&one) {
        kept.clear();
    }
    kept.insert(one)
}
#[cfg(test)]
mod tests;
