//! Sends requests to the running servers of a data directory.

use std::{
    io::ErrorKind::{ConnectionRefused, NotFound},
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;

use super::{socket::sockets, wire::Problem};
use crate::{
    config::{Config, PlaceOptions},
    terminal::{Failure, OrFail as _, quoted::quoted},
};

/// Client of all running servers of a data directory.
pub(crate) struct AdminClient {
    data_dir: PathBuf,
    sockets: Vec<PathBuf>,
}

impl AdminClient {
    /// Finds the admin sockets in the data directory that the options name. Fails if there is none.
    pub(crate) fn of(place: &PlaceOptions) -> Result<Self, Failure> {
        let data_dir = Config::load(place, None)?.data_dir;
        let client = Self { sockets: sockets(&data_dir).unwrap_or_default(), data_dir };
        if client.sockets.is_empty() { Err(client.no_server()) } else { Ok(client) }
    }

    /// Sends a request to the first running server. Fails if no server is running, or if this server does not
    /// answer or reports an error.
    pub(crate) async fn ask_one<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        for socket in &self.sockets {
            if let Some(stream) = connect(socket).await? {
                return in_time(socket, ask(stream, method, path, body)).await;
            }
        }
        Err(self.no_server())
    }

    /// Sends a request to every server. Returns the responses, and the first failure if a running server does not
    /// answer or reports an error. Fails if no server is running.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answers<T>, Failure> {
        let mut answers = Answers { said: Vec::new(), failed: None };
        for socket in &self.sockets {
            let asked = async {
                let Some(stream) = connect(socket).await? else { return Ok(None) };
                in_time(socket, ask(stream, method.clone(), path, body)).await.map(Some)
            };
            match asked.await {
                Ok(answer) => answers.said.extend(answer),
                Err(failure) => _ = answers.failed.get_or_insert(failure),
            }
        }
        if answers.said.is_empty() && answers.failed.is_none() {
            return Err(self.no_server());
        }
        Ok(answers)
    }

    fn no_server(&self) -> Failure {
        let (place, word) = (self.data_dir.display(), quoted(&self.data_dir));
        Failure::new(format_args!(
            "no server runs on the data directory {place}; start one with doorward serve --data-dir {word}, or \
             name the right one with --data-dir"
        ))
    }
}

/// Fails if nodes have not answered, so that their part of a list is missing.
pub(crate) fn incomplete(missing: &[String]) -> Result<(), Failure> {
    match missing {
        [] => Ok(()),
        nodes => Err(Failure::new(format_args!(
            "the list is not complete: no answer from {}",
            nodes.join(", ")
        ))),
    }
}

/// Responses of the servers that succeeded, and the failure of the first server that did not.
pub(crate) struct Answers<T> {
    pub(crate) said: Vec<T>,
    pub(crate) failed: Option<Failure>,
}

impl<T> Answers<T> {
    /// Returns the responses if every server has succeeded. Fails with the first failure otherwise.
    pub(crate) fn all(self) -> Result<Vec<T>, Failure> {
        self.failed.map_or(Ok(self.said), Err)
    }
}

/// Connects to the server of a socket. Returns `None` if the server is no longer running.
async fn connect(socket: &Path) -> Result<Option<UnixStream>, Failure> {
    match UnixStream::connect(socket).await {
        Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => Ok(None),
        connected => connected
            .map(Some)
            .or_fail(format_args!("cannot reach the server behind {}", socket.display())),
    }
}

/// Awaits the response of the server of a socket. Fails if the server does not answer in time.
async fn in_time<T>(
    socket: &Path,
    response: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(ANSWERED_WITHIN, response).await.unwrap_or_else(|_elapsed| {
        Err(Failure::new(format_args!(
            "the server behind {} does not answer; it may have done the work nevertheless",
            socket.display()
        )))
    })
}

async fn ask<T: DeserializeOwned>(
    stream: UnixStream,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    let cannot = "the server does not answer on its admin socket";
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.or_fail(cannot)?;
    let driver = tokio::spawn(connection);
    let body = serde_json::to_vec(body).or_fail(cannot)?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "admin")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .or_fail(cannot)?;
    let response = sender.send_request(request).await.or_fail(cannot)?;
    let (status, body) = (response.status(), Body::new(response.into_body()));
    let bytes = to_bytes(body, MAX_ANSWER).await.or_fail(cannot)?;
    driver.abort();
    if status == StatusCode::OK {
        return serde_json::from_slice(&bytes).or_fail(cannot);
    }
    let problem: Result<Problem, _> = serde_json::from_slice(&bytes);
    let message = problem.map_or_else(|_| status.to_string(), |problem| problem.message);
    if status == StatusCode::NOT_FOUND {
        return Err(Failure::unknown(message));
    }
    Err(Failure::new(format_args!("the server has not done it: {message}")))
}

/// Maximum size of a response in bytes. A list of all connections of a large server fits.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Time limit for the response of one server. A revocation waits for up to 30 s for a node that cannot be reached.
const ANSWERED_WITHIN: Duration = Duration::from_secs(45);
