//! Sends requests to the running servers of a data directory.

use std::{
    io,
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
use crate::terminal::{Failure, OrFail as _, quoted::quoted};

/// Client of all running servers of a data directory.
pub(crate) struct AdminClient {
    sockets: Vec<PathBuf>,
}

impl AdminClient {
    /// Finds the admin sockets in `data_dir`. Fails if there is none.
    pub(crate) fn of(data_dir: &Path) -> Result<Self, Failure> {
        let sockets = sockets(data_dir).unwrap_or_default();
        if sockets.is_empty() {
            return Err(no_server(data_dir));
        }
        Ok(Self { sockets })
    }

    /// Sends a request to the first server that answers.
    pub(crate) async fn ask_one<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        for socket in &self.sockets {
            match UnixStream::connect(socket).await {
                Ok(stream) => return ask(stream, method, path, body).await,
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    let socket = socket.display();
                    let what = format_args!("cannot reach the server behind {socket}");
                    return Err(Failure::because(what, &error));
                }
            }
        }
        Err(self.no_server())
    }

    /// Sends a request to every server. Returns all responses, and a failure for each running server that does
    /// not answer. Fails if no server is running.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Answers<T>, Failure> {
        let mut answers = Answers { said: Vec::new(), failed: Vec::new() };
        for socket in &self.sockets {
            match UnixStream::connect(socket).await {
                Ok(stream) => {
                    let asked = ask(stream, method.clone(), path, body);
                    match tokio::time::timeout(ANSWERED_WITHIN, asked).await {
                        Ok(Ok(answer)) => answers.said.push(answer),
                        Ok(Err(failure)) => answers.failed.push(failure),
                        Err(_elapsed) => answers.failed.push(Failure::new(format_args!(
                            "the server behind {} does not answer",
                            socket.display()
                        ))),
                    }
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => answers.failed.push(Failure::because(
                    format_args!("cannot reach the server behind {}", socket.display()),
                    &error,
                )),
            }
        }
        if answers.said.is_empty() && answers.failed.is_empty() {
            return Err(self.no_server());
        }
        Ok(answers)
    }

    fn no_server(&self) -> Failure {
        let data_dir = self.sockets.first().and_then(|socket| socket.parent());
        no_server(data_dir.unwrap_or(Path::new(".")))
    }
}

/// Responses of all servers, and the failures of servers that did not answer.
pub(crate) struct Answers<T> {
    said: Vec<T>,
    failed: Vec<Failure>,
}

impl<T> Answers<T> {
    /// Returns the responses, and the failure of the first server that did not answer.
    pub(crate) fn split(self) -> (Vec<T>, Option<Failure>) {
        (self.said, self.failed.into_iter().next())
    }

    /// Returns the responses if every server has answered.
    pub(crate) fn all(self) -> Result<Vec<T>, Failure> {
        match self.split() {
            (said, None) => Ok(said),
            (_, Some(failure)) => Err(failure),
        }
    }
}

/// Returns `true` if the error shows that the server of a socket is no longer running.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
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

fn no_server(data_dir: &Path) -> Failure {
    Failure::new(format_args!(
        "no server runs on the data directory {}; start one with doorward serve --data-dir {}, or name \
         the right one with --data-dir",
        data_dir.display(),
        quoted(data_dir)
    ))
}

/// Maximum size of a response in bytes. A list of all connections of a large server fits.
const MAX_ANSWER: usize = 256 * 1024 * 1024;

/// Timeout of a request, longer than any request should take.
const ANSWERED_WITHIN: Duration = Duration::from_secs(15);
