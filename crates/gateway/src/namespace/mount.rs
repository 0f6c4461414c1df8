//! Combines the gateways of each namespace, and rejects gateways that contradict each other.

use std::{collections::HashMap, sync::Arc};

use doorward_core::PerUser;
use doorward_protocol::{Trust, packet};

use crate::{
    admission::{
        door::{Door, Rules},
        vetting::Policy,
    },
    cluster::ownership::Ownerships,
    error::BuildError,
    event::{
        pipeline::{Routes, unknown},
        subscription::{Layers, Subscription},
    },
    guard::authorise::Guards,
    limits::Limits,
    link::seam::{Family, Namespace},
    namespace::{family::OpenedNamespaces, gateway::Gateway, policy_table::NamespacePolicy},
    presence::{principals::Principals, services::Services},
    room::{
        error::check_event as check_emitted,
        hub::{Hub, Shared, opened::OpenedHubs},
        pattern::{Pattern, RoomPolicy},
    },
};

/// A namespace, or the namespaces of a pattern, with the entry in the policy table.
pub(crate) struct Mount {
    pub(crate) mounted: Mounted,
    pub(crate) policy: NamespacePolicy,
}

/// Namespaces that are mounted.
pub(crate) enum Mounted {
    Named(Arc<dyn Namespace>),
    Family(Box<dyn Family>),
}

/// Mounted namespaces by name.
pub(crate) type Mounts = HashMap<Arc<str>, Mount>;

/// Hubs that the builder has returned before the server is built.
pub(crate) struct Hubs<P> {
    taken: Vec<Hub<P>>,
    principals: Principals,
}

impl<P> Hubs<P> {
    pub(crate) fn new(principals: Principals) -> Self {
        Self { taken: Vec::new(), principals }
    }

    /// Returns the hub of a namespace, and remembers that it was returned.
    pub(crate) fn take(&mut self, namespace: &Arc<str>) -> Hub<P> {
        let hub = self.get(namespace);
        if !self.taken.iter().any(|taken| *taken.namespace() == **namespace) {
            self.taken.push(hub.clone());
        }
        hub
    }

    fn get(&self, namespace: &Arc<str>) -> Hub<P> {
        let taken = self.taken.iter().find(|taken| *taken.namespace() == **namespace);
        let new = || Hub::new(Arc::clone(namespace), self.principals.clone());
        taken.cloned().unwrap_or_else(new)
    }

    /// Returns a namespace whose hub was taken although no gateway is mounted there. Returns `None`
    /// if there is no such namespace.
    fn unmounted(&self) -> Option<Arc<str>> {
        let unmounted = self.taken.iter().find(|hub| !hub.is_mounted());
        unmounted.map(|hub| hub.namespace().into())
    }
}

/// Creates the namespaces of all gateways whose principal is `P`, and returns them by name.
///
/// `outer` are the guards, interceptors and filters of the server. `policy` creates the admission
/// policy of a namespace from its limit on the sockets of each user.
///
/// # Errors
/// Fails if a gateway is invalid, if two gateways of one namespace contradict each other, or if a
/// hub was taken of a namespace without a gateway.
pub(crate) fn mount<P: Send + Sync + 'static>(
    gateways: Vec<Gateway<P>>,
    outer: &Layers<P>,
    trust: Trust,
    policy: impl Fn(PerUser) -> Policy<P>,
    hubs: &Hubs<P>,
    services: &Arc<Services>,
) -> Result<Mounts, BuildError> {
    // The gateways are grouped by namespace, because all gateways of a namespace share one hub, one
    // set of rooms and one admission.
    let mut shared: HashMap<Arc<str>, Vec<Gateway<P>>> = HashMap::new();
    for gateway in gateways {
        check_namespace(&gateway.namespace)?;
        shared.entry(Arc::clone(&gateway.namespace)).or_default().push(gateway);
    }
    let mounted = shared.into_iter().map(|(name, gateways)| {
        let (rules, shared) = join(&name, gateways, outer, trust, &policy, services)?;
        let policy = NamespacePolicy::of(&name, &rules, &shared);
        let mounted = if name.contains(['{', '}']) {
            let opened = OpenedHubs::new(hubs.principals.clone());
            Mounted::Family(Box::new(OpenedNamespaces::new(&name, rules, shared, opened)?))
        } else {
            let hub = hubs.get(&name);
            hub.mount(shared);
            Mounted::Named(Arc::new(Door { hub, rules: Arc::new(rules) }))
        };
        Ok((name, Mount { mounted, policy }))
    });
    let mounted = mounted.collect::<Result<_, BuildError>>()?;
    match hubs.unmounted() {
        Some(namespace) => Err(BuildError::Hub { namespace }),
        None => Ok(mounted),
    }
}

/// Combines all gateways of one namespace.
fn join<P: Send + Sync + 'static>(
    name: &Arc<str>,
    gateways: Vec<Gateway<P>>,
    outer: &Layers<P>,
    trust: Trust,
    policy: impl Fn(PerUser) -> Policy<P>,
    services: &Arc<Services>,
) -> Result<(Rules<P>, Arc<Shared<P>>), BuildError> {
    let concurrency = agreed(name, &gateways, "concurrency", |gateway| gateway.concurrency)?;
    if concurrency == Some(0) {
        return Err(BuildError::Concurrency { namespace: Arc::clone(name) });
    }
    let connections = agreed(name, &gateways, "connections", |gateway| gateway.connections)?;
    let connections = connections.unwrap_or_default();
    if trust == Trust::Anonymous && connections != PerUser::Unlimited {
        return Err(BuildError::PublicConnections { namespace: Arc::clone(name) });
    }
    let mut table: HashMap<Arc<str>, Arc<Subscription<P>>> = HashMap::new();
    let (mut hooks, mut policies) = (Vec::new(), Vec::new());
    let (mut listeners, mut outgoing) = (Vec::new(), Vec::new());
    let (mut server_events, mut presence) = (Vec::new(), Vec::new());
    // Connections, rooms and unknown events belong to all gateways of the namespace, so the guards
    // of every gateway must allow them. A known event is checked only by the guards of its own
    // gateway.
    let mut everywhere = outer.around(&Layers::default());
    for gateway in gateways {
        let around = outer.around(&gateway.layers);
        everywhere = everywhere.around(&gateway.layers);
        for (event, Subscription { handler, layers }) in gateway.subscriptions {
            check_event(name, &event, &services.limits)?;
            let route = Subscription { handler, layers: around.around(&layers) };
            if table.insert(Arc::clone(&event), Arc::new(route)).is_some() {
                return Err(BuildError::DuplicateEvent { namespace: Arc::clone(name), event });
            }
        }
        for (pattern, may_join) in gateway.rooms {
            let pattern = check_room(name, &pattern, &policies)?;
            policies.push(RoomPolicy { pattern, may_join });
        }
        hooks.push(gateway.hooks);
        listeners.extend(gateway.listeners);
        outgoing.extend(gateway.outgoing);
        server_events.extend(gateway.server_events);
        presence.extend(gateway.presence);
    }
    let guards: Guards<P> = everywhere.guards.clone().into();
    let services = Arc::clone(services);
    let ownerships = Ownerships::new();
    let shared =
        Shared { services, guards, policies, outgoing, server_events, presence, ownerships };
    // Interceptors run around handlers, and an unknown event has no handler.
    let layers = Layers { interceptors: Vec::new(), ..everywhere };
    let routes = Routes { table, unknown: Arc::new(unknown(layers)), listeners: listeners.into() };
    let concurrency = concurrency.unwrap_or(1);
    let policy = policy(connections);
    Ok((Rules { routes, hooks, policy, trust, concurrency }, Arc::new(shared)))
}

/// Returns the value to which the gateways of a namespace set an option, or `None` if no gateway
/// sets it.
///
/// # Errors
/// [`BuildError::Conflict`] if two gateways set different values.
fn agreed<P, T: PartialEq>(
    namespace: &Arc<str>,
    gateways: &[Gateway<P>],
    option: &'static str,
    said: impl Fn(&Gateway<P>) -> Option<T>,
) -> Result<Option<T>, BuildError> {
    let mut said = gateways.iter().filter_map(said);
    let first = said.next();
    if said.any(|other| Some(other) != first) {
        return Err(BuildError::Conflict { namespace: Arc::clone(namespace), option });
    }
    Ok(first)
}

fn check_namespace(namespace: &Arc<str>) -> Result<(), BuildError> {
    // A comma ends the name in a packet, and clients treat the text after `?` as a query.
    let good = namespace.starts_with('/')
        && namespace.len() <= 255
        && !namespace.contains(|char: char| matches!(char, ',' | '?') || char.is_control());
    if good { Ok(()) } else { Err(BuildError::Namespace { namespace: Arc::clone(namespace) }) }
}

fn check_event(namespace: &Arc<str>, event: &Arc<str>, limits: &Limits) -> Result<(), BuildError> {
    let (namespace, event) = (Arc::clone(namespace), Arc::clone(event));
    if event.is_empty() || event.len() > limits.max_event_name {
        Err(BuildError::EventName { namespace, event })
    // These names are reserved by the protocol, or belong to events that only the server emits.
    } else if packet::is_reserved(&event) || check_emitted(&event).is_err() {
        Err(BuildError::ReservedEvent { namespace, event })
    } else {
        Ok(())
    }
}

fn check_room<P>(
    namespace: &Arc<str>,
    pattern: &Arc<str>,
    policies: &[RoomPolicy<P>],
) -> Result<Pattern, BuildError> {
    let (namespace, room) = (Arc::clone(namespace), Arc::clone(pattern));
    let Some(pattern) = Pattern::parse(pattern) else {
        return Err(BuildError::RoomPattern { namespace, room });
    };
    if policies.iter().any(|policy| policy.pattern.as_str() == &room) {
        return Err(BuildError::DuplicateRoom { namespace, room });
    }
    Ok(pattern)
}
