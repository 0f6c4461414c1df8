//! Tells the application who has come and gone.

use std::sync::{Arc, Weak};

use tokio::task::JoinSet;

use super::Here;
use crate::presence::{roster::Roster, services::Services};

/// Starts the tasks that call the hooks.
pub(super) fn start(tasks: &mut JoinSet<()>, services: &Services, here: &Weak<dyn Here>) {
    for _ in 0..AT_ONCE {
        tasks.spawn(tell(Arc::clone(&services.roster), here.clone()));
    }
}

async fn tell(roster: Arc<Roster>, here: Weak<dyn Here>) {
    loop {
        let change = roster.next_change().await;
        let Some(here) = here.upgrade() else { return };
        // A namespace that a pattern opens may be closed by now. It has no client to be told.
        let told = here.live(&change.place.namespace).map(|hub| hub.tell(&change));
        drop(here);
        if let Some(told) = told {
            told.await;
        }
        roster.told(&change);
    }
}

/// Number of changes that the application is told at once.
const AT_ONCE: usize = 8;
