//! Connects this node to servers that are no nodes.
//!
//! One task keeps the connection, publishes, and handles what arrives. Start reading at [`start`].

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use doorward_core::{
    StoreError,
    bridge::{Bounds, Heard, Received},
};
use metrics::counter;
use tokio::task::JoinSet;

use super::handling::LocalNamespaces;
use crate::{
    bus::bridged::{Bridged, Unbridged},
    cluster::pause::pause,
    presence::services::Services,
    runtime::catch::catch,
};

/// Tries to connect, and starts the task that stays connected.
pub(super) async fn start(
    tasks: &mut JoinSet<()>,
    services: &Arc<Services>,
    bridged: &Arc<Bridged>,
    namespaces: Weak<dyn LocalNamespaces>,
) {
    let bridging =
        Bridging { services: Arc::downgrade(services), bridged: Arc::clone(bridged), namespaces };
    let is_connected = bridging.connect(services).await;
    tasks.spawn(bridging.run(is_connected));
}

struct Bridging {
    services: Weak<Services>,
    bridged: Arc<Bridged>,
    namespaces: Weak<dyn LocalNamespaces>,
}

/// Reason why the connection is replaced.
enum Lost {
    Failed(StoreError),
    /// The server was dropped.
    Server,
}

impl Bridging {
    async fn run(self, mut is_connected: bool) {
        loop {
            if is_connected {
                let lost = tokio::select! {
                    lost = self.receive() => lost,
                    error = self.publish() => Lost::Failed(error),
                };
                self.bridged.queue.lose();
                let Some(services) = self.services.upgrade() else { return };
                match lost {
                    Lost::Failed(error) => {
                        services.bridge_outage.failed(services.clock.now(), &error);
                    }
                    Lost::Server => return,
                }
            }
            let Some(services) = self.services.upgrade() else { return };
            pause(services, RETRY).await;
            let Some(services) = self.services.upgrade() else { return };
            is_connected = self.connect(&services).await;
        }
    }

    /// Opens a connection. Returns `true` on success.
    async fn connect(&self, services: &Services) -> bool {
        let names =
            self.namespaces.upgrade().map(|namespaces| namespaces.named()).unwrap_or_default();
        // An event may be as large as one of this server.
        let attachments = services.link_config.max_attachments;
        let bounds = Bounds { bytes: services.limits.outbox / 2, attachments };
        match self.bridged.bridge.open(&names, bounds).await {
            Ok(()) => {
                services.bridge_outage.answered(services.clock.now());
                self.bridged.queue.set_up();
                true
            }
            Err(error) => {
                services.bridge_outage.failed(services.clock.now(), &error);
                false
            }
        }
    }

    /// Publishes messages as they come.
    async fn publish(&self) -> StoreError {
        loop {
            let messages = self.bridged.queue.next().await;
            if let Err(error) = self.bridged.bridge.publish(&messages).await {
                return error;
            }
            self.bridged.queue.published();
        }
    }

    /// Handles messages as they come.
    async fn receive(&self) -> Lost {
        loop {
            let Received { messages, dropped } = match self.bridged.bridge.receive().await {
                Ok(received) => received,
                Err(error) => return Lost::Failed(error),
            };
            if dropped > 0 {
                Unbridged::Slow.count(dropped);
            }
            for message in messages {
                let Some(namespaces) = self.namespaces.upgrade() else { return Lost::Server };
                // A panic must not leave this node deaf.
                if catch(|| self.handle(&*namespaces, message)).is_err() {
                    tracing::error!("A message of the bridge caused a panic.");
                }
                drop(namespaces);
                // The list of all sockets may be long.
                tokio::task::yield_now().await;
            }
        }
    }

    fn handle(&self, namespaces: &dyn LocalNamespaces, message: Heard) {
        let done = match message {
            Heard::Broadcast(event) => {
                counter!(RECEIVED, "kind" => "event").increment(1);
                match namespaces.existing(&event.namespace) {
                    Some(hub) => hub.take_bridged(&event),
                    None => Err(Unbridged::Namespace),
                }
            }
            Heard::Request(request) => {
                counter!(RECEIVED, "kind" => "request").increment(1);
                match namespaces.existing(&request.namespace) {
                    Some(hub) => {
                        self.bridged.answer(&request, &hub.answer_bridged(&request.question));
                        Ok(())
                    }
                    None => Err(Unbridged::Namespace),
                }
            }
            Heard::Unread(reason) => Err(reason.into()),
        };
        if let Err(reason) = done {
            reason.count(1);
        }
    }
}

/// Time from the end of one connection to the next attempt.
const RETRY: Duration = Duration::from_millis(500);

const RECEIVED: &str = "doorward_bridge_received_total";
