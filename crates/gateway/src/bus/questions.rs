//! Questions to other nodes that are not answered yet.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use doorward_core::{Incarnation, NodeId, lock};
use metrics::{Gauge, gauge};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::message::NodeRun;

/// Questions of this node that are not answered yet, by id.
pub(crate) struct Questions {
    next: AtomicU64,
    open: Arc<Mutex<Open>>,
}

struct Open {
    by_id: HashMap<u64, mpsc::UnboundedSender<Part>>,
    gauge: Gauge,
}

/// Part of an answer.
pub(crate) struct Part {
    pub(crate) from: NodeRun,
    pub(crate) number: u32,
    pub(crate) is_last: bool,
    pub(crate) body: Bytes,
}

/// Question that waits for answers. Later answers are dropped when this value is dropped.
pub(crate) struct Asked {
    pub(crate) id: u64,
    open: Arc<Mutex<Open>>,
    answers: mpsc::UnboundedReceiver<Part>,
    /// Parts of the answers that are not complete.
    begun: HashMap<Incarnation, Vec<Bytes>>,
}

/// Answer of one node, in parts.
pub(crate) struct Answer {
    pub(crate) node: NodeId,
    pub(crate) parts: Vec<Bytes>,
}

impl Questions {
    pub(crate) fn new() -> Self {
        let open = Open { by_id: HashMap::new(), gauge: gauge!(QUESTIONS) };
        Self { next: AtomicU64::new(0), open: Arc::new(Mutex::new(open)) }
    }

    /// Begins a question. Returns `None` if too many are open.
    pub(crate) fn ask(&self) -> Option<Asked> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answers) = mpsc::unbounded_channel();
        let mut open = lock(&self.open);
        if open.by_id.len() >= MAX_OPEN {
            return None;
        }
        open.by_id.insert(id, sender);
        open.gauge.set(open.by_id.len() as f64);
        drop(open);
        Some(Asked { id, open: Arc::clone(&self.open), answers, begun: HashMap::new() })
    }

    /// Passes a part of an answer to the caller that waits for it.
    pub(crate) fn answered(&self, id: u64, part: Part) {
        if let Some(asked) = lock(&self.open).by_id.get(&id) {
            // Fails if the caller waits no longer.
            asked.send(part).ok();
        }
    }
}

impl Asked {
    /// Waits for the next complete answer. Answers without all of their parts are left out.
    pub(crate) async fn next(&mut self) -> Answer {
        loop {
            let Some(part) = self.answers.recv().await else {
                // The sender is removed when this value is dropped.
                return std::future::pending().await;
            };
            let Part { from, number, is_last, body } = part;
            let parts = self.begun.entry(from.run).or_default();
            if parts.len() != number as usize {
                // A part was lost, so the answer never becomes complete.
                continue;
            }
            parts.push(body);
            if is_last && let Some(parts) = self.begun.remove(&from.run) {
                return Answer { node: from.node, parts };
            }
        }
    }
}

impl Answer {
    /// Parses the items of the answer. Returns `None` if they are not of this type.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<Vec<T>> {
        let read = self.parts.iter().map(|part| serde_json::from_slice::<Vec<T>>(part));
        match read.collect::<Result<Vec<_>, _>>() {
            Ok(parts) => Some(parts.into_iter().flatten().collect()),
            Err(error) => {
                tracing::debug!(node = %self.node, %error, "The answer of a node cannot be read.");
                None
            }
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.by_id.remove(&self.id);
        open.gauge.set(open.by_id.len() as f64);
    }
}

/// Maximum number of questions that are not answered yet.
const MAX_OPEN: usize = 10_000;

const QUESTIONS: &str = "doorward_bus_questions";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::system::OsEntropy;

    fn part(from: &NodeRun, number: u32, is_last: bool) -> Part {
        Part { from: from.clone(), number, is_last, body: Bytes::from(number.to_string()) }
    }

    #[tokio::test]
    async fn an_answer_is_complete_with_all_of_its_parts() {
        let sender = |name: &str| {
            let run = Incarnation::generate(&OsEntropy);
            NodeRun { node: NodeId::new(name), run }
        };
        let (whole, torn) = (sender("whole"), sender("torn"));
        let questions = Questions::new();
        let mut asked = questions.ask().unwrap();
        for part in [part(&whole, 0, false), part(&torn, 0, false), part(&torn, 2, true)] {
            questions.answered(asked.id, part);
        }
        questions.answered(asked.id + 1, part(&whole, 1, true));
        questions.answered(asked.id, part(&whole, 1, true));

        let answer = asked.next().await;

        assert_eq!((answer.node.as_str(), answer.parts.len()), ("whole", 2));
        let next = tokio::time::timeout(std::time::Duration::ZERO, asked.next());
        assert!(next.await.is_err(), "the other answer lacks a part");
    }

    #[test]
    fn there_is_a_limit_to_the_number_of_open_questions() {
        let questions = Questions::new();
        let mut open: Vec<_> = (0..MAX_OPEN).map(|_| questions.ask().unwrap()).collect();
        assert!(questions.ask().is_none());

        open.pop();

        assert!(questions.ask().is_some());
    }
}
