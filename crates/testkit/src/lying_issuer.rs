//! An issuer that gives any answer, true or false, in time or never.

use std::{
    collections::HashMap,
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use doorward_core::lock;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinHandle,
};

/// HTTP server on a free port of this machine, which answers each path as a test demands. It stops
/// when it is dropped.
///
/// # Examples
/// ```
/// use doorward_testkit::{Answer, LyingIssuer};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let issuer = LyingIssuer::start().await?;
/// issuer.answer("/keys", Answer::json(r#"{"keys": []}"#));
/// assert_eq!(issuer.asked("/keys"), 0);
/// # Ok::<_, std::io::Error>(()) })?;
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct LyingIssuer {
    address: SocketAddr,
    answers: Answers,
    task: JoinHandle<()>,
}

type Answers = Arc<Mutex<State>>;

#[derive(Default)]
struct State {
    answers: HashMap<String, Choose>,
    requests: Vec<Asked>,
}

/// Function that chooses the answer to a request.
type Choose = Arc<dyn Fn(&Asked) -> Answer + Send + Sync>;

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").field("requests", &self.requests).finish_non_exhaustive()
    }
}

/// Request that the issuer has received.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Method and path, such as `GET /keys`.
    pub line: String,
    /// Headers as they were sent, in lines.
    pub head: String,
    /// Body of the request.
    pub body: String,
}

/// Answer to the requests for one path. All other paths are answered with 404.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Status, additional header lines and body.
    Full(u16, String, Vec<u8>),
    /// The answer follows when the test adds a permit for it.
    Held(Arc<Semaphore>, Box<Self>),
    /// The connection is closed without an answer.
    Hangup,
    /// The request is never answered, and the connection stays open.
    Never,
}

impl Answer {
    /// Status 200 with this body.
    #[must_use]
    pub fn json(body: impl Into<String>) -> Self {
        let kind = "Content-Type: application/json\r\n".to_owned();
        Self::Full(200, kind, body.into().into_bytes())
    }

    /// This status, with an empty body.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Full(status, String::new(), Vec::new())
    }

    /// A redirect to this URL.
    #[must_use]
    pub fn redirect(url: &str) -> Self {
        Self::Full(302, format!("Location: {url}\r\n"), Vec::new())
    }

    /// Holds the answer back until the test adds a permit to the semaphore.
    #[must_use]
    pub fn held(self) -> (Self, Arc<Semaphore>) {
        let permits = Arc::new(Semaphore::new(0));
        (Self::Held(Arc::clone(&permits), Box::new(self)), permits)
    }
}

impl LyingIssuer {
    /// Starts an issuer that has no documents yet.
    ///
    /// # Errors
    /// No port of this machine is free.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, answers) = (listener.local_addr()?, Answers::default());
        let state = Arc::clone(&answers);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&state)));
            }
        });
        Ok(Self { address, answers, task })
    }

    /// Returns the URL of the issuer, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers requests for `path` from now on.
    pub fn answer(&self, path: &str, answer: Answer) {
        self.answer_with(path, move |_| answer.clone());
    }

    /// Answers each request for `path` with the result of `choose` from now on.
    pub fn answer_with(
        &self,
        path: &str,
        choose: impl Fn(&Asked) -> Answer + Send + Sync + 'static,
    ) {
        lock(&self.answers).answers.insert(path.to_owned(), Arc::new(choose));
    }

    /// Publishes metadata, and this key set at `/keys`.
    pub fn publish(&self, keys: &str) {
        let url = self.url();
        let metadata = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        self.answer(METADATA, Answer::json(metadata.to_string()));
        self.answer("/keys", Answer::json(keys));
    }

    /// Returns the number of requests for `path` so far.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        let is_for = |asked: &&Asked| asked.line.split(' ').nth(1) == Some(path);
        lock(&self.answers).requests.iter().filter(is_for).count()
    }

    /// Returns all requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Asked> {
        lock(&self.answers).requests.clone()
    }
}

impl Drop for LyingIssuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, answers: Answers) {
    let Ok(asked) = read(&mut stream).await else { return };
    let path = asked.line.split(' ').nth(1).unwrap_or_default().to_owned();
    let choose = {
        let mut state = lock(&answers);
        state.requests.push(asked.clone());
        state.answers.get(&path).cloned()
    };
    let answer = choose.map_or(Answer::status(404), |choose| choose(&asked));
    give(stream, answer).await;
}

async fn give(mut stream: TcpStream, mut answer: Answer) {
    while let Answer::Held(permits, inner) = answer {
        if let Ok(permit) = permits.acquire().await {
            permit.forget();
        }
        answer = *inner;
    }
    match answer {
        Answer::Full(status, headers, body) => {
            let head = format!(
                "HTTP/1.1 {status} Lie\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // The client may have closed the connection, for example because the body is too large.
            if stream.write_all(head.as_bytes()).await.is_ok() {
                drop(stream.write_all(&body).await);
            }
        }
        Answer::Never => std::future::pending().await,
        Answer::Hangup | Answer::Held(..) => {}
    }
}

async fn read(stream: &mut TcpStream) -> io::Result<Asked> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    while bytes.len() < end + 4 + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let body = String::from_utf8_lossy(bytes.get(end + 4..).unwrap_or_default()).into_owned();
    let line = head.lines().next().unwrap_or_default().to_owned();
    Ok(Asked { line, head, body })
}

const METADATA: &str = "/.well-known/openid-configuration";
