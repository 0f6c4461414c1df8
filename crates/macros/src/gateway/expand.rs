//! Writes the implementation of `IntoGateway`, which calls the builder of a gateway.
//!
//! Each call of the builder is a separate statement, so that it can have a `#[cfg]`. The
//! identifiers of the macro are hygienic, so code of the application cannot refer to them. Start
//! reading at [`implementation`].

use std::collections::HashSet;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Generics, ItemImpl, Type, WherePredicate, parse_quote, parse_quote_spanned, spanned::Spanned,
};

use super::{
    attributes,
    handler::Handler,
    hook::Hook,
    layer::Layer,
    method::{Method, Receiver},
    model::Gateway,
    principal::Principal,
    role::Moment,
    room::{Room, Source},
};

/// Writes the `impl IntoGateway` for the type of the block.
pub(super) fn implementation(gateway: &Gateway, block: &ItemImpl) -> TokenStream {
    let writer = Writer::new(gateway);
    let Writer { principal, .. } = &writer;
    let conditions = attributes::conditions(&block.attrs);
    let generics = writer.generics(block);
    let (parameters, _, clause) = generics.split_for_impl();
    let name = &block.self_ty;
    let body = writer.body();
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #(#conditions)*
        impl #parameters ::doorward::__private::IntoGateway<#principal> for #name #clause {
            fn into_gateway(self) -> ::doorward::__private::Gateway<#principal> {
                #body
            }
        }
    }
}

/// Writes a stand-in implementation for a block with mistakes, so that uses of the gateway cause no
/// further errors.
pub(super) fn stand_in(block: &ItemImpl) -> TokenStream {
    let conditions = attributes::conditions(&block.attrs);
    let mut generics = block.generics.clone();
    generics.params.push(parse_quote!(__Principal));
    let (parameters, _, clause) = generics.split_for_impl();
    let name = &block.self_ty;
    quote_spanned! {Span::mixed_site()=>
        #[automatically_derived]
        #(#conditions)*
        impl #parameters ::doorward::__private::IntoGateway<__Principal> for #name #clause {
            fn into_gateway(self) -> ::doorward::__private::Gateway<__Principal> {
                ::std::unreachable!("the gateway has mistakes, so it does not compile")
            }
        }
    }
}

/// A gateway and the tokens of its principal type.
struct Writer<'a> {
    gateway: &'a Gateway,
    principal: TokenStream,
}

impl<'a> Writer<'a> {
    fn new(gateway: &'a Gateway) -> Self {
        let principal = match &gateway.principal {
            Principal::Known(ty) => ty.to_token_stream(),
            Principal::Any => quote!(__Principal),
        };
        Self { gateway, principal }
    }

    /// Returns the generics of the `impl` block, with added bounds on the principal, on `Self` and on
    /// the argument types of the handlers. The generated calls to `Gateway` need them.
    fn generics(&self, block: &ItemImpl) -> Generics {
        let Self { principal, gateway } = self;
        let mut generics = block.generics.clone();
        if matches!(gateway.principal, Principal::Any) {
            let bounds = quote!(::std::marker::Send + ::std::marker::Sync + 'static);
            generics.params.push(parse_quote!(#principal: #bounds));
        }
        let predicates = &mut generics.make_where_clause().predicates;
        // The bound has the span of the type, so that the error for a gateway that is not `Send`
        // points to the type.
        predicates.push(parse_quote_spanned! {block.self_ty.span()=>
            Self: ::std::marker::Send + ::std::marker::Sync + 'static
        });
        predicates.extend(self.arguments().into_iter().map(|ty| -> WherePredicate {
            parse_quote_spanned!(ty.span()=> #ty: ::doorward::__private::FromEvent<#principal>)
        }));
        generics
    }

    /// Returns the argument types of handlers, without duplicates. They become bounds, so that an
    /// error points to the wrong type. A bound cannot have a condition, so methods with conditions
    /// are omitted.
    fn arguments(&self) -> Vec<&Type> {
        let methods = self.gateway.handlers.iter().map(|handler| &handler.method);
        let methods = methods.filter(|method| method.conditions.is_empty());
        let mut seen = HashSet::new();
        let types = methods.flat_map(|method| &method.arguments).map(|argument| &argument.ty);
        types.filter(|ty| seen.insert(ty.to_token_stream().to_string())).collect()
    }

    fn body(&self) -> TokenStream {
        let Self { principal, gateway } = self;
        let namespace = &gateway.namespace;
        let (concurrency, connections) = (gateway.concurrency.iter(), gateway.connections.iter());
        let layers = gateway.layers.iter().map(layer_call);
        let hooks = gateway.hooks.iter().map(|hook| self.hook(hook));
        let handlers = gateway.handlers.iter().map(|handler| self.handler(handler));
        let rooms = gateway.rooms.iter().map(|room| self.room(room));
        quote_spanned! {Span::mixed_site()=>
            // The gateway is allocated once, and every closure has a reference to it.
            let this = ::std::sync::Arc::new(self);
            let gateway = ::doorward::__private::Gateway::<#principal>::at(#namespace);
            #(let gateway = gateway.concurrency(#concurrency);)*
            #(let gateway = gateway.connections(#connections);)*
            #(let gateway = gateway #layers;)*
            #(#hooks)*
            #(#handlers)*
            #(#rooms)*
            // Without methods, the compiler would report `this` as unused.
            ::std::mem::drop(this);
            gateway
        }
    }

    fn hook(&self, Hook { moment, method }: &Hook) -> TokenStream {
        let here = here(method);
        let arguments = names(method);
        let told = moment.told(&self.principal).into_iter().skip(arguments.len());
        let given = parameters(method);
        let call = call(method, &arguments);
        // Only `on_init` requires a `Result`. `on_connect` accepts `()` as well.
        let body = if *moment == Moment::Init && method.returns_nothing() {
            quote_spanned! {here=> #call; ::std::result::Result::Ok(()) }
        } else {
            call
        };
        let closure = closure(method, &quote!(#(#given,)* #(_: #told,)*), &body);
        let name = Ident::new(moment.name(), here);
        statement(method, &quote_spanned! {here=> .#name(#closure) })
    }

    fn handler(&self, Handler { events, layers, method }: &Handler) -> TokenStream {
        let Self { principal, .. } = self;
        let here = here(method);
        let parameters = parameters(method);
        let closure = closure(method, &quote!(#(#parameters),*), &call(method, &names(method)));
        let handler = if layers.is_empty() {
            closure
        } else {
            // Names the principal explicitly, so that the error for a wrong guard contains its
            // type.
            let layers = layers.iter().map(layer_call);
            quote_spanned! {here=> ::doorward::__private::handle::<#principal, _>(#closure) #(#layers)* }
        };
        let check = method.answer().map(|answer| answer_check(method, answer));
        let calls = events
            .iter()
            .map(|event| statement(method, &quote_spanned! {here=> .on(#event, #handler) }));
        quote!(#check #(#calls)*)
    }

    fn room(&self, room: &Room) -> TokenStream {
        let Self { principal, .. } = self;
        let Room { literal, sources, method, .. } = room;
        let here = here(method);
        let arguments = names(method);
        let sources = arguments.iter().zip(sources).map(|(name, source)| bind(here, name, source));
        let call = call(method, &arguments);
        let body = quote_spanned! {here=>
            #(#sources)*
            ::doorward::__private::Verdict::from(#call)
        };
        let request = if arguments.is_empty() {
            quote_spanned! {here=> _ }
        } else {
            quote_spanned! {here=> request }
        };
        let request = quote!(#request: ::doorward::__private::RoomRequest<#principal>);
        let closure = closure(method, &request, &body);
        statement(method, &quote_spanned! {here=> .room(#literal, #closure) })
    }
}

/// Writes a check of the answer type, so that an error names this type. Without the check, the
/// error would name only the generated closure.
fn answer_check(method: &Method, answer: &Type) -> TokenStream {
    let conditions = &method.conditions;
    quote_spanned! {answer.span().resolved_at(Span::mixed_site())=>
        #(#conditions)*
        let _ = |answer: #answer| <_ as ::doorward::__private::IntoReply<_>>::into_reply(answer);
    }
}

/// Writes one call of the builder for a method, with the `#[cfg]` conditions of the method.
fn statement(method: &Method, call: &TokenStream) -> TokenStream {
    let conditions = &method.conditions;
    quote_spanned! {here(method)=>
        #(#conditions)*
        let gateway = gateway #call;
    }
}

fn layer_call(layer: &Layer) -> TokenStream {
    let Layer { kind, value, .. } = layer;
    let name = Ident::new(kind.name(), Span::mixed_site());
    let (value, is_of_gateway) = of_gateway(value.to_token_stream());
    if is_of_gateway {
        // Each layer gets a clone of the gateway, so that a closure may move it.
        let clone = quote_spanned! {Span::mixed_site()=>
            let this = ::std::sync::Arc::clone(&this);
        };
        quote!(.#name({ #clone #value }))
    } else {
        quote!(.#name(#value))
    }
}

/// Replaces `self` by the variable `this`, which holds the gateway, in the expression of an
/// attribute. Also returns `true` if `self` occurs in the expression.
fn of_gateway(tokens: TokenStream) -> (TokenStream, bool) {
    let mut found = false;
    let tokens = tokens.into_iter().map(|token| match token {
        // The new token keeps the position of `self` for errors, but not its hygiene.
        TokenTree::Ident(ident) if ident == "self" => {
            found = true;
            TokenTree::Ident(Ident::new("this", ident.span().resolved_at(Span::mixed_site())))
        }
        TokenTree::Group(group) => {
            let (inner, has_found) = of_gateway(group.stream());
            found |= has_found;
            let mut again = Group::new(group.delimiter(), inner);
            again.set_span(group.span());
            TokenTree::Group(again)
        }
        other => other,
    });
    let tokens = tokens.collect();
    (tokens, found)
}

/// Writes a closure that owns a reference to the gateway and calls one of its methods.
fn closure(method: &Method, parameters: &TokenStream, body: &TokenStream) -> TokenStream {
    quote_spanned! {here(method)=>
        {
            let this = ::std::sync::Arc::clone(&this);
            move |#parameters| {
                let this = ::std::sync::Arc::clone(&this);
                async move { #body }
            }
        }
    }
}

/// Writes the call of a method by its path, because a trait in scope may define a method of the
/// same name for `Arc`.
fn call(method: &Method, arguments: &[Ident]) -> TokenStream {
    let name = &method.name;
    let here = here(method);
    let receiver = match method.receiver {
        Receiver::Reference => quote_spanned! {here=> &this },
        Receiver::Arc => quote_spanned! {here=> this },
    };
    quote_spanned! {here=> Self::#name(#receiver #(, #arguments)*).await }
}

fn bind(here: Span, name: &Ident, source: &Source) -> TokenStream {
    match source {
        Source::Principal => quote_spanned! {here=> let #name = request.principal(); },
        Source::Socket => quote_spanned! {here=>
            let #name = ::std::clone::Clone::clone(request.socket());
        },
        Source::Text(part) => quote_spanned! {here=> let #name = request.param(#part); },
        Source::Parsed(part, ty) => quote_spanned! {here=>
            let ::std::option::Option::Some(#name) = request.parse::<#ty>(#part) else {
                return ::doorward::__private::Verdict::from(false);
            };
        },
    }
}

fn parameters(method: &Method) -> Vec<TokenStream> {
    let types = method.arguments.iter().map(|argument| &argument.ty);
    names(method).iter().zip(types).map(|(name, ty)| quote!(#name: #ty)).collect()
}

fn names(method: &Method) -> Vec<Ident> {
    let here = here(method);
    (0..method.arguments.len()).map(|index| format_ident!("a{index}", span = here)).collect()
}

/// Returns the span of the method's name, so that errors point to the method. Identifiers with this
/// span are hygienic.
fn here(method: &Method) -> Span {
    method.name.span().resolved_at(Span::mixed_site())
}
