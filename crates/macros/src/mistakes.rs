//! Collects the mistakes of one item, so that all are shown at once.
//!
//! A check adds its mistake and continues with the parts that can be read. `done` fails if there
//! was a mistake. Start at [`Mistakes::keep`].

use std::fmt::Display;

use quote::ToTokens;

/// Mistakes that were found so far.
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

    /// Adds the error, or returns the value.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Fails with all mistakes, in the order in which they were found.
    pub(crate) fn done(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
