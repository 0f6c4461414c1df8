//! Runs the conformance tests of stores.

use std::{fmt::Write as _, fs, future::ready, sync::Arc};

use doorward_core::BoxFuture;
use doorward_sql::SqlStore;
use doorward_testkit::{conformance, conformance::Subject};

use crate::fixture::Folder;

struct InAFile {
    store: Arc<SqlStore>,
    folder: Folder,
}

impl Subject for InAFile {
    type Store = SqlStore;

    fn store(&self) -> Arc<SqlStore> {
        self.store.clone()
    }

    /// Returns the contents of all files in the folder, as text and in hex.
    fn dump(&self) -> BoxFuture<'_, String> {
        let mut dump = String::new();
        for file in fs::read_dir(self.folder.0.path()).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            dump.push_str(&String::from_utf8_lossy(&bytes));
            bytes.iter().for_each(|byte| write!(dump, "{byte:02x}").unwrap());
        }
        Box::pin(ready(dump))
    }
}

async fn in_a_file() -> InAFile {
    let folder = Folder::new();
    InAFile { store: Arc::new(folder.open().await), folder }
}

conformance!(in_a_file);
conformance!(accounts: in_a_file);
