//! Finds the principal type of a gateway.
//!
//! The option names it; otherwise the signatures do, and they have to agree. A gateway without a
//! named principal accepts any principal. Start at [`find`].

use quote::ToTokens;
use syn::{Signature, Type};

use super::method::{inner_type, typed};

/// Principal type of a gateway.
pub(super) enum Principal {
    /// A type of the application.
    Known(Box<Type>),
    /// Any type: the gateway is generic.
    Any,
}

/// Types with the principal as their parameter.
const CARRIERS: [&str; 3] = ["Principal", "Socket", "Hub"];

/// Finds the principal in the signatures of our methods, unless it was given.
pub(super) fn find(given: Option<Type>, signatures: &[Signature]) -> syn::Result<Principal> {
    if let Some(given) = given {
        return Ok(Principal::Known(Box::new(given)));
    }
    let mut found = signatures.iter().flat_map(typed).filter_map(|argument| carried(&argument.ty));
    let Some(first) = found.next() else { return Ok(Principal::Any) };
    // Compares the text: a macro does not know what a type name means.
    match found.find(|other| text(other) != text(first)) {
        None => Ok(Principal::Known(Box::new(first.clone()))),
        Some(other) => {
            let message = format!(
                "this gateway acts for `{}` already, and a gateway has one principal; if both are the \
                 same type, write `#[gateway(principal = ..)]`",
                text(first)
            );
            Err(syn::Error::new_spanned(other, message))
        }
    }
}

fn carried(ty: &Type) -> Option<&Type> {
    CARRIERS.iter().find_map(|name| inner_type(ty, name))
}

fn text(ty: &Type) -> String {
    let spaced = ty.to_token_stream().to_string();
    [(" :: ", "::"), (" < ", "<"), (" >", ">"), (" ,", ",")]
        .iter()
        .fold(spaced, |text, (spaced, plain)| text.replace(spaced, plain))
}
