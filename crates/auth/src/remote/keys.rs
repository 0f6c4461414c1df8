//! Holds the key set of an issuer, and reads it again when it is old or lacks a key.
//!
//! Clients that have not been authenticated can cause a request by sending an unknown `kid`. So the
//! issuer is asked at most once in [`ASK_EVERY`], by one request at a time,
//! for all clients together. A client whose key is missing meanwhile is neither admitted nor
//! refused. A request runs in a task of its own, so that it goes on when the client that caused it
//! has left. Start reading at [`RemoteKeys::usable`] and [`RemoteKeys::newer`].

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use doorward_core::{Causes, lock};
use metrics::{Counter, counter, gauge};
use reqwest::Url;
use tokio::{runtime::Handle, sync::watch};

use crate::{
    key::{rsa_algorithm::RsaAlgorithm, set::KeySet},
    remote::{
        discovery,
        error::{Away, FetchError, RequestError},
        http::Http,
        level::Level,
        reach::Reach,
        setting,
        since::since,
    },
};

/// Where the keys of an issuer are published.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// Name of the issuer, as in the claim `iss`.
    pub(crate) issuer: Box<str>,
    /// URL of the metadata.
    pub(crate) metadata: Url,
    /// URL of the key set, if it is not taken from the metadata.
    pub(crate) key_set: Option<Url>,
    /// Algorithm of RSA keys without an `alg`.
    pub(crate) algorithm: Option<RsaAlgorithm>,
    pub(crate) reach: Reach,
}

/// Keys of one issuer, which are read over HTTP.
#[derive(Debug)]
pub(crate) struct RemoteKeys {
    source: Source,
    http: Http,
    /// Protects the keys and the times of requests; never held across an await.
    state: Mutex<State>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct State {
    keys: Option<Published>,
    /// URL of the key set in the metadata, and the time at which the metadata was asked for.
    key_set: Option<(Url, SystemTime)>,
    /// Time of the last request.
    asked_at: Option<SystemTime>,
    /// Running request. The channel closes when the request has ended in any way.
    running: Option<watch::Receiver<()>>,
    /// Error of the last request that has ended. `None` if it succeeded.
    failure: Option<Arc<FetchError>>,
}

/// Key set as it was published at a time.
#[derive(Clone, Debug)]
struct Published {
    set: Arc<KeySet>,
    /// Time at which the set was asked for.
    at: SystemTime,
}

/// Outcome of looking for newer keys.
#[derive(Debug)]
pub(crate) enum Newer {
    /// The issuer did not answer.
    Away(Away),
    /// The keys were read after the client had shown its token.
    Read,
    /// The last request was less than [`ASK_EVERY`] ago.
    TooSoon,
}

impl RemoteKeys {
    pub(crate) fn new(source: Source) -> Result<Self, RequestError> {
        let http = Http::new(source.reach.clone())?;
        let metrics = Metrics::new(&source.issuer);
        Ok(Self { source, http, state: Mutex::default(), metrics })
    }

    /// Returns the keys that may be used at `now` without asking the issuer. Starts a request in the
    /// background if they are older than [`REFRESH_AFTER`].
    ///
    /// Returns `None` if there are none, or if the issuer must be asked first, because the keys are
    /// older than [`OLD_AFTER`]. An issuer that does not answer does not make its tokens invalid:
    /// after an attempt to ask it, older keys are returned too, until [`KEEP_FOR`] has passed.
    pub(crate) fn usable(self: &Arc<Self>, now: SystemTime) -> Option<Arc<KeySet>> {
        let mut state = lock(&self.state);
        let Published { set, at } = state.keys.clone()?;
        let age = since(at, now);
        let fetch = (age >= REFRESH_AFTER).then(|| self.begin(&mut state, now).ok()).flatten();
        let is_good = age < OLD_AFTER || (age < KEEP_FOR && state.has_just_failed(now));
        drop(state);
        if let Some(fetch) = fetch {
            fetch.spawn();
        }
        is_good.then_some(set)
    }

    /// Reads the keys in the background, if the issuer may be asked.
    pub(crate) fn read_soon(self: &Arc<Self>, now: SystemTime) {
        let fetch = self.begin(&mut lock(&self.state), now);
        if let Ok(fetch) = fetch {
            fetch.spawn();
        }
    }

    /// Waits until the keys were read by a request that was sent at `now` or later, if the issuer may
    /// be asked. `now` is the time at which the client has shown its token.
    ///
    /// # Cancel safety
    /// A request that was started goes on if the future is dropped.
    pub(crate) async fn newer(self: &Arc<Self>, now: SystemTime) -> Newer {
        loop {
            let (mut running, fetch) = {
                let mut state = lock(&self.state);
                match state.running() {
                    Some(running) => (running, None),
                    // A request after `now` has ended while this client was waiting.
                    None if state
                        .asked_at
                        .is_some_and(|at| at >= now && since(now, at) < ASK_EVERY) =>
                    {
                        return self.away(&state).map_or(Newer::Read, Newer::Away);
                    }
                    None => match self.begin(&mut state, now) {
                        Ok(fetch) => (fetch.running.subscribe(), Some(fetch)),
                        Err(None) => return self.away(&state).map_or(Newer::TooSoon, Newer::Away),
                        Err(Some(error)) => return Newer::Away(self.no_answer(error)),
                    },
                }
            };
            if let Some(fetch) = fetch {
                fetch.spawn();
            }
            // The channel closes when the task has ended, also if it was cancelled. No value is sent.
            drop(running.changed().await);
        }
    }

    /// Registers a request, to be spawned after the lock is released. Fails if a request is running, if
    /// the last one is less than [`ASK_EVERY`] ago (`None`), or if there is no runtime.
    fn begin(
        self: &Arc<Self>,
        state: &mut State,
        now: SystemTime,
    ) -> Result<Fetch, Option<RequestError>> {
        let is_soon = state.asked_at.is_some_and(|at| since(at, now) < ASK_EVERY);
        if is_soon || state.running().is_some() {
            return Err(None);
        }
        let runtime = Handle::try_current().map_err(|_none| Some(RequestError::NoRuntime))?;
        let (running, ended) = watch::channel(());
        state.asked_at = Some(now);
        state.running = Some(ended);
        Ok(Fetch { keys: Arc::clone(self), at: now, has_landed: false, runtime, running })
    }

    /// Reads the key set, and the metadata if its URL is not known.
    async fn fetch(&self, now: SystemTime) -> Result<KeySet, FetchError> {
        let url = self.key_set_url(now).await?;
        let body = self.get(&url, MAX_KEY_SET).await?;
        let keys = KeySet::published(&body, self.source.algorithm);
        keys.map_err(FetchError::KeySet)
    }

    async fn key_set_url(&self, now: SystemTime) -> Result<Url, FetchError> {
        let Source { issuer, metadata, key_set, reach, .. } = &self.source;
        if let Some(url) = key_set {
            return Ok(url.clone());
        }
        if let Some((url, at)) = &lock(&self.state).key_set
            && since(*at, now) < REDISCOVER_AFTER
        {
            return Ok(url.clone());
        }
        let body = self.get(metadata, MAX_METADATA).await?;
        let url = discovery::key_set(&body, metadata, issuer)?;
        reach.check(&url).map_err(FetchError::KeySetUrl)?;
        lock(&self.state).key_set = Some((url.clone(), now));
        Ok(url)
    }

    async fn get(&self, url: &Url, max: usize) -> Result<Vec<u8>, FetchError> {
        let answer = self.http.get(url.clone(), max).await;
        match &answer {
            Ok(_) => self.metrics.answered.increment(1),
            Err(_) => self.metrics.failed.increment(1),
        }
        answer.map_err(|source| FetchError::Request { url: setting::shown(url), source })
    }

    /// Stores the outcome of a request.
    fn landed(&self, read: Result<KeySet, FetchError>, now: SystemTime) {
        let issuer = &self.source.issuer;
        let mut state = lock(&self.state);
        let was_failing = state.failure.is_some();
        match read {
            Ok(set) => {
                let set = Arc::new(set);
                let before = state.keys.replace(Published { set: Arc::clone(&set), at: now });
                state.failure = None;
                drop(state);
                self.metrics.away.set(0.0);
                self.metrics.keys.set(set.len() as f64);
                let ids = |set: &KeySet| set.ids().map(str::to_owned).collect::<BTreeSet<_>>();
                let is_new = before.is_none_or(|before| ids(&before.set) != ids(&set));
                if is_new {
                    set.log_passed_over();
                    tracing::info!(%issuer, keys = ?ids(&set), "The keys of an issuer were read.");
                } else if was_failing {
                    tracing::info!(%issuer, "An issuer answers again.");
                }
            }
            Err(error) => {
                // The metadata is read again, because the issuer may have moved its keys.
                state.key_set = None;
                let has_keys = state.keys.is_some();
                let error = Arc::new(error);
                state.failure = Some(Arc::clone(&error));
                drop(state);
                self.metrics.away.set(1.0);
                let cause = Causes(&*error).to_string();
                if was_failing {
                    tracing::debug!(%issuer, cause, "The keys of an issuer could not be read.");
                } else {
                    tracing::error!(%issuer, cause, has_keys, "The keys of an issuer could not be read.");
                }
            }
        }
    }

    /// Returns the error of the last request, if it failed.
    fn away(&self, state: &State) -> Option<Away> {
        let source = Arc::clone(state.failure.as_ref()?);
        Some(Away { issuer: self.source.issuer.clone(), source })
    }

    fn no_answer(&self, source: RequestError) -> Away {
        let issuer = self.source.issuer.clone();
        let source = FetchError::Request { url: issuer.clone(), source };
        Away { issuer, source: Arc::new(source) }
    }
}

impl State {
    fn running(&mut self) -> Option<watch::Receiver<()>> {
        // The channel is closed if the task has ended without storing a result.
        self.running.take_if(|running| running.has_changed().is_err());
        self.running.clone()
    }

    /// Returns `true` if the last request failed a short time ago, and no other is running.
    fn has_just_failed(&mut self, now: SystemTime) -> bool {
        self.failure.is_some()
            && self.asked_at.is_some_and(|at| since(at, now) < ASK_EVERY)
            && self.running().is_none()
    }
}

/// A running request. If its task is cancelled, the request counts as failed.
struct Fetch {
    keys: Arc<RemoteKeys>,
    at: SystemTime,
    has_landed: bool,
    runtime: Handle,
    /// Closes when the request has ended, after its outcome is stored.
    running: watch::Sender<()>,
}

impl Fetch {
    /// Runs the request in a task of its own. A runtime that shuts down drops it at once, which locks
    /// the state.
    fn spawn(mut self) {
        let runtime = self.runtime.clone();
        runtime.spawn(async move {
            let read = self.keys.fetch(self.at).await;
            self.land(read);
        });
    }

    fn land(&mut self, read: Result<KeySet, FetchError>) {
        self.has_landed = true;
        self.keys.landed(read, self.at);
    }
}

impl Drop for Fetch {
    fn drop(&mut self) {
        if !self.has_landed {
            let url = self.keys.source.issuer.clone();
            self.land(Err(FetchError::Request { url, source: RequestError::Ended }));
        }
    }
}

/// Metrics of the requests to one issuer.
struct Metrics {
    answered: Counter,
    failed: Counter,
    /// 1 if the last request failed, and 0 otherwise.
    away: Level,
    /// Number of usable keys.
    keys: Level,
}

impl Metrics {
    /// The label is a setting of the operator, so the number of its values is bounded.
    fn new(issuer: &str) -> Self {
        let count = |outcome: &'static str| counter!("doorward_issuer_requests_total", "url" => issuer.to_owned(), "outcome" => outcome);
        Self {
            answered: count("answered"),
            failed: count("failed"),
            away: Level::new(gauge!("doorward_issuer_away", "url" => issuer.to_owned())),
            keys: Level::new(gauge!("doorward_issuer_keys", "url" => issuer.to_owned())),
        }
    }
}

doorward_core::debug_redacted!(Metrics);

/// Minimum time between two requests to an issuer.
pub(crate) const ASK_EVERY: Duration = Duration::from_secs(10);

/// Age of the keys at which they are read again in the background.
const REFRESH_AFTER: Duration = Duration::from_secs(5 * 60);

/// Age of the keys at which the issuer is asked before they are used. A key that the issuer has
/// withdrawn is therefore not trusted for longer, unless the issuer does not answer.
const OLD_AFTER: Duration = Duration::from_secs(10 * 60);

/// Age of the keys up to which they are used while the issuer does not answer.
const KEEP_FOR: Duration = Duration::from_secs(60 * 60);

/// Age at which the metadata is read again.
const REDISCOVER_AFTER: Duration = Duration::from_secs(60 * 60);

/// Maximum size of the metadata, in bytes. Those of Entra ID have 2 KiB.
const MAX_METADATA: usize = 256 * 1024;

/// Maximum size of a key set, in bytes. Those of Entra ID have 20 KiB.
const MAX_KEY_SET: usize = 1024 * 1024;
