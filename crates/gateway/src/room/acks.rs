//! What a socket's client is asked and has not answered yet.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use doorward_core::SocketId;
use doorward_protocol::RawArguments;
use tokio::sync::oneshot;

use crate::{presence::mailbox::LinkHandle, room::error::AckError, runtime::metrics::Metrics};

/// The questions of one socket, by the id that the client answers with.
#[derive(Default)]
pub(crate) struct AckTable {
    /// Protects the questions; held for one change. `None` when the socket has ended.
    questions: Mutex<Questions>,
}

#[derive(Default)]
struct Questions {
    open: HashMap<u64, oneshot::Sender<RawArguments>>,
    has_ended: bool,
}

/// One question; dropping it forgets it.
pub(crate) struct Question {
    acks: Arc<AckTable>,
    link: Arc<LinkHandle>,
    id: u64,
    answer: oneshot::Receiver<RawArguments>,
}

impl AckTable {
    /// Opens a question, unless the socket has ended or `limit` are open.
    pub(crate) fn ask(
        self: &Arc<Self>,
        id: u64,
        link: &Arc<LinkHandle>,
        limit: usize,
    ) -> Result<Question, AckError> {
        let (sender, answer) = oneshot::channel();
        let mut questions = self.lock();
        if questions.has_ended {
            return Err(AckError::Ended);
        }
        if questions.open.len() >= limit {
            Metrics::hit("open_acks");
            return Err(AckError::TooMany);
        }
        questions.open.insert(id, sender);
        drop(questions);
        link.awaits_ack();
        Ok(Question { acks: Arc::clone(self), link: Arc::clone(link), id, answer })
    }

    /// Takes an answer of the client. Whatever nobody has asked is ignored.
    pub(crate) fn answer(&self, id: u64, arguments: RawArguments) {
        let Some(question) = self.lock().open.remove(&id) else { return };
        // Whoever asked may have given up.
        question.send(arguments).err();
    }

    /// Nobody will answer any more.
    pub(crate) fn end(&self) {
        let mut questions = self.lock();
        questions.has_ended = true;
        let open = std::mem::take(&mut questions.open);
        drop(questions);
        drop(open);
    }

    fn lock(&self) -> MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Question {
    /// Waits for the answer.
    pub(crate) async fn answer(mut self) -> Result<RawArguments, AckError> {
        (&mut self.answer).await.map_err(|_ended| AckError::Ended)
    }
}

impl Drop for Question {
    fn drop(&mut self) {
        let question = self.acks.lock().open.remove(&self.id);
        drop(question);
        self.link.awaits_ack_no_more();
    }
}

/// Makes ids for questions. Nobody can do anything with an id that he was not asked under, so they
/// are counted.
#[derive(Default)]
pub(crate) struct AckIds(AtomicU64);

impl AckIds {
    pub(crate) fn next(&self) -> u64 {
        // JavaScript counts exactly up to 2^53, which takes centuries.
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// What the clients said who were asked at once.
///
/// # Examples
/// ```
/// fn votes(answers: &doorward::room::Acks<bool>) -> usize {
///     answers.given.iter().filter(|(_, yes)| *yes).count()
/// }
/// # drop(votes);
/// ```
#[derive(Debug)]
pub struct Acks<T> {
    /// Who answered, and what.
    pub given: Vec<(SocketId, T)>,
    /// Who did not, and why.
    pub missing: Vec<(SocketId, AckError)>,
}
