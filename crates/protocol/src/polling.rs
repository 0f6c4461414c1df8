//! Rules of HTTP long polling: which request may come at which time, and how it is answered.
//!
//! A client that polls holds one GET, whose answer carries the packets of the server, and sends its
//! own packets with POST. It continues to poll during an upgrade to a WebSocket. The driver reports
//! each request to [`Polling`], asks for the answer of the waiting GET, and calls again at
//! [`Polling::deadline`]. The bodies are not part of this module. Start reading at
//! [`Polling::answer`].

use std::time::{Duration, Instant};

/// Server side of the requests of one polling client.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use doorward_protocol::polling::{GetAnswer, Polling, PollingConfig, Waiting};
///
/// # #[expect(clippy::disallowed_methods)] fn now() -> Instant { Instant::now() }
/// let now = now();
/// let mut polling = Polling::new(PollingConfig::default());
///
/// assert!(polling.get(now).is_ok());
/// assert_eq!(polling.answer(None), None);
/// assert_eq!(polling.answer(Some(Waiting::Packets)), Some(GetAnswer::Packets));
/// assert_eq!(polling.answer(Some(Waiting::Packets)), None, "no GET waits");
/// ```
#[derive(Debug)]
pub struct Polling {
    config: PollingConfig,
    /// Time at which the waiting GET arrived. `None` while no GET waits.
    get: Option<Instant>,
    /// `true` while a POST is read or its packets are handled.
    is_posting: bool,
    transport: Transport,
}

/// What carries the packets of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    /// Requests.
    Polling,
    /// Requests, while a WebSocket is probed.
    Probing,
    /// The WebSocket, because the client has upgraded.
    WebSocket,
    /// None, because the link has ended. A waiting GET gets this answer.
    Ended(GetAnswer),
}

/// Times of [`Polling`].
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward_protocol::polling::PollingConfig;
///
/// assert_eq!(PollingConfig::default().hold, Duration::from_secs(25));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PollingConfig {
    /// Maximum time that a GET waits without packets. The default is 25 s.
    pub hold: Duration,
    /// Maximum time that a GET waits while a WebSocket is probed. The client waits for this GET
    /// before it completes the upgrade. The default is 100 ms, as in the JavaScript server.
    pub hold_probing: Duration,
    /// Maximum time for which a POST waits for its packets to be handled. The default is 2 s; some
    /// clients time out after 5 s. While a probe runs, a POST waits for
    /// [`hold_probing`](Self::hold_probing), because a client finishes its POST before it completes
    /// the upgrade.
    pub hold_post: Duration,
}

impl Default for PollingConfig {
    fn default() -> Self {
        Self {
            hold: Duration::from_secs(25),
            hold_probing: Duration::from_millis(100),
            hold_post: Duration::from_secs(2),
        }
    }
}

/// Answer of a GET.
///
/// # Examples
/// See [`Polling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetAnswer {
    /// The packets that wait.
    Packets,
    /// A noop (`6`). The client sends the next GET.
    Noop,
    /// The packet that closes the link (`1`), alone.
    Close,
    /// Status 400. The client reconnects.
    Refused,
}

/// Packets that wait for the client.
///
/// # Examples
/// See [`Polling`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// Packets wait.
    Packets,
    /// Only the packet that closes the link waits.
    Close,
}

/// Reason why a request is answered with status 400.
///
/// # Examples
/// ```
/// use std::time::Instant;
/// use doorward_protocol::polling::{GetAnswer, Polling, PollingConfig, RequestError, Waiting};
///
/// # #[expect(clippy::disallowed_methods)] fn now() -> Instant { Instant::now() }
/// let now = now();
/// let mut polling = Polling::new(PollingConfig::default());
/// assert_eq!(polling.get(now), Ok(()));
/// assert_eq!(polling.get(now), Err(RequestError::Overlap));
/// assert_eq!(polling.answer(None), Some(GetAnswer::Close));
/// assert_eq!(polling.get(now), Err(RequestError::Ended));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Another request of the same method is waiting. The link has ended, because its packets could
    /// be reordered (Engine.IO v4, "HTTP long-polling").
    #[error("another request of the link is waiting")]
    Overlap,
    /// The link has ended, or uses a WebSocket.
    #[error("the link does not poll any more")]
    Ended,
    /// Another WebSocket is being probed.
    #[error("another upgrade of the link has begun")]
    Busy,
}

impl Polling {
    /// Creates the rules of a link whose client polls. Its first GET is reported like any other.
    #[must_use]
    pub fn new(config: PollingConfig) -> Self {
        Self { config, get: None, is_posting: false, transport: Transport::Polling }
    }

    /// Reports that a GET has arrived. It waits until [`answer`](Self::answer) returns its answer.
    ///
    /// # Errors
    /// [`RequestError::Ended`], [`RequestError::Overlap`]
    pub fn get(&mut self, now: Instant) -> Result<(), RequestError> {
        self.check()?;
        if self.get.is_some() {
            return Err(self.overlap());
        }
        self.get = Some(now);
        Ok(())
    }

    /// Reports that a POST has arrived. It is busy until [`posted`](Self::posted) is called.
    ///
    /// # Errors
    /// [`RequestError::Ended`], [`RequestError::Overlap`]
    pub fn post(&mut self) -> Result<(), RequestError> {
        self.check()?;
        if self.is_posting {
            return Err(self.overlap());
        }
        self.is_posting = true;
        Ok(())
    }

    /// Reports that the packets of the POST were handled.
    pub fn posted(&mut self) {
        self.is_posting = false;
    }

    /// Returns the answer of the waiting GET, or `None` if no GET waits or it waits further. The GET
    /// counts as answered then. `waiting` are the packets that wait for the client, if there are
    /// some.
    pub fn answer(&mut self, waiting: Option<Waiting>) -> Option<GetAnswer> {
        self.get?;
        let answer = match (self.transport, waiting) {
            (Transport::Ended(answer), _) => answer,
            // A client should have waited for this GET before it completed the upgrade.
            (Transport::WebSocket, _) => GetAnswer::Noop,
            (_, Some(Waiting::Packets)) => GetAnswer::Packets,
            (_, Some(Waiting::Close)) => GetAnswer::Close,
            (_, None) => return None,
        };
        self.get = None;
        Some(answer)
    }

    /// Returns a noop for a GET that has waited until its [`deadline`](Self::deadline), and `None`
    /// otherwise.
    pub fn answer_in_time(&mut self, now: Instant) -> Option<GetAnswer> {
        self.deadline().filter(|deadline| *deadline <= now)?;
        self.get = None;
        Some(GetAnswer::Noop)
    }

    /// Returns the time at which the waiting GET is answered even if no packets wait.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.get.map(|since| since + self.hold())
    }

    /// Returns the time for which a POST waits until its packets were handled. After it, the POST is
    /// answered, and its packets are handled later.
    #[must_use]
    pub fn post_hold(&self) -> Duration {
        match self.transport {
            Transport::Probing => self.config.hold_probing,
            _ => self.config.hold_post,
        }
    }

    fn hold(&self) -> Duration {
        match self.transport {
            Transport::Probing => self.config.hold_probing,
            _ => self.config.hold,
        }
    }

    /// Reports that the client has cancelled its GET, or lost the connection. The link ends, because
    /// packets may have been lost with the answer.
    pub fn get_cancelled(&mut self) {
        self.get = None;
        self.end(GetAnswer::Refused);
    }

    /// Reports that the client has cancelled its POST, or that the POST was refused. The link ends,
    /// because packets may have been lost with it.
    pub fn post_cancelled(&mut self) {
        self.is_posting = false;
        self.end(GetAnswer::Refused);
    }

    /// Reports that a WebSocket with the id of this link was opened.
    ///
    /// # Errors
    /// [`RequestError::Ended`], [`RequestError::Busy`]
    ///
    /// # Examples
    /// ```
    /// use doorward_protocol::polling::{Polling, PollingConfig};
    ///
    /// let mut polling = Polling::new(PollingConfig::default());
    /// polling.probe()?;
    /// assert!(polling.upgrade());
    /// assert!(!polling.is_polling());
    /// # Ok::<_, doorward_protocol::polling::RequestError>(())
    /// ```
    pub fn probe(&mut self) -> Result<(), RequestError> {
        match self.transport {
            Transport::Polling => {
                self.transport = Transport::Probing;
                Ok(())
            }
            Transport::Probing => Err(RequestError::Busy),
            Transport::WebSocket | Transport::Ended(_) => Err(RequestError::Ended),
        }
    }

    /// Reports that the probe has failed, or has taken too long. The client goes on polling, and may
    /// try again.
    pub fn probe_failed(&mut self) {
        if self.transport == Transport::Probing {
            self.transport = Transport::Polling;
        }
    }

    /// Reports that the client has completed the upgrade. Returns `false` if the link has ended
    /// meanwhile.
    #[must_use]
    pub fn upgrade(&mut self) -> bool {
        let is_probed = self.transport == Transport::Probing;
        if is_probed {
            self.transport = Transport::WebSocket;
        }
        is_probed
    }

    /// Returns `true` while the client polls, also during a probe.
    #[must_use]
    pub fn is_polling(&self) -> bool {
        self.check().is_ok()
    }

    /// Ends the link. A waiting GET gets `answer`, and later requests are refused.
    pub fn end(&mut self, answer: GetAnswer) {
        if !matches!(self.transport, Transport::Ended(_)) {
            self.transport = Transport::Ended(answer);
        }
    }

    /// Returns `true` while a GET waits.
    #[must_use]
    pub fn is_get_waiting(&self) -> bool {
        self.get.is_some()
    }

    /// Returns `true` if the link has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.transport, Transport::Ended(_))
    }

    fn check(&self) -> Result<(), RequestError> {
        match self.transport {
            Transport::Polling | Transport::Probing => Ok(()),
            Transport::WebSocket | Transport::Ended(_) => Err(RequestError::Ended),
        }
    }

    /// Ends the link because of a second request. The first GET is answered with `1`.
    fn overlap(&mut self) -> RequestError {
        self.end(GetAnswer::Close);
        RequestError::Overlap
    }
}

#[cfg(test)]
mod tests;
