//! Implements `#[derive(ServerEvent)]`, which sets the event name of a struct.
//!
//! The event name is the struct's name in `snake_case`, or the text of `#[event("..")]`. Names that
//! are reserved for the framework or for client libraries are mistakes. Start reading at
//! [`expand`].

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Data, DeriveInput, LitStr, ext::IdentExt, parse_quote};

use crate::{mistakes::Mistakes, names};

/// Names of events that the framework sends to clients.
const FRAMEWORK: [&str; 2] = ["exception", "session_ended"];

/// Returns the implementation of `ServerEvent` for the struct, or compile errors.
pub(crate) fn expand(item: TokenStream) -> TokenStream {
    syn::parse2(item)
        .and_then(|input| implement(&input))
        .unwrap_or_else(syn::Error::into_compile_error)
}

fn implement(input: &DeriveInput) -> syn::Result<TokenStream> {
    let mut mistakes = Mistakes::default();
    let name = mistakes.keep(event_name(input)).unwrap_or_default();
    mistakes.keep(must_be_struct(input));
    mistakes.done()?;
    let ident = &input.ident;
    let mut generics = input.generics.clone();
    if generics.type_params().next().is_some() {
        // A generic struct may be serializable for some parameters only.
        generics.make_where_clause().predicates.push(parse_quote!(Self: ::serde::Serialize));
    }
    let (parameters, arguments, clause) = generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #parameters ::doorward::__private::ServerEvent for #ident #arguments #clause {
            const NAME: &'static str = #name;
        }
    })
}

fn must_be_struct(input: &DeriveInput) -> syn::Result<()> {
    match &input.data {
        Data::Struct(_) => Ok(()),
        Data::Enum(data) => Err(syn::Error::new_spanned(data.enum_token, ONE_STRUCT)),
        Data::Union(data) => Err(syn::Error::new_spanned(data.union_token, ONE_STRUCT)),
    }
}

const ONE_STRUCT: &str = "a server event is a struct; write one struct for each event";

fn event_name(input: &DeriveInput) -> syn::Result<String> {
    let mut given = input.attrs.iter().filter(|attribute| attribute.path().is_ident("event"));
    let Some(attribute) = given.next() else {
        return own_name(&input.ident);
    };
    if let Some(second) = given.next() {
        return Err(syn::Error::new_spanned(second, "an event has one name: remove this one"));
    }
    given_name(attribute)
}

fn own_name(ident: &Ident) -> syn::Result<String> {
    let name = snake_case(&ident.unraw().to_string());
    match refusal(&name) {
        Some(why) => {
            let message = format!("{why}: write `#[event(\"another name\")]` or rename the struct");
            Err(syn::Error::new_spanned(ident, message))
        }
        None => Ok(name),
    }
}

fn given_name(attribute: &Attribute) -> syn::Result<String> {
    let literal: LitStr = attribute.parse_args().map_err(|_not_text| {
        let message = "write the name of the event: `#[event(\"chat message\")]`";
        syn::Error::new_spanned(&attribute.meta, message)
    })?;
    match refusal(&literal.value()) {
        Some(why) => Err(syn::Error::new_spanned(literal, format!("{why}: choose another name"))),
        None => Ok(literal.value()),
    }
}

fn refusal(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("an event has a name".to_owned())
    } else if names::is_reserved(name) {
        Some(format!("`{name}` is an event of the clients' own library"))
    } else if FRAMEWORK.contains(&name) {
        Some(format!("`{name}` is an event that the framework itself sends"))
    } else {
        None
    }
}

/// Converts a name to `snake_case`. `ChatMessage` becomes `chat_message`, and `HTTPStatus` becomes
/// `http_status`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut previous = None;
    let mut chars = name.chars().peekable();
    while let Some(char) = chars.next() {
        // A word starts at an upper-case letter that follows a lower-case letter or a digit, and at
        // the last letter of a sequence of upper-case letters.
        let after_lower =
            previous.is_some_and(|char: char| char.is_lowercase() || char.is_numeric());
        let starts_word = previous.is_some_and(char::is_uppercase)
            && chars.peek().is_some_and(|next| next.is_lowercase());
        if char.is_uppercase() && (after_lower || starts_word) {
            snake.push('_');
        }
        snake.extend(char.to_lowercase());
        previous = Some(char);
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(item: TokenStream, why: &str) {
        let expanded = expand(item).to_string();
        assert!(expanded.contains("compile_error"), "{expanded}");
        assert!(expanded.contains(why), "{expanded}");
    }

    #[test]
    fn a_struct_is_sent_under_its_own_name() {
        let expanded = expand(quote!(
            struct ChatMessage {
                text: String,
            }
        ));

        let expected = quote! {
            #[automatically_derived]
            impl ::doorward::__private::ServerEvent for ChatMessage {
                const NAME: &'static str = "chat_message";
            }
        };
        assert_eq!(expanded.to_string(), expected.to_string());
    }

    #[test]
    fn the_name_can_be_given() {
        let expanded = expand(quote!(
            #[event("chat message")]
            struct ChatMessage(String);
        ));

        assert!(expanded.to_string().contains(r#"= "chat message""#), "{expanded}");
    }

    #[test]
    fn a_generic_struct_is_an_event_if_it_can_be_serialized() {
        let expanded = expand(quote!(
            struct Changed<'a, T: Clone, const N: usize>
            where
                T: 'a,
            {
                to: [&'a T; N],
            }
        ));

        let expected = quote! {
            #[automatically_derived]
            impl<'a, T: Clone, const N: usize> ::doorward::__private::ServerEvent for Changed<'a, T, N>
            where
                T: 'a,
                Self: ::serde::Serialize
            {
                const NAME: &'static str = "changed";
            }
        };
        assert_eq!(expanded.to_string(), expected.to_string());
    }

    #[test]
    fn names_become_snake_case() {
        let names = [
            ("Say", "say"),
            ("ChatMessage", "chat_message"),
            ("HTTPStatus", "http_status"),
            ("V2Ready", "v2_ready"),
            ("Already_snake", "already_snake"),
            ("ÄrgerImHaus", "ärger_im_haus"),
        ];
        for (name, snake) in names {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn only_a_struct_can_be_an_event() {
        refuses(
            quote!(
                enum Event {
                    Said,
                    Left,
                }
            ),
            "write one struct for each event",
        );
        refuses(quote!(union Event { a: u8 }), "write one struct for each event");
    }

    #[test]
    fn reserved_names_are_refused() {
        refuses(
            quote!(
                struct Disconnect;
            ),
            "`disconnect` is an event of the clients' own library",
        );
        refuses(
            quote!(
                struct SessionEnded;
            ),
            "the framework itself sends",
        );
        refuses(
            quote!(
                #[event("exception")]
                struct Failed;
            ),
            "the framework itself sends",
        );
        refuses(
            quote!(
                #[event("newListener")]
                struct Failed;
            ),
            "the clients' own library",
        );
        refuses(
            quote!(
                #[event("")]
                struct Failed;
            ),
            "an event has a name",
        );
    }

    #[test]
    fn a_name_is_given_once_and_as_text() {
        refuses(
            quote!(
                #[event]
                struct Said;
            ),
            "write the name of the event",
        );
        refuses(
            quote!(
                #[event = "said"]
                struct Said;
            ),
            "write the name of the event",
        );
        refuses(
            quote!(
                #[event(said)]
                struct Said;
            ),
            "write the name of the event",
        );
        refuses(
            quote!(
                #[event("a")]
                #[event("b")]
                struct Said;
            ),
            "an event has one name",
        );
    }
}
