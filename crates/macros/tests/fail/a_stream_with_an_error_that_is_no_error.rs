//! The client would read `internal` if a `Result` of a stream had an error that is only
//! serializable.

use std::pin::Pin;

use doorward::prelude::*;

#[derive(serde::Serialize)]
struct OutOfStock;

struct Shop;

#[gateway("/shop", principal = Claims)]
impl Shop {
    #[subscribe("watch")]
    async fn watch(&self) -> Result<Pin<Box<dyn Stream<Item = u8> + Send>>, OutOfStock> {
        Err(OutOfStock)
    }

    #[subscribe("order")]
    async fn order(&self) -> Result<Emit<u8>, OutOfStock> {
        Err(OutOfStock)
    }
}

fn main() {}
