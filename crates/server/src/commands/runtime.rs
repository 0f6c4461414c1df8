//! Runs futures of commands.

use crate::terminal::{Failure, OrFail as _};

/// Runs a future to completion, with a new runtime on the current thread. Fails if the runtime
/// cannot be started.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.or_fail("cannot start")?.block_on(future))
}
