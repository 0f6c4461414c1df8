//! Asks the endpoint about tokens, once for all clients that show the same token at the same time.
//!
//! Clients that have not been authenticated can cause questions, and choose the tokens. So:
//!
//! - The number of their questions is bounded, in all and for each address. A question that has not
//!   been sent is dropped when its clients have left.
//! - Questions about connected sockets have places and a circuit breaker of their own.
//! - A failure that a token may have caused, such as a status 500, does not open a circuit breaker.
//!
//! A question that was sent goes on in a task of its own when the client that caused it has left.
//! Start reading at [`Asking::ask`].

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
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
    remote::{error::RequestError, http::Http, setting::shown},
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
    /// Numbers of questions of clients that connect, by the network of the client.
    newcomers: HashMap<Option<IpAddr>, usize>,
    breakers: Breakers,
}

/// Circuit breakers for the two kinds of askers.
#[derive(Default)]
struct Breakers {
    newcomers: Breaker,
    residents: Breaker,
}

impl Breakers {
    fn of(&mut self, asker: Asker) -> &mut Breaker {
        match asker {
            Asker::Newcomer(_) => &mut self.newcomers,
            Asker::Resident => &mut self.residents,
        }
    }
}

/// SHA-256 of a token, in place of the token.
type Key = [u8; 32];

/// Answer of the endpoint.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// The token is active. The JSON object describes it (RFC 7662 section 2.2). It is kept as text,
    /// because parsed members take many times its size.
    Active(Arc<[u8]>),
    Inactive,
}

impl Answer {
    /// Returns the members that describe an active token. Returns `None` for an inactive token.
    pub(super) fn members(&self) -> Option<Map<String, Value>> {
        let Self::Active(json) = self else { return None };
        serde_json::from_slice(json).ok().map(|UniqueObject(members)| members)
    }
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
    #[error("all clients that asked have left")]
    Abandoned,
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
    /// A client that wants to connect, with the network of its address, if that is known.
    Newcomer(Option<IpAddr>),
    /// A connected socket.
    Resident,
}

impl Asking {
    pub(super) fn new(url: Url, client: &str, secret: &str, http: Http) -> Self {
        // The two parts are encoded first (RFC 6749 section 2.3.1), because they may contain colons.
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pair = STANDARD.encode(format!("{}:{}", encode(client), encode(secret)));
        let state = State {
            recent: Recent::new(),
            running: HashMap::new(),
            newcomers: HashMap::new(),
            breakers: Breakers::default(),
        };
        Self {
            metrics: Metrics::new(&shown(&url)),
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
        let runtime =
            Handle::try_current().map_err(|_none| self.error(RequestError::NoRuntime.into()))?;
        if let Asker::Newcomer(network) = asker {
            let all: usize = state.newcomers.values().sum();
            let own = state.newcomers.get(&network).copied().unwrap_or(0);
            if all >= MAX_NEWCOMERS || (network.is_some() && own >= MAX_OF_A_NETWORK) {
                return Err(self.error(Reason::Busy));
            }
        }
        if !state.breakers.of(asker).may_ask(now) {
            return Err(self.error(Reason::Broken));
        }
        if let Asker::Newcomer(network) = asker {
            *state.newcomers.entry(network).or_default() += 1;
        }
        let (told, running) = watch::channel(None);
        state.running.insert(key, running.clone());
        let me = Arc::clone(self);
        let mut question = Question { asking: me, key, now, asker, outcome: None, told };
        let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
        let body = format!("token={token}&token_type_hint=access_token");
        runtime.spawn(async move {
            let asking = Arc::clone(&question.asking);
            let places = match asker {
                Asker::Newcomer(_) => &asking.newcomers,
                Asker::Resident => &asking.residents,
            };
            let place = places.acquire().await;
            // One receiver is that of the table.
            let is_wanted = question.told.receiver_count() > 1;
            question.answer(match is_wanted {
                true => asking.send(body).await,
                false => Err(Reason::Abandoned),
            });
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
            200 => read(body).ok_or(Reason::Malformed),
            // Some servers do not introspect JWTs, and say so for them.
            400 if error_code(&body).is_some_and(|code| code == "unsupported_token_type") => {
                Ok(Answer::Inactive)
            }
            401 => Err(Reason::Unauthorized(status)),
            status => Err(RequestError::Status(status).into()),
        }
    }

    fn error(&self, source: Reason) -> Arc<AskError> {
        Arc::new(AskError { url: shown(&self.url), source })
    }
}

/// A running question. Its outcome is stored when it is dropped, also if its task was cancelled.
struct Question {
    asking: Arc<Asking>,
    key: Key,
    now: SystemTime,
    asker: Asker,
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
        let Self { asking, key, now, asker, outcome, told } = self;
        let outcome = outcome.take().unwrap_or(Err(RequestError::Ended.into()));
        let mut state = lock(&asking.state);
        state.running.remove(key);
        if let Asker::Newcomer(network) = asker
            && let Some(count) = state.newcomers.get_mut(network)
        {
            *count -= 1;
            if *count == 0 {
                state.newcomers.remove(network);
            }
        }
        let breaker = state.breakers.of(*asker);
        let was_open = breaker.is_open();
        match &outcome {
            Ok(_) => breaker.succeeded(),
            Err(reason) if reason.concerns_all_tokens() => breaker.failed(*now),
            Err(_) => breaker.gave_up(),
        }
        let is_open = breaker.is_open();
        if let Ok(answer) = &outcome {
            state.recent.insert(*key, answer.clone(), *now);
        }
        drop(state);
        asking.metrics.told(&outcome, is_open);
        let outcome = outcome.map_err(|reason| asking.error(reason));
        match &outcome {
            Ok(_) if was_open => {
                tracing::info!(url = %shown(&asking.url), "An introspection endpoint answers again.");
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

impl Reason {
    /// Returns `true` if the failure cannot be that of a single token. A client chooses its token, and
    /// must not be able to stop the questions about others.
    fn concerns_all_tokens(&self) -> bool {
        match self {
            // With 429 and 503, the server is overloaded, or asks this server to slow down.
            Self::Unauthorized(_) | Self::Request(RequestError::Status(429 | 503)) => true,
            Self::Request(RequestError::Failed(error)) => error.is_connect(),
            _ => false,
        }
    }
}

/// Omits the credentials, and the query of the URL.
impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").field("url", &shown(&self.url)).finish_non_exhaustive()
    }
}

/// Reads an answer. Returns `None` if it is not a JSON object with a member `active`, or if an object
/// has a duplicate member.
fn read(body: Vec<u8>) -> Option<Answer> {
    let UniqueObject(members) = serde_json::from_slice(&body).ok()?;
    match members.get("active")? {
        Value::Bool(true) => Some(Answer::Active(body.into())),
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

    fn told(&self, outcome: &Result<Answer, Reason>, is_open: bool) {
        let counter = match outcome {
            Ok(Answer::Active(_)) => &self.active,
            Ok(Answer::Inactive) => &self.inactive,
            Err(_) => &self.failed,
        };
        counter.increment(1);
        self.away.set(if is_open { 1.0 } else { 0.0 });
    }
}

/// Maximum number of questions that are sent at a time for clients that want to connect, and as many
/// for connected sockets.
const AT_ONCE: usize = 32;

/// Maximum number of questions for clients that want to connect, sent or waiting for a place. If an
/// answer takes half a second, the last of them is answered within the time of an admission.
const MAX_NEWCOMERS: usize = 256;

/// Maximum number of these questions for clients of one network.
const MAX_OF_A_NETWORK: usize = 32;

/// Maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
