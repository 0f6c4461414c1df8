//! Connects this node to the others: publishes and receives messages, and calls the presence hooks.
//!
//! One task keeps the connection. If it does not hear its own beat, it opens another one. `handling`
//! does what messages ask. `bridging` does the same with servers that are no nodes. Start reading at
//! [`start`].

mod bridging;
mod handling;
mod telling;

use std::{
    future::pending,
    sync::{Arc, Weak},
    time::Duration,
};

use doorward_core::{StoreError, bus::Channel};
use tokio::task::JoinSet;

use self::handling::Handling;
pub(crate) use self::handling::LocalNamespaces;
use crate::{
    bus::{
        channels::{of_all, of_node},
        dropped::Dropped,
        message::Content,
        peers::BEAT,
        relay::Relay,
    },
    cluster::pause::pause,
    presence::{roster::COLLECTED_FOR, services::Services},
};

/// Tries to connect to the other nodes, and returns the tasks that stay connected and tell the
/// application about presence. The tasks end when the result is dropped.
///
/// If the bus does not answer, the task tries again.
pub(crate) async fn start<H: LocalNamespaces>(
    services: &Arc<Services>,
    namespaces: &Arc<H>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let namespaces: Weak<dyn LocalNamespaces> = Arc::downgrade(namespaces) as _;
    telling::start(&mut tasks, services, &namespaces);
    if let Some(relay) = &services.relay {
        let connected = connect(services, relay).await;
        let handling = Handling::new(services, relay, namespaces.clone());
        tasks.spawn(run(handling, connected));
    }
    if let Some(bridged) = &services.bridged {
        bridging::start(&mut tasks, services, bridged, namespaces).await;
    }
    tasks
}

/// Reason why the connection is replaced.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("this node did not receive its own beat")]
    NoBeat,
    #[error(transparent)]
    Failed(#[from] StoreError),
    #[error("the server was dropped or has stopped")]
    Server,
}

async fn run(handling: Handling, mut is_connected: bool) {
    let relay = Arc::clone(&handling.relay);
    loop {
        if is_connected {
            let lost = tokio::select! {
                lost = receive(&handling) => lost,
                lost = publish(&relay) => lost,
                lost = subscribe(&handling) => lost,
                lost = beat(&handling) => lost,
                lost = send_presence(&handling) => lost,
            };
            relay.channels.lose();
            relay.queue.lose();
            let Some(services) = handling.services.upgrade() else { return };
            match lost {
                Lost::Server => return relay.bus.close(),
                lost => services.bus_outage.failed(services.clock.now(), &lost),
            }
        }
        let Some(services) = handling.services.upgrade() else { return };
        // What cannot be sent now must not pile up.
        drop((relay.channels.take_idle(), relay.channels.take_added()));
        services.roster.drop_changes();
        pause(services, RETRY).await;
        let Some(services) = handling.services.upgrade() else { return };
        is_connected = connect(&services, &relay).await;
    }
}

/// Opens a connection and subscribes to all channels. Returns `true` on success.
async fn connect(services: &Services, relay: &Relay) -> bool {
    let connected = async {
        relay.bus.open().await?;
        let own = [of_all(), of_node(&relay.own)];
        relay.bus.subscribe(&own).await?;
        let channels = relay.channels.reconnect();
        for channels in channels.chunks(AT_ONCE) {
            relay.bus.subscribe(channels).await?;
            relay.channels.subscribed(channels);
        }
        Ok::<_, StoreError>(())
    };
    match connected.await {
        Ok(()) => {
            services.bus_outage.answered(services.clock.now());
            relay.peers.reconnect();
            relay.channels.set_up();
            relay.queue.set_up();
            services.watches.tell_missed();
            true
        }
        Err(error) => {
            services.bus_outage.failed(services.clock.now(), &error);
            false
        }
    }
}

/// Handles messages as they come.
async fn receive(handling: &Handling) -> Lost {
    loop {
        let received = match handling.relay.bus.receive().await {
            Ok(received) => received,
            Err(error) => return error.into(),
        };
        if received.dropped > 0 {
            Dropped::Slow.count(received.dropped);
            if let Some(services) = handling.services.upgrade() {
                services.watches.tell_missed();
            }
        }
        for (number, bytes) in received.messages.into_iter().enumerate() {
            if !handling.handle(bytes) {
                return Lost::Server;
            }
            if number % BEFORE_YIELD == BEFORE_YIELD - 1 {
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Publishes messages as they come.
async fn publish(relay: &Relay) -> Lost {
    loop {
        let messages = relay.queue.next().await;
        if let Err(error) = relay.bus.publish(&messages).await {
            return error.into();
        }
        relay.queue.published();
    }
}

/// Subscribes to added channels, and ends subscriptions that are not needed. One after the other, so
/// that a channel that is taken again is not lost.
async fn subscribe(handling: &Handling) -> Lost {
    let Handling { relay, .. } = handling;
    loop {
        let Some(pause) = handling.sleep(BEAT) else { return Lost::Server };
        tokio::select! {
            () = relay.channels.added() => {}
            () = pause => {}
        }
        let done = async {
            for channels in relay.channels.take_added().chunks(AT_ONCE) {
                relay.bus.subscribe(channels).await?;
                relay.channels.subscribed(channels);
            }
            let idle: Vec<Channel> = relay.channels.take_idle();
            for channels in idle.chunks(AT_ONCE) {
                relay.bus.unsubscribe(channels).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = done.await {
            return error.into();
        }
    }
}

/// Sends beats. Returns if the last one was not heard.
async fn beat(handling: &Handling) -> Lost {
    let Handling { relay, .. } = handling;
    loop {
        let Some(services) = handling.services.upgrade() else { return Lost::Server };
        if services.is_draining() && services.registry.links() == 0 {
            // Other nodes remove this node 8 to 10 s after its last message. By then its users have
            // reconnected elsewhere. Hooks may still emit.
            return pending().await;
        }
        let Some(number) = relay.peers.beat() else { return Lost::NoBeat };
        let presence = services.roster.number();
        let content = Content::Beat { number, presence };
        relay.queue.push_first(relay.message(of_all(), &content, &[]));
        pause(services, BEAT).await;
        let Some(services) = handling.services.upgrade() else { return Lost::Server };
        for run in relay.peers.take_silent() {
            services.roster.forget(run);
            services.watches.tell_missed();
        }
    }
}

/// Sends changes of the presence, until the server shuts down. The clients of a server that shuts down
/// reconnect to other nodes, so their users are not reported as gone.
async fn send_presence(handling: &Handling) -> Lost {
    let Some(roster) = handling.services.upgrade().map(|services| Arc::clone(&services.roster))
    else {
        return Lost::Server;
    };
    loop {
        let Some(services) = handling.services.upgrade() else { return Lost::Server };
        pause(services, COLLECTED_FOR).await;
        let Some(services) = handling.services.upgrade() else { return Lost::Server };
        if services.is_draining() {
            return pending().await;
        }
        drop(services);
        roster.send_changes();
        roster.unsent().await;
    }
}

/// Time from the end of one connection to the next attempt.
const RETRY: Duration = Duration::from_millis(500);

/// Maximum number of channels in one command.
const AT_ONCE: usize = 500;

/// Number of messages after which other tasks have a turn.
const BEFORE_YIELD: usize = 32;
