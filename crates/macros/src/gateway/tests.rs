//! Expands impl blocks and compares the result token by token.

mod mistakes;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{File, Item, ItemImpl};

use super::*;

/// Returns the remaining block and the generated implementation.
#[track_caller]
fn expanded(options: TokenStream, item: &TokenStream) -> (ItemImpl, ItemImpl) {
    let tokens = expand(options, item);
    let text = tokens.to_string();
    let file: File = syn::parse2(tokens).unwrap();
    let Ok([Item::Impl(block), Item::Impl(implementation)]) = <[Item; 2]>::try_from(file.items)
    else {
        panic!("{text}");
    };
    (block, implementation)
}

#[track_caller]
fn body(options: TokenStream, item: &TokenStream) -> String {
    let (_, implementation) = expanded(options, item);
    let Some(ImplItem::Fn(method)) = implementation.items.into_iter().next() else { panic!() };
    method.block.to_token_stream().to_string()
}

/// Returns the text of every error.
fn errors(options: TokenStream, item: &TokenStream) -> Vec<String> {
    let file: File = syn::parse2(expand(options, item)).unwrap();
    let errors = file.items.iter().filter_map(|item| match item {
        Item::Macro(item) => Some(item.mac.tokens.to_string()),
        _ => None,
    });
    errors.collect()
}

#[track_caller]
fn assert_body(options: TokenStream, item: &TokenStream, expected: &TokenStream) {
    let expected = quote!({
        let this = ::std::sync::Arc::new(self);
        #expected
        ::std::mem::drop(this);
        gateway
    });
    assert_eq!(body(options, item), expected.to_string());
}

/// Returns the closure that is generated for a method.
fn closure(parameters: &TokenStream, body: &TokenStream) -> TokenStream {
    quote!({
        let this = ::std::sync::Arc::clone(&this);
        move |#parameters| {
            let this = ::std::sync::Arc::clone(&this);
            async move { #body }
        }
    })
}

#[test]
fn a_block_without_methods_is_a_gateway_without_events() {
    let (block, implementation) =
        expanded(quote!("/chat", principal = User), &quote!(impl Chat {}));

    let expected = quote! {
        #[automatically_derived]
        impl ::doorward::__private::IntoGateway<User> for Chat
        where
            Self: ::std::marker::Send + ::std::marker::Sync + 'static
        {
            fn into_gateway(self) -> ::doorward::__private::Gateway<User> {
                let this = ::std::sync::Arc::new(self);
                let gateway = ::doorward::__private::Gateway::<User>::at("/chat");
                ::std::mem::drop(this);
                gateway
            }
        }
    };
    assert_eq!(implementation.to_token_stream().to_string(), expected.to_string());
    assert_eq!(block.to_token_stream().to_string(), "impl Chat { }");
}

#[test]
fn layers_of_the_gateway_keep_their_order() {
    let item = quote! {
        #[guard(Role::new("member"))]
        #[filter(store_errors)]
        #[intercept(Timing)]
        #[guard(Scope::new("chat"))]
        impl Chat {}
    };

    assert_body(
        quote!(namespace = "/chat", principal = User, concurrency = LANES, connections = ONE),
        &item,
        &quote! {
            let gateway = ::doorward::__private::Gateway::<User>::at("/chat");
            let gateway = gateway.concurrency(LANES);
            let gateway = gateway.connections(ONE);
            let gateway = gateway.guard(Role::new("member"));
            let gateway = gateway.filter(store_errors);
            let gateway = gateway.intercept(Timing);
            let gateway = gateway.guard(Scope::new("chat"));
        },
    );
}

#[test]
fn a_handler_passes_its_arguments_on() {
    let item = quote! {
        impl Chat {
            #[subscribe("say")]
            async fn say(&self, me: Principal<User>, Payload(text): Payload<String>) -> usize { 1 }
        }
    };
    let say = closure(
        &quote!(a0: Principal<User>, a1: Payload<String>),
        &quote!(Self::say(&this, a0, a1).await),
    );

    assert_body(
        quote!(),
        &item,
        &quote! {
            let gateway = ::doorward::__private::Gateway::<User>::at("/");
            let _ = |answer: usize| <_ as ::doorward::__private::IntoReply<_> >::into_reply(answer);
            let gateway = gateway.on("say", #say);
        },
    );
}

#[test]
fn a_handler_with_layers_is_wrapped_and_one_for_two_events_is_registered_twice() {
    let item = quote! {
        impl Chat {
            #[subscribe("a")]
            #[guard(A)]
            #[doorward::subscribe("b")]
            #[intercept(B)]
            async fn both(self: std::sync::Arc<Self>) {}
        }
    };
    let both = closure(&quote!(), &quote!(Self::both(this).await));

    assert_body(
        quote!(principal = User),
        &item,
        &quote! {
            let gateway = ::doorward::__private::Gateway::<User>::at("/");
            let gateway = gateway.on("a", ::doorward::__private::handle::<User, _>(#both).guard(A).intercept(B));
            let gateway = gateway.on("b", ::doorward::__private::handle::<User, _>(#both).guard(A).intercept(B));
        },
    );
}

#[test]
fn hooks_may_leave_out_arguments() {
    let item = quote! {
        impl Chat {
            #[on_init]
            async fn init(&self, hub: Hub<User>) -> Result<(), BoxError> { Ok(()) }
            #[on_connect]
            async fn hello(&self) {}
            #[on_disconnect]
            async fn bye(&self, connection: Socket<User>) {}
            #[on_presence]
            async fn presence(&self, hub: Hub<User>) {}
        }
    };
    let init = closure(&quote!(a0: Hub<User>,), &quote!(Self::init(&this, a0).await));
    let hello = closure(
        &quote!(_: ::doorward::__private::Socket<User>,),
        &quote!(Self::hello(&this).await),
    );
    let bye = closure(
        &quote!(a0: Socket<User>, _: ::doorward::__private::DisconnectReason,),
        &quote!(Self::bye(&this, a0).await),
    );
    let presence = closure(
        &quote!(a0: Hub<User>, _: ::doorward::__private::PresenceChange,),
        &quote!(Self::presence(&this, a0).await),
    );

    assert_body(
        quote!(),
        &item,
        &quote! {
            let gateway = ::doorward::__private::Gateway::<User>::at("/");
            let gateway = gateway.on_init(#init);
            let gateway = gateway.on_connect(#hello);
            let gateway = gateway.on_disconnect(#bye);
            let gateway = gateway.on_presence(#presence);
        },
    );
}

#[test]
fn a_room_parses_arguments_that_are_not_text() {
    let item = quote! {
        impl Chat {
            #[room("team:{id}/{name}")]
            async fn may_join(&self, name: &str, me: Principal<User>, id: u64) -> bool { true }
            #[room("lobby")]
            async fn lobby(&self) -> bool { true }
        }
    };
    let team = closure(
        &quote!(request: ::doorward::__private::RoomRequest<User>),
        &quote! {
            let a0 = request.param("name");
            let a1 = request.principal();
            let ::std::option::Option::Some(a2) = request.parse::<u64>("id") else {
                return ::doorward::__private::Verdict::from(false);
            };
            ::doorward::__private::Verdict::from(Self::may_join(&this, a0, a1, a2).await)
        },
    );
    let lobby = closure(
        &quote!(_: ::doorward::__private::RoomRequest<User>),
        &quote!(::doorward::__private::Verdict::from(Self::lobby(&this).await)),
    );

    assert_body(
        quote!(),
        &item,
        &quote! {
            let gateway = ::doorward::__private::Gateway::<User>::at("/");
            let gateway = gateway.room("team:{id}/{name}", #team);
            let gateway = gateway.room("lobby", #lobby);
        },
    );
}

#[test]
fn a_gateway_without_a_principal_is_generic() {
    let item = quote! {
        impl<S: Store> Chat<S>
        where
            S: Clone,
        {
            #[subscribe("a")]
            async fn a(&self, Payload(text): Payload<String>, name: EventName) {}
            #[subscribe("b")]
            async fn b(&self, Payload(text): Payload<String>) {}
        }
    };

    let (_, mut implementation) = expanded(quote!(), &item);

    implementation.items.clear();
    let expected = quote! {
        #[automatically_derived]
        impl<S: Store, __Principal: ::std::marker::Send + ::std::marker::Sync + 'static>
            ::doorward::__private::IntoGateway<__Principal> for Chat<S>
        where
            S: Clone,
            Self: ::std::marker::Send + ::std::marker::Sync + 'static,
            Payload<String>: ::doorward::__private::FromEvent<__Principal>,
            EventName: ::doorward::__private::FromEvent<__Principal>
        {}
    };
    assert_eq!(implementation.to_token_stream().to_string(), expected.to_string());
}

#[test]
fn conditions_of_methods_apply_to_their_calls() {
    let item = quote! {
        #[cfg(unix)]
        impl Chat {
            #[cfg(feature = "debug")]
            #[subscribe("dump")]
            async fn dump(&self, Payload(what): Payload<Dump>) {}
            #[cfg(feature = "first")]
            #[on_connect]
            async fn first(&self) {}
            #[cfg(not(feature = "first"))]
            #[on_connect]
            async fn other(&self) {}
        }
    };

    let (_, implementation) = expanded(quote!(principal = User), &item);

    let text = implementation.to_token_stream().to_string();
    assert!(text.starts_with("# [automatically_derived] # [cfg (unix)] impl"), "{text}");
    assert!(text.contains(r#"# [cfg (feature = "debug")] let gateway = gateway . on ("dump""#));
    assert!(
        text.contains(r#"# [cfg (not (feature = "first"))] let gateway = gateway . on_connect"#)
    );
    assert!(!text.contains("FromEvent"), "{text}");
}

#[test]
fn other_attributes_and_items_stay() {
    let item = quote! {
        /// Chats.
        #[guard(A)]
        #[other::guard(B)]
        impl Chat {
            const SIZE: usize = 1;
            /// Says.
            #[subscribe("say")]
            #[tracing::instrument]
            async fn say(&self) {}
            #[must_use]
            pub fn helper(&self) -> u8 { 1 }
        }
    };

    let (block, _) = expanded(quote!(principal = User), &item);

    let expected = quote! {
        /// Chats.
        #[other::guard(B)]
        impl Chat {
            const SIZE: usize = 1;
            #[allow(clippy::unused_async)]
            /// Says.
            #[tracing::instrument]
            async fn say(&self) {}
            #[must_use]
            pub fn helper(&self) -> u8 { 1 }
        }
    };
    assert_eq!(block.to_token_stream().to_string(), expected.to_string());
}
