//! Runs the commands that talk to a server or a database.

use crate::terminal::Failure;

/// Runs a command that waits for others.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::because("cannot start", &error))?;
    Ok(runtime.block_on(future))
}
