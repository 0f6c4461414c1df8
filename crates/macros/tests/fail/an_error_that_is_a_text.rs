//! An error for a client has a code, so a text is not enough.

use doorward_macros::gateway;

struct Claims;

struct Shop;

#[gateway("/shop", principal = Claims)]
impl Shop {
    #[subscribe("order")]
    async fn order(&self) -> Result<u8, String> {
        Err("out of stock".to_owned())
    }

    #[subscribe("pay")]
    async fn pay(&self) -> Result<u8, &'static str> {
        Err("no money")
    }
}

fn main() {}
