//! Runs the conformance tests of stores on the memory store.

use std::{future::ready, sync::Arc};

use doorward_auth::MemoryStore;
use doorward_core::BoxFuture;
use doorward_testkit::{conformance, conformance::Subject};

struct InMemory(Arc<MemoryStore>);

impl Subject for InMemory {
    type Store = MemoryStore;

    fn store(&self) -> Arc<MemoryStore> {
        self.0.clone()
    }

    fn dump(&self) -> BoxFuture<'_, String> {
        Box::pin(ready(String::new()))
    }
}

async fn in_memory() -> InMemory {
    InMemory(Arc::default())
}

conformance!(in_memory);
