//! Calls the presence hooks of the application.

use std::sync::{Arc, Weak};

use tokio::task::JoinSet;

use super::LocalNamespaces;
use crate::presence::{roster::Roster, services::Services};

/// Starts the tasks that call the hooks.
pub(super) fn start(
    tasks: &mut JoinSet<()>,
    services: &Arc<Services>,
    namespaces: &Weak<dyn LocalNamespaces>,
) {
    for _ in 0..AT_ONCE {
        let roster = Arc::clone(&services.roster);
        tasks.spawn(tell(roster, Arc::downgrade(services), namespaces.clone()));
    }
}

async fn tell(
    roster: Arc<Roster>,
    services: Weak<Services>,
    namespaces: Weak<dyn LocalNamespaces>,
) {
    loop {
        let change = roster.next_change().await;
        let Some(namespaces) = namespaces.upgrade() else { return };
        // A namespace that a pattern opens may be closed by now. It has no client to be told.
        let told = namespaces.existing(&change.place.namespace).map(|hub| hub.tell(&change));
        drop(namespaces);
        let Some(services) = services.upgrade() else { return };
        // The users of a node that shuts down reconnect to others, which tell their clients.
        let is_moving = services.is_draining() && services.relay.is_some();
        drop(services);
        let told = told.filter(|_| !is_moving);
        if let Some(told) = told {
            told.await;
        }
        roster.told(&change);
    }
}

/// Number of changes that the application is told at once.
const AT_ONCE: usize = 8;
