//! Collects the mistakes of one item, so that the compiler shows all of them at once.
//!
//! After a mistake, the check continues with the parts that can be read. [`Mistakes::done`] fails
//! if there was a mistake. Start reading at [`Mistakes::keep`].

use std::fmt::Display;

use quote::ToTokens;

/// Mistakes found so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Adds a mistake at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Adds one or more mistakes.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Returns the value of `result`. If `result` is an error, adds the error and returns `None`.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Fails if there are mistakes. The error contains all of them, in the order in which they were
    /// found.
    pub(crate) fn done(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
