//! Sends introspection requests, once for all clients that show the same token at the same time.
//!
//! Clients that have not been authenticated can cause requests, and choose the tokens. So:
//!
//! - The number of their requests is bounded, in all and for each network. A request that has not
//!   been sent is dropped when its clients have left.
//! - Requests for connected sockets have their own places and their own circuit breaker.
//! - A failure that a token may have caused, such as a status 500, does not open a circuit breaker.
//!
//! A request that was sent goes on in a task of its own when the client that caused it has left.
//! Start reading at [`IntrospectionClient::ask`].

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use doorward_core::lock;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{
    Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use sha2::{Digest as _, Sha256};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, watch},
};

use crate::{
    introspection::{
        answer::{Answer, error_code},
        breaker::{Breaker, Permit},
        error::{IntrospectionError, Reason},
        health::Health,
        recent::Recent,
    },
    remote::{error::RequestError, http::Http, setting::shown},
};

/// Client of one introspection endpoint.
pub(super) struct IntrospectionClient {
    url: Url,
    /// Value of the header `Authorization`, which is a secret.
    credentials: Box<str>,
    http: Http,
    /// Protects answers and running requests; never held across an await, or while a task is spawned.
    state: Mutex<State>,
    connecting: Semaphore,
    rechecking: Semaphore,
    health: Health,
}

struct State {
    recent: Recent<Key, Answer>,
    /// Running requests. A recheck does not share the request of a client that connects, which may
    /// have to wait for a place.
    running: HashMap<(Key, Kind), watch::Receiver<Option<Outcome>>>,
    /// Numbers of requests for clients that connect, by the network of the client.
    connecting: HashMap<Option<IpAddr>, usize>,
    breakers: Breakers,
}

/// Circuit breakers of the two kinds of requests.
#[derive(Default)]
struct Breakers {
    connect: Breaker,
    recheck: Breaker,
}

impl Breakers {
    fn of(&mut self, kind: Kind) -> &mut Breaker {
        match kind {
            Kind::Connect => &mut self.connect,
            Kind::Recheck => &mut self.recheck,
        }
    }
}

/// SHA-256 of a token, in place of the token.
type Key = [u8; 32];

/// Answer, or the reason why there is none.
pub(super) type Outcome = Result<Answer, Arc<IntrospectionError>>;

/// Purpose of a request.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// A client that is not connected shows the token. The network is that of its address, if it is
    /// known.
    Connect(Option<IpAddr>),
    /// A socket is connected with the token.
    Recheck,
}

/// Kind of a purpose. Each has its own places and its own circuit breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Connect,
    Recheck,
}

impl Purpose {
    fn kind(self) -> Kind {
        match self {
            Self::Connect(_) => Kind::Connect,
            Self::Recheck => Kind::Recheck,
        }
    }
}

impl IntrospectionClient {
    pub(super) fn new(url: Url, client: &str, secret: &str, http: Http) -> Self {
        // The two parts are encoded first (RFC 6749 section 2.3.1), because they may contain colons.
        let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
        let pair = STANDARD.encode(format!("{}:{}", encode(client), encode(secret)));
        let state = State {
            recent: Recent::new(),
            running: HashMap::new(),
            connecting: HashMap::new(),
            breakers: Breakers::default(),
        };
        Self {
            health: Health::new(&shown(&url)),
            url,
            credentials: format!("Basic {pair}").into(),
            http,
            state: Mutex::new(state),
            connecting: Semaphore::new(AT_ONCE),
            rechecking: Semaphore::new(AT_ONCE),
        }
    }

    /// Returns the answer about a token, which is at most `max_age` old.
    ///
    /// # Cancel safety
    /// A request that was started goes on if the future is dropped.
    pub(super) async fn ask(
        self: &Arc<Self>,
        token: &str,
        now: SystemTime,
        max_age: Duration,
        purpose: Purpose,
    ) -> Outcome {
        let key: Key = Sha256::digest(token).into();
        let mut running = match self.find(key, now, max_age, purpose)? {
            Found::Answer(answer) => return Ok(answer),
            Found::Running(running) => running,
            Found::New { request, runtime } => {
                let running = request.sender.subscribe();
                let token = utf8_percent_encode(token, NON_ALPHANUMERIC);
                let body = format!("token={token}&token_type_hint=access_token");
                // A runtime that shuts down drops the request at once.
                runtime.spawn(request.run(body));
                running
            }
        };
        // The channel closes without a value if the task was cancelled.
        let outcome = running.wait_for(Option::is_some).await.ok().and_then(|value| value.clone());
        outcome.unwrap_or_else(|| Err(self.error(RequestError::Ended.into())))
    }

    /// Returns a recent answer or the running request about a token, or registers a new request.
    fn find(
        self: &Arc<Self>,
        key: Key,
        now: SystemTime,
        max_age: Duration,
        purpose: Purpose,
    ) -> Result<Found, Arc<IntrospectionError>> {
        let mut state = lock(&self.state);
        if let Some(answer) = state.recent.get(&key, now, max_age) {
            return Ok(Found::Answer(answer));
        }
        if let Some(running) = state.running.get(&(key, purpose.kind())) {
            return Ok(Found::Running(running.clone()));
        }
        let runtime =
            Handle::try_current().map_err(|_none| self.error(RequestError::NoRuntime.into()))?;
        if let Purpose::Connect(network) = purpose {
            let all: usize = state.connecting.values().sum();
            let own = state.connecting.get(&network).copied().unwrap_or(0);
            if all >= MAX_CONNECTING || (network.is_some() && own >= MAX_OF_A_NETWORK) {
                return Err(self.error(Reason::Busy));
            }
        }
        let permit = state.breakers.of(purpose.kind()).permit(now);
        let permit = permit.ok_or_else(|| self.error(Reason::Broken))?;
        if let Purpose::Connect(network) = purpose {
            *state.connecting.entry(network).or_default() += 1;
        }
        let (sender, running) = watch::channel(None);
        state.running.insert((key, purpose.kind()), running);
        let client = Arc::clone(self);
        let request =
            Request { client, key, now, purpose, permit, is_listed: true, outcome: None, sender };
        Ok(Found::New { request, runtime })
    }

    async fn send(&self, body: String) -> Result<Answer, Reason> {
        let request = self.http.post(self.url.clone());
        let request = request
            .header(AUTHORIZATION, &*self.credentials)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let (status, body) = self.http.exchange(request, MAX_ANSWER).await?;
        match status {
            200 => Answer::read(body).ok_or(Reason::Malformed),
            // Some servers do not introspect JWTs, and say so for them.
            400 if error_code(&body).is_some_and(|code| code == "unsupported_token_type") => {
                Ok(Answer::Inactive)
            }
            401 => Err(Reason::Unauthorized(status)),
            status => Err(RequestError::Status(status).into()),
        }
    }

    fn error(&self, source: Reason) -> Arc<IntrospectionError> {
        Arc::new(IntrospectionError { url: shown(&self.url), source })
    }
}

/// What a caller that asks about a token finds.
enum Found {
    Answer(Answer),
    Running(watch::Receiver<Option<Outcome>>),
    /// A new request, to be run in a task of this runtime.
    New {
        request: Request,
        runtime: Handle,
    },
}

/// A running request. Its outcome is stored when it is dropped, also if its task was cancelled.
struct Request {
    client: Arc<IntrospectionClient>,
    key: Key,
    now: SystemTime,
    purpose: Purpose,
    permit: Permit,
    /// `true` while the table of running requests has this one.
    is_listed: bool,
    outcome: Option<Result<Answer, Reason>>,
    sender: watch::Sender<Option<Outcome>>,
}

impl Request {
    async fn run(mut self, body: String) {
        let client = Arc::clone(&self.client);
        let places = match self.purpose.kind() {
            Kind::Connect => &client.connecting,
            Kind::Recheck => &client.rechecking,
        };
        let place = places.acquire().await;
        let is_wanted = self.is_wanted();
        self.outcome = Some(match is_wanted {
            true => client.send(body).await,
            false => Err(Reason::Abandoned),
        });
        // The outcome is stored before the next request is sent.
        drop(self);
        drop(place);
    }

    /// Returns `false` if all callers have left. Later callers then start a request of their own.
    fn is_wanted(&mut self) -> bool {
        let mut state = lock(&self.client.state);
        // One receiver is that of the table.
        let is_wanted = self.sender.receiver_count() > 1;
        if !is_wanted {
            state.running.remove(&(self.key, self.purpose.kind()));
            self.is_listed = false;
        }
        is_wanted
    }

    /// Stores the outcome, and makes room for other requests.
    fn settle(&self, outcome: &Result<Answer, Reason>) {
        let Self { client, key, now, purpose, permit, .. } = self;
        let mut state = lock(&client.state);
        if self.is_listed {
            state.running.remove(&(*key, purpose.kind()));
        }
        if let Purpose::Connect(network) = purpose
            && let Some(count) = state.connecting.get_mut(network)
        {
            *count -= 1;
            if *count == 0 {
                state.connecting.remove(network);
            }
        }
        let breaker = state.breakers.of(purpose.kind());
        match outcome {
            Ok(_) => breaker.succeeded(),
            Err(reason) if opens_breaker(reason, purpose.kind()) => breaker.failed(*permit, *now),
            Err(_) => breaker.gave_up(*permit),
        }
        if let Ok(answer) = outcome {
            state.recent.insert(*key, answer.clone(), *now);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        let outcome = self.outcome.take().unwrap_or(Err(RequestError::Ended.into()));
        self.settle(&outcome);
        let health = &self.client.health;
        let outcome = match outcome {
            Ok(answer) => {
                health.answered(&answer, &shown(&self.client.url));
                Ok(answer)
            }
            Err(reason) => {
                let is_of_endpoint = reason.is_of_endpoint();
                let error = self.client.error(reason);
                health.failed(&error, is_of_endpoint);
                Err(error)
            }
        };
        // All callers may have left.
        self.sender.send_replace(Some(outcome));
    }
}

/// Returns `true` if the failure counts towards the circuit breaker of its kind. The token of a
/// connected socket was accepted before, so a timeout is hardly that of the token. Without the circuit
/// breaker, an endpoint that hangs would slow the rechecks of all sockets.
fn opens_breaker(reason: &Reason, kind: Kind) -> bool {
    reason.concerns_all_tokens() || (kind == Kind::Recheck && reason.is_timeout())
}

/// Omits the credentials, and the query of the URL.
impl fmt::Debug for IntrospectionClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionClient")
            .field("url", &shown(&self.url))
            .finish_non_exhaustive()
    }
}

/// Maximum number of requests that are sent at a time for clients that connect, and as many for
/// connected sockets.
const AT_ONCE: usize = 32;

/// Maximum number of requests for clients that connect, sent or waiting for a place. If an answer
/// takes half a second, the last of them is answered within the time of an admission.
const MAX_CONNECTING: usize = 256;

/// Maximum number of these requests for clients of one network.
const MAX_OF_A_NETWORK: usize = 32;

/// Maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 16 * 1024;
