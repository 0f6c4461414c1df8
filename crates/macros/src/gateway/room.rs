//! Reads room policies, which are methods that decide which clients may enter a room.
//!
//! A parameter that has the name of a placeholder is read from the room's name. All other
//! parameters describe the client. Start reading at [`Room::read`].

use proc_macro2::Ident;
use syn::{Attribute, LitStr, Type, TypeReference, ext::IdentExt};

use super::{
    attributes,
    method::{self, Argument, Method},
};
use crate::{mistakes::Mistakes, pattern};

/// Method that decides which clients may enter the rooms whose names match a pattern.
pub(super) struct Room {
    pub(super) literal: LitStr,
    /// Source of each argument of the method.
    pub(super) sources: Vec<Source>,
    pub(super) method: Method,
}

/// Source of an argument.
pub(super) enum Source {
    Principal,
    Socket,
    /// Text of a placeholder.
    Text(String),
    /// Text of a placeholder, parsed into this type.
    Parsed(String, Box<Type>),
}

impl Room {
    /// Reads the pattern and finds the source of every argument.
    pub(super) fn read(attribute: &Attribute, method: Method) -> syn::Result<Self> {
        let help = "say which rooms: `#[room(\"team:{id}\")]`";
        let literal = attributes::text(attribute, help)?;
        let names = pattern::names(&literal)?;
        let mut mistakes = Mistakes::default();
        for name in names.iter().filter(|name| !has_parameter(&method, name)) {
            mistakes.at(&literal, format!("`{{{name}}}` is not read: add a parameter `{name}`"));
        }
        let sources = method
            .arguments
            .iter()
            .filter_map(|argument| mistakes.keep(source(argument, &names)))
            .collect();
        if method.returns_nothing() {
            let message = "a policy answers: return `bool`, or a `Verdict` that says why not";
            mistakes.at(&method.name, message);
        }
        mistakes.done()?;
        Ok(Self { literal, sources, method })
    }
}

fn has_parameter(method: &Method, name: &str) -> bool {
    method.arguments.iter().filter_map(|argument| argument.name.as_ref()).any(|own| is(own, name))
}

fn is(own: &Ident, name: &str) -> bool {
    // A keyword is written `r#type` as a parameter and `{type}` in the pattern.
    own.unraw() == name
}

fn source(argument: &Argument, names: &[String]) -> syn::Result<Source> {
    let own = argument.name.as_ref();
    match names.iter().find(|name| own.is_some_and(|own| is(own, name))) {
        Some(name) => from_name(name, &argument.ty),
        None => from_request(argument, names),
    }
}

fn from_name(name: &str, ty: &Type) -> syn::Result<Source> {
    match ty {
        Type::Reference(reference) if is_text(reference) => Ok(Source::Text(name.to_owned())),
        Type::Reference(_) => {
            let message = format!(
                "`{{{name}}}` is made for this call: write `&str`, or a type that implements `FromStr` \
                 and `Display`"
            );
            Err(syn::Error::new_spanned(ty, message))
        }
        _ => Ok(Source::Parsed(name.to_owned(), Box::new(ty.clone()))),
    }
}

fn is_text(reference: &TypeReference) -> bool {
    reference.lifetime.is_none()
        && reference.mutability.is_none()
        && matches!(&*reference.elem, Type::Path(path) if path.path.is_ident("str"))
}

fn from_request(argument: &Argument, names: &[String]) -> syn::Result<Source> {
    if method::is_called(&argument.ty, "Principal") {
        return Ok(Source::Principal);
    }
    if method::is_called(&argument.ty, "Socket") {
        return Ok(Source::Socket);
    }
    let placeholders = match names {
        [] => "add `{..}` with the parameter's name to the pattern".to_owned(),
        names => format!("call it like a placeholder of the pattern, {}", list(names)),
    };
    let message = format!(
        "a room's policy takes `Principal<User>`, `Socket<User>` and the parts of the room's \
         name: {placeholders}"
    );
    Err(syn::Error::new_spanned(&argument.ty, message))
}

fn list(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}
