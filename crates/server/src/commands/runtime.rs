//! Runs futures of commands.

use crate::terminal::Failure;

/// Blocks on a future, with a new runtime on the current thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    Ok(runtime.block_on(future))
}
