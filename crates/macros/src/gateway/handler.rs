//! Reads handlers, which are methods that handle events.
//!
//! The arguments and the answer of a handler exist independently of the gateway, so they cannot
//! borrow from it. Start reading at [`Handler::read`].

use quote::ToTokens;
use syn::{
    Attribute, GenericArgument, Generics, LitStr, PathArguments, PathSegment, ReturnType, Type,
    TypeImplTrait, TypeParamBound,
};

use super::{
    attributes,
    layer::Layer,
    method::{self, Method, Receiver},
};
use crate::{mistakes::Mistakes, names};

/// Method that handles events.
pub(super) struct Handler {
    /// Names of the events that the method handles.
    pub(super) events: Vec<LitStr>,
    pub(super) layers: Vec<Layer>,
    pub(super) method: Method,
}

/// Maximum number of extractors that `doorward::event::Handler` is implemented for.
const MAX_ARGUMENTS: usize = 6;

impl Handler {
    /// Reads the event names, and checks the arguments and the return type. `generics` are the
    /// generics of the block.
    pub(super) fn read(
        attributes: &[Attribute],
        layers: Vec<Layer>,
        method: Method,
        generics: &Generics,
    ) -> syn::Result<Self> {
        let mut mistakes = Mistakes::default();
        let events = attributes
            .iter()
            .filter_map(|attribute| mistakes.keep(event(attribute, &method)))
            .collect();
        check_arguments(&method, &mut mistakes);
        mistakes.keep(check_output(&method, generics));
        mistakes.done()?;
        Ok(Self { events, layers, method })
    }
}

fn event(attribute: &Attribute, method: &Method) -> syn::Result<LitStr> {
    let help = format!("an event has a name: write `#[subscribe(\"{}\")]`", method.name);
    let literal = attributes::text(attribute, &help)?;
    match refusal(&literal.value(), &help) {
        Some(message) => Err(syn::Error::new_spanned(literal, message)),
        None => Ok(literal),
    }
}

fn refusal(event: &str, help: &str) -> Option<String> {
    match event {
        "" => Some(help.to_owned()),
        "connect" => Some("connections are seen by `#[on_connect]`".to_owned()),
        "disconnect" | "disconnecting" => {
            Some("the end of a connection is seen by `#[on_disconnect]`".to_owned())
        }
        _ if names::is_reserved(event) => Some(format!(
            "`{event}` is an event of the clients' own library, and no client may send it: choose \
             another name"
        )),
        _ => None,
    }
}

fn check_arguments(method: &Method, mistakes: &mut Mistakes) {
    if let Some(seventh) = method.arguments.get(MAX_ARGUMENTS) {
        let message = format!(
            "a handler takes {MAX_ARGUMENTS} arguments at most: take several values as one \
             `Payload<(A, B)>`, or a type of yours that implements `FromEvent`"
        );
        mistakes.at(&seventh.ty, message);
    }
    for argument in &method.arguments {
        if matches!(argument.ty, Type::Reference(_)) {
            let message = "a handler's arguments are made for it, and it owns them: take `Payload<String>`, \
                           `Principal<User>`, `Socket<User>` or a type that implements `FromEvent`";
            mistakes.at(&argument.ty, message);
        }
    }
}

fn check_output(method: &Method, generics: &Generics) -> syn::Result<()> {
    let ReturnType::Type(_, ty) = &method.output else { return Ok(()) };
    if method.receiver == Receiver::Reference
        && let Some(stream) = borrowing_stream(ty)
    {
        let message = format!(
            "the stream would borrow the gateway: write `impl Stream<Item = T> + use<{}>` or take \
             `self: Arc<Self>`",
            parameters(generics)
        );
        return Err(syn::Error::new_spanned(stream, message));
    }
    if let Some(text) = text_as_error(ty) {
        let message = "a text cannot be told from an answer: return an `Exception`, or an error type of \
                       yours, which a `#[filter(..)]` translates";
        return Err(syn::Error::new_spanned(text, message));
    }
    if let Some(borrow) = borrow(ty) {
        let message = "the answer would borrow from the gateway, and leaves after it was let go: \
                       return a value of its own, such as `String`";
        return Err(syn::Error::new_spanned(borrow, message));
    }
    Ok(())
}

/// Returns the parameters that `use<..>` must list. These are all types and constants, but no
/// lifetimes.
fn parameters(generics: &Generics) -> String {
    let types = generics.type_params().map(|parameter| parameter.ident.to_string());
    let constants = generics.const_params().map(|parameter| parameter.ident.to_string());
    types.chain(constants).collect::<Vec<_>>().join(", ")
}

/// Returns the first `impl Stream` in `ty` without `use<..>`. By default, an `impl Trait` captures
/// every lifetime in scope. Returns `None` if there is no such stream.
fn borrowing_stream(ty: &Type) -> Option<&TypeImplTrait> {
    find(ty, &|ty| match ty {
        Type::ImplTrait(found) if is_stream(found) && !is_precise(found) => Some(found),
        _ => None,
    })
}

fn is_stream(ty: &TypeImplTrait) -> bool {
    // Names such as `TryStream` match as well, because a macro cannot resolve traits.
    ty.bounds.to_token_stream().to_string().contains("Stream")
}

fn is_precise(ty: &TypeImplTrait) -> bool {
    ty.bounds.iter().any(|bound| matches!(bound, TypeParamBound::PreciseCapture(_)))
}

/// Returns the error type of a `Result` if it is a `String` or a `&str`, and `None` otherwise. A
/// text can be an answer or an error, so it would be ambiguous.
fn text_as_error(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let error = type_arguments(last).into_iter().nth(1)?;
    let is_text = match error {
        Type::Reference(reference) => method::is_called(&reference.elem, "str"),
        owned => method::is_called(owned, "String"),
    };
    is_text.then_some(error)
}

/// Returns the first reference in `ty` that has no explicit lifetime, and therefore the lifetime of
/// the receiver. Returns `None` if there is no such reference.
fn borrow(ty: &Type) -> Option<&Type> {
    find(ty, &|ty| match ty {
        Type::Reference(reference) => {
            let elided = reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident == "_");
            elided.then_some(ty)
        }
        _ => None,
    })
}

/// Calls `hit` for a type and for the types that it contains, and returns the first result that is
/// not `None`.
fn find<'a, T>(ty: &'a Type, hit: &impl Fn(&'a Type) -> Option<T>) -> Option<T> {
    hit(ty).or_else(|| match ty {
        Type::Path(path) => {
            path.path.segments.iter().flat_map(type_arguments).find_map(|inner| find(inner, hit))
        }
        Type::Tuple(tuple) => tuple.elems.iter().find_map(|inner| find(inner, hit)),
        Type::Paren(paren) => find(&paren.elem, hit),
        Type::Group(group) => find(&group.elem, hit),
        _ => None,
    })
}

fn type_arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return Vec::new() };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}
