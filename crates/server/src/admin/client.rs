//! Asks the running servers of a data directory.

use std::path::{Path, PathBuf};

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Serialize, de::DeserializeOwned};
use tokio::net::UnixStream;

use super::{socket::sockets, words::Problem};
use crate::{failure::Failure, shell::quoted};

/// The running servers of a data directory.
pub(crate) struct AdminClient {
    sockets: Vec<PathBuf>,
}

impl AdminClient {
    /// Finds them.
    pub(crate) fn of(data_dir: &Path) -> Result<Self, Failure> {
        let sockets = sockets(data_dir).unwrap_or_default();
        if sockets.is_empty() {
            return Err(nobody(data_dir));
        }
        Ok(Self { sockets })
    }

    /// Asks one server that answers.
    pub(crate) async fn ask_one<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        for socket in &self.sockets {
            if let Ok(stream) = UnixStream::connect(socket).await {
                return ask(stream, method, path, body).await;
            }
        }
        Err(self.nobody())
    }

    /// Asks every server that answers, and returns what each has said.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<Vec<T>, Failure> {
        let mut answers = Vec::new();
        for socket in &self.sockets {
            // One that was killed has left its socket behind.
            let Ok(stream) = UnixStream::connect(socket).await else { continue };
            answers.push(ask(stream, method.clone(), path, body).await?);
        }
        if answers.is_empty() {
            return Err(self.nobody());
        }
        Ok(answers)
    }

    fn nobody(&self) -> Failure {
        let data_dir = self.sockets.first().and_then(|socket| socket.parent());
        nobody(data_dir.unwrap_or(Path::new(".")))
    }
}

async fn ask<T: DeserializeOwned>(
    stream: UnixStream,
    method: Method,
    path: &str,
    body: &impl Serialize,
) -> Result<T, Failure> {
    let cannot = |error: &dyn std::error::Error| {
        Failure::because("the server does not answer on its admin socket", error)
    };
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| cannot(&error))?;
    let driver = tokio::spawn(connection);
    let body = serde_json::to_vec(body).map_err(|error| cannot(&error))?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "admin")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .map_err(|error| cannot(&error))?;
    let response = sender.send_request(request).await.map_err(|error| cannot(&error))?;
    let (status, body) = (response.status(), Body::new(response.into_body()));
    let bytes = to_bytes(body, MAX_ANSWER).await.map_err(|error| cannot(&error))?;
    driver.abort();
    if status == StatusCode::OK {
        return serde_json::from_slice(&bytes).map_err(|error| cannot(&error));
    }
    let problem: Result<Problem, _> = serde_json::from_slice(&bytes);
    let message = problem.map_or_else(|_| status.to_string(), |problem| problem.message);
    Err(Failure::new(format_args!("the server has not done it: {message}")))
}

fn nobody(data_dir: &Path) -> Failure {
    Failure::new(format_args!(
        "no server runs on the data directory {}; start one with doorward serve --data-dir {}, or name \
         the right one with --data-dir",
        data_dir.display(),
        quoted(data_dir)
    ))
}

/// A list of all connections of a large server.
const MAX_ANSWER: usize = 256 * 1024 * 1024;
