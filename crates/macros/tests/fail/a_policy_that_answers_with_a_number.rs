//! A policy returns `bool` or a `Verdict`.

use doorward::prelude::*;

struct Teams;

#[gateway("/teams", principal = Claims)]
impl Teams {
    #[room("team:{id}")]
    async fn may_join(&self, id: u8) -> u8 {
        id
    }
}

fn main() {}
