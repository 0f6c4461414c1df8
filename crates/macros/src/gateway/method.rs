//! Reads the signature of a method with a role, which is a handler, a hook or a room policy. The
//! method must be async, with a shared receiver and known types.
//!
//! The framework calls these methods concurrently. So a signature cannot contain anything that a
//! caller would have to choose, such as generic parameters, or to guarantee, such as `unsafe`.
//! Start reading at [`Method::read`].

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, FnArg, GenericArgument, ImplItemFn, Pat, PatType, PathArguments, ReceiverKind,
    ReturnType, Safety, Signature, Type,
};

use super::attributes;
use crate::mistakes::Mistakes;

/// Method that the framework can call.
pub(super) struct Method {
    pub(super) name: Ident,
    pub(super) receiver: Receiver,
    /// Arguments without the receiver.
    pub(super) arguments: Vec<Argument>,
    pub(super) output: ReturnType,
    /// Conditions of the method (`#[cfg]`).
    pub(super) conditions: Vec<Attribute>,
}

/// Receiver of a method.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Receiver {
    /// `&self`
    #[default]
    Reference,
    /// `self: Arc<Self>`
    Arc,
}

/// Parameter of a method.
pub(super) struct Argument {
    /// Name of the parameter. `None` if it is a pattern.
    pub(super) name: Option<Ident>,
    pub(super) ty: Type,
}

impl Method {
    /// Reads the signature, and reports all of its mistakes.
    pub(super) fn read(method: &ImplItemFn) -> syn::Result<Self> {
        let signature = &method.sig;
        let mut mistakes = Mistakes::default();
        check_qualifiers(signature, &mut mistakes);
        check_generics(signature, &mut mistakes);
        let receiver = mistakes.keep(receiver(signature)).unwrap_or_default();
        let typed = typed(signature);
        let arguments: Vec<_> =
            typed.filter_map(|argument| mistakes.keep(Argument::read(argument))).collect();
        mistakes.done()?;
        Ok(Self {
            name: signature.ident.clone(),
            receiver,
            arguments,
            output: signature.output.clone(),
            conditions: attributes::conditions(&method.attrs),
        })
    }

    /// Returns `true` if the method returns nothing or `()`.
    pub(super) fn returns_nothing(&self) -> bool {
        match &self.output {
            ReturnType::Default => true,
            ReturnType::Type(_, ty) => {
                matches!(&**ty, Type::Tuple(tuple) if tuple.elems.is_empty())
            }
        }
    }

    /// Returns the written return type of the method. Returns `None` if there is none, or if it
    /// contains an `impl Trait`, which cannot be repeated elsewhere.
    pub(super) fn answer(&self) -> Option<&Type> {
        match &self.output {
            ReturnType::Type(_, ty) if !has_word(ty.to_token_stream(), "impl") => Some(ty),
            _ => None,
        }
    }
}

impl Argument {
    fn read(argument: &PatType) -> syn::Result<Self> {
        if let Some(condition) = attributes::conditions(&argument.attrs).first() {
            let message = "a parameter cannot come and go: put the `#[cfg]` on the whole method";
            return Err(syn::Error::new_spanned(condition, message));
        }
        if has_word(argument.ty.to_token_stream(), "impl") {
            let message =
                "the framework calls this method, so the type must be known: write it out";
            return Err(syn::Error::new_spanned(&argument.ty, message));
        }
        let name = match &*argument.pat {
            Pat::Ident(pattern) => Some(pattern.ident.clone()),
            _ => None,
        };
        Ok(Self { name, ty: (*argument.ty).clone() })
    }
}

/// Returns the parameters after the receiver.
pub(super) fn typed(signature: &Signature) -> impl Iterator<Item = &PatType> {
    signature.inputs.iter().filter_map(|argument| match argument {
        FnArg::Typed(argument) => Some(argument),
        FnArg::Receiver(_) => None,
    })
}

/// Returns `T` if `ty` is a `Name<T>` with any module path, where `Name` is `name`. Returns `None`
/// otherwise.
pub(super) fn inner_type<'a>(ty: &'a Type, name: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

/// Returns `true` if the last segment of the type's path is `name`, with or without parameters.
pub(super) fn is_called(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// Returns `true` if `tokens` contain the identifier or keyword `word`.
pub(super) fn has_word(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|tree| match tree {
        TokenTree::Group(group) => has_word(group.stream(), word),
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn check_qualifiers(signature: &Signature, mistakes: &mut Mistakes) {
    if signature.asyncness.is_none() {
        let message =
            format!("`{}` is called from async code: make it `async fn`", signature.ident);
        mistakes.at(signature.fn_token, message);
    }
    if let Safety::Unsafe(token) = &signature.safety {
        mistakes.at(token, "the framework calls this method and promises nothing: remove `unsafe`");
    }
    if let Some(abi) = &signature.abi {
        mistakes.at(abi, "only Rust calls this method: remove `extern`");
    }
    if let Some(variadic) = &signature.variadic {
        mistakes.at(
            variadic,
            "the framework calls this method, so its arguments are known: remove `...`",
        );
    }
}

fn check_generics(signature: &Signature, mistakes: &mut Mistakes) {
    if !signature.generics.params.is_empty() {
        let message = "the framework calls this method and cannot choose its generic parameters: write \
                       the types out, or put the parameters on the `impl` block";
        mistakes.at(&signature.generics, message);
    }
}

fn receiver(signature: &Signature) -> syn::Result<Receiver> {
    let Some(receiver) = signature.receiver() else {
        let message = "this method is called on the gateway: write `&self` or `self: Arc<Self>`";
        return Err(syn::Error::new_spanned(&signature.ident, message));
    };
    let message = match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => return Ok(Receiver::Reference),
        ReceiverKind::Typed(_, ty) if is_shared(ty) => return Ok(Receiver::Arc),
        ReceiverKind::Reference(_, _, Some(_)) => {
            "the gateway is shared by all connections: write `&self`, and put what changes behind a lock"
        }
        _ => "the gateway is shared by all connections: write `&self` or `self: Arc<Self>`",
    };
    Err(syn::Error::new_spanned(receiver, message))
}

fn is_shared(ty: &Type) -> bool {
    inner_type(ty, "Arc")
        .is_some_and(|inner| matches!(inner, Type::Path(path) if path.path.is_ident("Self")))
}
