//! One gateway serves all sockets, on all threads.

use std::{cell::RefCell, rc::Rc};

use doorward::prelude::*;

struct Chat {
    last: RefCell<String>,
}

#[gateway("/chat", principal = Claims)]
impl Chat {
    #[subscribe("say")]
    async fn say(&self, Payload(text): Payload<String>) {
        self.last.replace(text);
    }
}

struct Lobby;

#[gateway("/lobby", principal = Claims)]
impl Lobby {
    #[subscribe("wait")]
    async fn wait(&self) {
        let local = Rc::new(1);
        std::future::ready(()).await;
        drop(local);
    }
}

fn main() {}
