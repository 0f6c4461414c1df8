//! Finds the principal type of a gateway.
//!
//! The option `principal` names the type. Without the option, the arguments of the methods name it,
//! as in `Socket<User>`, and they must agree. If neither names a type, the gateway accepts any
//! principal. Start reading at [`find`].

use quote::ToTokens;
use syn::{Signature, Type};

use super::method::{inner_type, typed};

/// Principal type of a gateway.
pub(super) enum Principal {
    /// A type of the application.
    Known(Box<Type>),
    /// Any type. The implementation is generic over the principal.
    Any,
}

/// Names of the generic types whose parameter is the principal, as in `Socket<User>`.
const CARRIERS: [&str; 3] = ["Principal", "Socket", "Hub"];

/// Returns the principal that was given as an option. Otherwise finds it in the signatures of
/// methods with a role, and fails if they name different types.
pub(super) fn find(given: Option<Type>, signatures: &[Signature]) -> syn::Result<Principal> {
    if let Some(given) = given {
        return Ok(Principal::Known(Box::new(given)));
    }
    let mut found = signatures.iter().flat_map(typed).filter_map(|argument| carried(&argument.ty));
    let Some(first) = found.next() else { return Ok(Principal::Any) };
    // The types are compared as text, because a macro cannot resolve type names.
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
