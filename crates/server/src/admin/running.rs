//! Talks to one running server over its admin socket.
//!
//! The system accepts connections for a process that is stopped or hangs, so a connection alone proves nothing. The
//! client first sends a greeting, which a server answers at once. It sends its request only after that answer, so a
//! server that does not answer the greeting has done nothing. Start reading at [`Running::reach`].

use std::{
    io::{
        self,
        ErrorKind::{ConnectionRefused, NotFound},
        IsTerminal as _,
    },
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use axum::{
    body::{Body, Bytes, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use futures_util::StreamExt as _;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{net::UnixStream, time::timeout};

use super::{socket::is_trusted, wire::Problem};
use crate::terminal::{Failure, OrFail as _, output};

/// Connection to a server that has answered the greeting.
pub(super) struct Running {
    peer: Peer,
    sender: SendRequest<Body>,
}

/// Names the server in messages.
struct Peer {
    socket: PathBuf,
    /// Id of its process, if the system tells it.
    process: Option<i32>,
}

impl Running {
    /// Connects to the server of a socket, and awaits the answer to the greeting. Returns `None` if the server is no
    /// longer running. Fails if it does not answer.
    pub(super) async fn reach(socket: &Path) -> Result<Option<Self>, Failure> {
        let stream = match UnixStream::connect(socket).await {
            Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => return Ok(None),
            connected => connected
                .or_fail(format_args!("cannot reach the server behind {}", socket.display()))?,
        };
        let system = stream.peer_cred().or_fail(CANNOT)?;
        if !is_trusted(system.uid()) {
            return Err(Failure::new(format_args!(
                "the process behind {} runs as the user {}: run the command as that user or as root",
                socket.display(),
                system.uid()
            )));
        }
        // A process in another namespace has the id 0 here, and `kill` would take it for this group of processes.
        let process = system.pid().filter(|&id| id > 0);
        let peer = Peer { socket: socket.to_owned(), process };
        let (sender, connection) = handshake(TokioIo::new(stream)).await.or_fail(CANNOT)?;
        // The task ends with the sender.
        drop(tokio::spawn(connection));
        let mut running = Self { peer, sender };
        let greeting = Request::builder().uri("/server").header(header::HOST, HOST);
        let greeting = greeting.body(Body::empty()).or_fail(CANNOT)?;
        let told = running.peer.slow_greeting();
        match in_time(running.send(greeting), GREETED_WITHIN, say_told(&told)).await {
            // Any answer will do. A server of another version may not know the greeting.
            Some(answered) => answered.map(|_| Some(running)),
            None => Err(running.peer.no_greeting()),
        }
    }

    /// Sends a request, and returns the answer. Fails if the server does not answer in time, or reports an error.
    pub(super) async fn ask<T: DeserializeOwned>(
        mut self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = serde_json::to_vec(body).or_fail(CANNOT)?;
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .or_fail(CANNOT)?;
        let answered = in_time(self.send(request), ANSWERED_WITHIN, say_told(&slow_answer())).await;
        let (status, bytes) = answered.unwrap_or_else(|| Err(self.peer.no_answer()))?;
        if status != StatusCode::OK {
            return Err(not_done(status, &bytes));
        }
        serde_json::from_slice(&bytes).or_fail(CANNOT)
    }

    /// Sends a request whose answer goes on, and passes each line to `each`, until `each` fails or the server ends.
    pub(super) async fn follow(
        mut self,
        path: &str,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let request = Request::builder().uri(path).header(header::HOST, HOST);
        let request = request.body(Body::empty()).or_fail(CANNOT)?;
        let told = slow_answer();
        let answered = in_time(self.begin(request), ANSWERED_WITHIN, say_told(&told)).await;
        let (status, body) = answered.unwrap_or_else(|| Err(self.peer.no_answer()))?;
        if status != StatusCode::OK {
            let bytes = to_bytes(body, MAX_ANSWER).await.or_fail(CANNOT)?;
            return Err(not_done(status, &bytes));
        }
        let (mut parts, mut rest) = (body.into_data_stream(), Vec::new());
        while let Some(part) = parts.next().await {
            let Ok(part) = part else { break };
            rest.extend_from_slice(&part);
            while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                each(&line)?;
            }
        }
        Err(Failure::new(format_args!("{} has ended", self.peer.name())))
    }

    async fn send(&mut self, request: Request<Body>) -> Result<(StatusCode, Bytes), Failure> {
        let (status, body) = self.begin(request).await?;
        let bytes = to_bytes(body, MAX_ANSWER).await.or_fail(CANNOT)?;
        Ok((status, bytes))
    }

    async fn begin(&mut self, request: Request<Body>) -> Result<(StatusCode, Body), Failure> {
        self.sender.ready().await.or_fail(CANNOT)?;
        let response = self.sender.send_request(request).await.or_fail(CANNOT)?;
        Ok((response.status(), Body::new(response.into_body())))
    }
}

impl Peer {
    fn name(&self) -> String {
        let socket = self.socket.display();
        match self.process {
            Some(process) => format!("the server behind {socket} (process {process})"),
            None => format!("the server behind {socket}"),
        }
    }

    fn slow_greeting(&self) -> String {
        let (name, limit) = (self.name(), GREETED_WITHIN.as_secs());
        format!("Waiting for {name}, which has not answered yet, for up to {limit} s.")
    }

    fn no_greeting(&self) -> Failure {
        let (name, limit) = (self.name(), GREETED_WITHIN.as_secs());
        let process = self.process.map_or_else(|| "PROCESS".to_owned(), |id| id.to_string());
        Failure::new(format_args!(
            "{name} has not answered within {limit} s, and the request was not sent: if its process is stopped, \
             continue it (kill -CONT {process}); if it hangs, end it (kill -KILL {process}) and start it again"
        ))
    }

    fn no_answer(&self) -> Failure {
        let (name, limit) = (self.name(), ANSWERED_WITHIN.as_secs());
        Failure::new(format_args!(
            "{name} has not answered the request within {limit} s, and may have done the work nevertheless: read its \
             log, and run the command again"
        ))
    }
}

/// Returns the error of a server that has not done what was asked.
fn not_done(status: StatusCode, bytes: &[u8]) -> Failure {
    let problem: Result<Problem, _> = serde_json::from_slice(bytes);
    let message = problem.map_or_else(|_| status.to_string(), |problem| problem.message);
    if status == StatusCode::NOT_FOUND {
        return Failure::unknown(message);
    }
    Failure::new(format_args!("the server has not done it: {message}"))
}

/// Awaits `work` for at most `limit`. Calls `say` if it takes longer than [`SAID_AFTER`]. Returns `None` at the limit.
async fn in_time<T>(
    work: impl Future<Output = T>,
    limit: Duration,
    say: impl FnOnce(),
) -> Option<T> {
    let mut work = pin!(work);
    if let Ok(done) = timeout(SAID_AFTER.min(limit), &mut work).await {
        return Some(done);
    }
    say();
    timeout(limit.saturating_sub(SAID_AFTER), work).await.ok()
}

/// Returns a function that tells an operator at a terminal why the command waits. Programs read the error at its end.
fn say_told(text: &str) -> impl FnOnce() {
    move || {
        if io::stderr().is_terminal() {
            output::complain(text);
        }
    }
}

/// Time after which the operator is told that the command waits.
const SAID_AFTER: Duration = Duration::from_secs(3);

/// Time limit for the answer to the greeting. On timeout, no request is sent to this server.
const GREETED_WITHIN: Duration = Duration::from_secs(10);

/// Time limit for the response of one server. A revocation waits for up to 30 s for a node that cannot be reached. On
/// timeout, the command fails although the server may do the work.
const ANSWERED_WITHIN: Duration = Duration::from_secs(45);

/// Maximum size of a response in bytes. A list of all connections of a large server fits.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Name of the server in the header `Host`, which the server ignores.
const HOST: &str = "admin";

const CANNOT: &str = "the server does not answer on its admin socket";

fn slow_answer() -> String {
    format!(
        "Waiting for the server, which has the request, for up to {} s. A revocation waits for up to 30 s for nodes that \
         do not answer.",
        ANSWERED_WITHIN.as_secs()
    )
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending};

    use super::*;

    #[tokio::test]
    async fn an_answer_that_comes_at_once_is_not_commented() {
        let said = Cell::new(0);

        let answer = in_time(async { 7 }, GREETED_WITHIN, || said.set(1)).await;

        assert_eq!((answer, said.get()), (Some(7), 0));
    }

    #[tokio::test]
    async fn the_operator_is_told_once_that_the_command_waits() {
        let said = Cell::new(0);

        let answer = in_time(pending::<u8>(), Duration::ZERO, || said.set(said.get() + 1)).await;

        assert_eq!((answer, said.get()), (None, 1));
    }
}
