//! A serializable error could be an answer too, so the handler must decide.

use doorward::prelude::*;

#[derive(Debug, serde::Serialize)]
struct OutOfStock;

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("out of stock")
    }
}

impl std::error::Error for OutOfStock {}

struct Shop;

#[gateway("/shop", principal = Claims)]
impl Shop {
    #[subscribe("order")]
    async fn order(&self) -> Result<u8, OutOfStock> {
        Err(OutOfStock)
    }
}

fn main() {}
