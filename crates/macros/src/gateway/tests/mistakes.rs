//! Combinations of mistakes, and valid code that resembles a mistake.
//!
//! All other mistakes are in `tests/fail`, where the place of each error is checked as well.

use quote::quote;

use super::{super::expand, errors};

#[test]
fn all_mistakes_are_reported_at_once_and_the_block_stays() {
    let item = quote! {
        impl Chat {
            #[subscribe("connect")]
            fn say(&mut self, me: Principal<User>) {}
            #[on_connect]
            #[guard(A)]
            async fn hello(&self, other: Principal<Guest>) {}
            #[room("team:{id}")]
            async fn team(&self) -> bool { true }
            fn helper(&self) {}
        }
    };

    let expanded = expand(quote!(nsp = "/chat"), &item).to_string();
    let errors = errors(quote!(nsp = "/chat"), &item);

    assert!(expanded.starts_with("impl Chat {"), "{expanded}");
    for attribute in ["subscribe (", "on_connect]", "guard (", "room ("] {
        assert!(!expanded.contains(&format!("# [{attribute}")), "{expanded}");
    }
    assert_eq!(expanded.matches("impl Chat").count(), 1, "{expanded}");
    assert!(expanded.contains("IntoGateway < __Principal > for Chat"), "{expanded}");
    assert!(!expanded.contains("at ("), "{expanded}");
    assert_eq!(errors.len(), 7, "{errors:#?}");
}

#[test]
fn the_principal_is_spelled_in_one_way_or_given_as_an_option() {
    let item = quote! {
        impl Chat {
            #[subscribe("a")]
            async fn a(&self, me: Principal<crate::User<u8>>) {}
            #[on_connect]
            async fn b(&self, connection: doorward::Socket<User>) {}
        }
    };

    let found = errors(quote!(), &item);

    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("acts for `crate::User<u8>` already"), "{found:#?}");
    assert_eq!(errors(quote!(principal = User), &item), [""; 0]);
}

#[test]
fn a_stream_that_borrows_nothing_is_an_answer() {
    let answers = [
        quote!((&self) -> impl Stream<Item = u8> + use<>),
        quote!((self: Arc<Self>) -> impl Stream<Item = u8>),
        quote!((&self) -> Result<impl Stream<Item = u8> + use<>, StreamError>),
        quote!((&self) -> Result<(u8, &'static str), StreamError>),
    ];
    for answer in answers {
        let item = quote!(impl Chat { #[subscribe("a")] async fn a #answer { x } });

        assert_eq!(errors(quote!(), &item), [""; 0], "{answer}");
    }
}

#[test]
fn an_answer_that_borrows_is_a_mistake() {
    let answers = [
        quote!((&self) -> Result<impl Stream<Item = u8>, StreamError>),
        quote!((&self) -> Option<&str>),
        quote!((self: Arc<Self>) -> (u8, &'_ str)),
    ];
    for answer in answers {
        let item = quote!(impl Chat { #[subscribe("a")] async fn a #answer { x } });

        assert_eq!(errors(quote!(), &item).len(), 1, "{answer}");
    }
}

#[test]
fn a_method_that_only_c_could_call_is_a_mistake_in_every_part() {
    let item = quote! {
        impl Chat {
            #[subscribe("a")]
            unsafe extern "C" fn a(&self, rest: ...) {}
        }
    };

    let found = errors(quote!(), &item);

    for why in ["make it `async fn`", "remove `unsafe`", "remove `extern`", "remove `...`"] {
        assert!(found.iter().any(|error| error.contains(why)), "{why}: {found:#?}");
    }
}

#[test]
fn methods_with_conditions_may_share_an_event() {
    let item = quote! {
        impl Chat {
            #[cfg(unix)]
            #[subscribe("a")]
            async fn on_unix(&self) {}
            #[cfg(not(unix))]
            #[subscribe("a")]
            async fn elsewhere(&self) {}
        }
    };

    assert_eq!(errors(quote!(), &item), [""; 0]);
}
