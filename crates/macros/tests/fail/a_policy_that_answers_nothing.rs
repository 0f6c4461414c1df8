//! A policy returns a decision.

use doorward_macros::gateway;

struct Claims;

struct Teams;

#[gateway("/teams", principal = Claims)]
impl Teams {
    #[room("team:{id}")]
    async fn may_join(&self, id: u8) {
        drop(id);
    }
}

fn main() {}
