//! Asks the endpoint about tokens, once for all clients that show the same token at the same time.
//!
//! Clients that have not been authenticated can cause questions. So the number of questions is
//! bounded, and those about connected sockets have places of their own, which strangers cannot take.
//! Each question runs in a task of its own, so that it goes on when the client that caused it has
//! left. Start reading at [`Asking::ask`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_core::{Causes, UniqueObject, lock};
use metrics::{Counter, Gauge, counter, gauge};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    introspection::{breaker::Breaker, recent::Recent},
    remote::{error::RequestError, http::Http},
};

/// Questions to one endpoint.
pub(super) struct Asking {
    url: Url,
    /// Value of the header `Authorization`, which is a secret.
    credentials: Box<str>,
    http: Http,
    /// Protects answers and running questions; never held across an await.
    state: Mutex<State>,
    newcomers: Semaphore,
    residents: Semaphore,
    metrics: Metrics,
}

struct State {
    recent: Recent<Key, Answer>,
    running: HashMap<Key, watch::Receiver<Option<Outcome>>>,
    breaker: Breaker,
}

/// SHA-256 of a token, in place of the token.
type Key = [u8; 32];

/// Answer of the endpoint.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The token is active. The members describe it (RFC 7662 section 2.2).
    Active(Arc<Map<String, Value>>),
    Inactive,
}

/// Answer, or the reason why there is none.
pub(super) type Outcome = Result<Answer, Arc<AskError>>;

/// Reason why the endpoint gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("the introspection endpoint {url} gave no answer")]
pub(crate) struct AskError {
    url: Box<str>,
    source: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("it has failed several times, and is not asked for a few seconds")]
    Broken,
    #[error("too many questions wait for it")]
    Busy,
    #[error("its answer is not that of an introspection endpoint (RFC 7662)")]
    Malformed,
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("it refused the client id or the client secret of this server (status {0})")]
    Unauthorized(u16),
}

/// Origin of a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum Asker {
    /// A client that wants to connect.
    Newcomer,
    /// A connected socket.
    Resident,
}

impl Asking {
    pub(super) fn new(url: Url, client: &str, secret: &str, http: Http) -> Self {
        // The two parts are encoded first (RFC 6749 section 2.3.1), because they may contain colons.
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pair = STANDARD.encode(format!("{}:{}", encode(client), encode(secret)));
        let state =
            State { recent: Recent::new(), running: HashMap::new(), breaker: Breaker::default() };
        Self {
            metrics: Metrics::new(url.as_str()),
            url,
            credentials: format!("Basic {pair}").into(),
            http,
            state: Mutex::new(state),
            newcomers: Semaphore::new(AT_ONCE),
            residents: Semaphore::new(AT_ONCE),
        }
    }

    /// Returns the answer about a token, which is at most `max_age` old.
    ///
    /// # Cancel safety
    /// A question that was started goes on if the future is dropped.
    pub(super) async fn ask(
        self: &Arc<Self>,
        token: &str,
        now: SystemTime,
        max_age: Duration,
        asker: Asker,
    ) -> Outcome {
        let key: Key = Sha256::digest(token).into();
        let mut running = {
            let mut state = lock(&self.state);
            if let Some(answer) = state.recent.get(&key, now, max_age) {
                return Ok(answer);
            }
            match state.running.get(&key) {
                Some(running) => running.clone(),
                None => self.start(&mut state, key, token, now, asker)?,
            }
        };
        // The channel closes without a value if the task was cancelled.
        let outcome = running.wait_for(Option::is_some).await.ok().and_then(|value| value.clone());
        outcome.unwrap_or_else(|| Err(self.error(RequestError::Ended.into())))
    }

    /// Starts a question in a task of its own.
    fn start(
        self: &Arc<Self>,
        state: &mut State,
        key: Key,
        token: &str,
        now: SystemTime,
        asker: Asker,
    ) -> Result<watch::Receiver<Option<Outcome>>, Arc<AskError>> {
        if state.running.len() >= MAX_RUNNING {
            return Err(self.error(Reason::Busy));
        }
        let runtime =
            Handle::try_current().map_err(|_none| self.error(RequestError::NoRuntime.into()))?;
        if !state.breaker.may_ask(now) {
            return Err(self.error(Reason::Broken));
        }
        let (told, running) = watch::channel(None);
        state.running.insert(key, running.clone());
        let mut question = Question { asking: Arc::clone(self), key, now, outcome: None, told };
        let body = format!(
            "token={}&token_type_hint=access_token",
            utf8_percent_encode(token, NON_ALPHANUMERIC)
        );
        runtime.spawn(async move {
            let asking = Arc::clone(&question.asking);
            let places = match asker {
                Asker::Newcomer => &asking.newcomers,
                Asker::Resident => &asking.residents,
            };
            let place = places.acquire().await;
            question.answer(asking.send(body).await);
            drop(place);
        });
        Ok(running)
    }

    async fn send(&self, body: String) -> Result<Answer, Reason> {
        let request = self.http.post(self.url.clone());
        let request = request
            .header(AUTHORIZATION, &*self.credentials)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let (status, body) = self.http.exchange(request, MAX_ANSWER).await?;
        match status {
            200 => read(&body).ok_or(Reason::Malformed),
            // Some servers do not introspect JWTs, and say so for them.
            400 if error_code(&body).is_some_and(|code| code == "unsupported_token_type") => {
                Ok(Answer::Inactive)
            }
            401 | 403 => Err(Reason::Unauthorized(status)),
            status => Err(RequestError::Status(status).into()),
        }
    }

    fn error(&self, source: Reason) -> Arc<AskError> {
        Arc::new(AskError { url: self.url.as_str().into(), source })
    }
}

/// A running question. Its outcome is stored when it is dropped, also if its task was cancelled.
struct Question {
    asking: Arc<Asking>,
    key: Key,
    now: SystemTime,
    outcome: Option<Result<Answer, Reason>>,
    told: watch::Sender<Option<Outcome>>,
}

impl Question {
    fn answer(&mut self, outcome: Result<Answer, Reason>) {
        self.outcome = Some(outcome);
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let Self { asking, key, now, outcome, told } = self;
        let outcome = outcome.take().unwrap_or(Err(RequestError::Ended.into()));
        let mut state = lock(&asking.state);
        state.running.remove(key);
        let was_open = state.breaker.is_open();
        let outcome = match outcome {
            Ok(answer) => {
                state.breaker.succeeded();
                state.recent.insert(*key, answer.clone(), *now);
                Ok(answer)
            }
            Err(reason) => {
                // A token for which the endpoint has an error of its own must not open the breaker,
                // because any client can show it.
                match reason {
                    Reason::Request(RequestError::Status(400..=428 | 430..=499)) => {
                        state.breaker.succeeded();
                    }
                    _ => state.breaker.failed(*now),
                }
                Err(asking.error(reason))
            }
        };
        let is_open = state.breaker.is_open();
        drop(state);
        asking.metrics.told(&outcome, is_open);
        match &outcome {
            Ok(_) if was_open => {
                tracing::info!(url = %asking.url, "An introspection endpoint answers again.");
            }
            Ok(_) => {}
            Err(error) => {
                let cause = Causes(&**error).to_string();
                if is_open && !was_open {
                    tracing::error!(cause, "An introspection endpoint does not answer.");
                } else {
                    tracing::debug!(cause, "A question about a token was not answered.");
                }
            }
        }
        // All callers may have left.
        told.send_replace(Some(outcome));
    }
}

doorward_core::debug_fields!(Asking { url });

/// Reads an answer. Returns `None` if it is not a JSON object with a member `active`, or if an object
/// has a duplicate member.
fn read(body: &[u8]) -> Option<Answer> {
    let UniqueObject(members) = serde_json::from_slice(body).ok()?;
    match members.get("active")? {
        Value::Bool(true) => Some(Answer::Active(Arc::new(members))),
        Value::Bool(false) => Some(Answer::Inactive),
        _ => None,
    }
}

/// Returns the error code in the answer of an OAuth server (RFC 6749 section 5.2).
fn error_code(body: &[u8]) -> Option<String> {
    let UniqueObject(members) = serde_json::from_slice(body).ok()?;
    Some(members.get("error")?.as_str()?.to_owned())
}

/// Metrics of the questions to one endpoint. The label is a setting, so the number of its values is
/// bounded.
struct Metrics {
    active: Counter,
    inactive: Counter,
    failed: Counter,
    away: Gauge,
}

impl Metrics {
    fn new(url: &str) -> Self {
        let count = |outcome: &'static str| counter!("doorward_introspections_total", "url" => url.to_owned(), "outcome" => outcome);
        Self {
            active: count("active"),
            inactive: count("inactive"),
            failed: count("failed"),
            away: gauge!("doorward_introspection_away", "url" => url.to_owned()),
        }
    }

    fn told(&self, outcome: &Outcome, is_open: bool) {
        let counter = match outcome {
            Ok(Answer::Active(_)) => &self.active,
            Ok(Answer::Inactive) => &self.inactive,
            Err(_) => &self.failed,
        };
        counter.increment(1);
        self.away.set(if is_open { 1.0 } else { 0.0 });
    }
}

/// Maximum number of questions at a time for clients that want to connect, and as many for connected
/// sockets.
const AT_ONCE: usize = 32;

/// Maximum number of questions that are asked or wait for a place.
const MAX_RUNNING: usize = 4096;

/// Maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
