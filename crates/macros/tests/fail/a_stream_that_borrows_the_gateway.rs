//! A stream continues after its handler has returned.

use doorward_macros::gateway;

use std::{marker::PhantomData, sync::Arc};

trait Stream {
    type Item;
}

struct Silence<T>(PhantomData<T>);

impl<T> Stream for Silence<T> {
    type Item = T;
}

struct Chat;

#[gateway]
impl Chat {
    #[subscribe("all")]
    async fn all(&self) -> impl Stream<Item = u8> {
        Silence(PhantomData)
    }

    #[subscribe("checked")]
    async fn checked(&self) -> Result<impl Stream<Item = u8>, ()> {
        Ok(Silence(PhantomData))
    }

    #[subscribe("shared")]
    async fn shared(self: Arc<Self>) -> impl Stream<Item = u8> {
        Silence(PhantomData)
    }
}

struct Store<T, const N: usize>([T; N]);

#[gateway("/store")]
impl<T: Send, const N: usize> Store<T, N> {
    #[subscribe("all")]
    async fn all(&self) -> impl Stream<Item = T> {
        Silence(PhantomData)
    }
}

fn main() {}
