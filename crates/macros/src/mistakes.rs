//! Gathers the mistakes of one item, so that all of them are shown at once.
//!
//! Whoever finds one adds it and goes on with what is still readable; `done` says whether there was
//! any. Start at [`Mistakes::keep`].

use std::fmt::Display;

use quote::ToTokens;

/// What was found wrong so far.
#[derive(Default)]
pub(crate) struct Mistakes(Option<syn::Error>);

impl Mistakes {
    /// Notes a mistake that stands at `tokens`.
    pub(crate) fn at(&mut self, tokens: impl ToTokens, message: impl Display) {
        self.add(syn::Error::new_spanned(tokens, message));
    }

    /// Notes one or more mistakes.
    pub(crate) fn add(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Notes what went wrong, or hands on what went well.
    pub(crate) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Fails with all mistakes, in the order in which they were found.
    pub(crate) fn done(self) -> syn::Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
