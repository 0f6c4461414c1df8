//! Return types of connect hooks.

use doorward_core::Refusal;

use crate::event::sealed::Sealed;

/// Return type of a connect hook.
///
/// # Examples
/// ```
/// use doorward::{Refusal, event::IntoConnectResult};
///
/// assert!(().into_result().is_ok());
/// assert!(Err::<(), _>(Refusal::forbidden()).into_result().is_err());
/// ```
#[diagnostic::on_unimplemented(
    message = "a connect hook cannot return `{Self}`",
    note = "return nothing, or `Result<(), Refusal>`"
)]
pub trait IntoConnectResult {
    /// Prevents other crates from implementing the trait, so that items can be added to it.
    #[doc(hidden)]
    const SEALED: Sealed;

    /// Converts the result of the hook.
    ///
    /// # Errors
    /// Returns the refusal if the client must not be admitted.
    fn into_result(self) -> Result<(), Refusal>;
}

impl IntoConnectResult for () {
    const SEALED: Sealed = Sealed;

    fn into_result(self) -> Result<(), Refusal> {
        Ok(())
    }
}

impl IntoConnectResult for Result<(), Refusal> {
    const SEALED: Sealed = Sealed;

    fn into_result(self) -> Self {
        self
    }
}
