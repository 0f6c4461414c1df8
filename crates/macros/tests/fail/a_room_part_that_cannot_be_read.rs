//! A part of a room's name is text, or is parsed from text.

use doorward::prelude::*;

struct Team;

struct Teams;

#[gateway("/teams", principal = Claims)]
impl Teams {
    #[room("team:{id}")]
    async fn may_join(&self, id: Team) -> bool {
        drop(id);
        true
    }
}

fn main() {}
