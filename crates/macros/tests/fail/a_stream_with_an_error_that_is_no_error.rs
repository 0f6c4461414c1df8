//! A serializable error of a result that holds a stream: the client would read `internal`.

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
