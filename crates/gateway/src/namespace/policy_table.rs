//! Table of guards, events and rooms, which `doorward routes` prints and the start-up log contains.

use std::fmt;

use doorward_core::PerUser;
use doorward_protocol::Trust;

use crate::{admission::door::Rules, event::subscription::Layers, room::hub::Shared};

/// Human-readable table of all namespaces of a server. It lists the authenticator, the guards, the
/// events, the patterns of rooms, the concurrency, and the limit on the sockets of each user.
/// `Display` prints the table.
///
/// # Examples
/// ```
/// use doorward::prelude::*;
///
/// let doorward = Doorward::builder()
///     .authenticate(Jwt::hs256("a secret of at least 32 bytes ...")?)
///     .gateway(Gateway::at("/").guard(Role::new("member")).on("echo", || async {}))
///     .build()?;
/// let table = doorward.policy().to_string();
/// assert!(table.contains("role member"));
/// # Ok::<_, doorward::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTable(Vec<NamespacePolicy>);

/// Entry of one namespace in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamespacePolicy {
    namespace: String,
    authenticator: String,
    guards: Vec<String>,
    /// Each event with all guards that are called for it.
    events: Vec<(String, Vec<String>)>,
    rooms: Vec<String>,
    concurrency: usize,
    /// Description of the limit on the sockets of each user. It is empty if the namespace sets no
    /// limit.
    connections: String,
}

impl NamespacePolicy {
    /// Describes a namespace, or the namespaces of a pattern.
    pub(crate) fn of<P>(name: &str, rules: &Rules<P>, shared: &Shared<P>) -> Self {
        let Rules { routes, policy, trust, concurrency, .. } = rules;
        let authenticator = match trust {
            Trust::Anonymous => "none (public)".to_owned(),
            Trust::Known => policy.authenticator.name(),
        };
        let mut events: Vec<_> = routes
            .table
            .iter()
            .map(|(event, route)| (event.to_string(), guard_names(&route.layers)))
            .collect();
        // A hash map has no order, but the table should be the same at each start.
        events.sort();
        Self {
            namespace: name.to_owned(),
            authenticator,
            guards: shared.guards.iter().map(|guard| guard.name()).collect(),
            events,
            rooms: shared.policies.iter().map(|room| room.pattern.as_str().to_string()).collect(),
            concurrency: *concurrency,
            connections: per_user(policy.sockets),
        }
    }
}

impl PolicyTable {
    pub(crate) fn new(mut namespaces: Vec<NamespacePolicy>) -> Self {
        namespaces.sort_by(|one, other| one.namespace.cmp(&other.namespace));
        Self(namespaces)
    }

    /// Logs one line for each namespace.
    pub(crate) fn log(&self) {
        for NamespacePolicy { namespace, authenticator, guards, events, rooms, .. } in &self.0 {
            let guards = list(guards);
            let events: Vec<_> = events.iter().map(|(event, _)| event.clone()).collect();
            let (events, rooms) = (list(&events), list(rooms));
            tracing::info!(namespace, authenticator, guards, events, rooms, "Namespace mounted.");
        }
    }
}

fn guard_names<P>(layers: &Layers<P>) -> Vec<String> {
    layers.guards.iter().map(|guard| guard.name()).collect()
}

impl fmt::Display for PolicyTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, namespace) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            namespace.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for NamespacePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { namespace, authenticator, guards, events, rooms, concurrency, connections } =
            self;
        writeln!(f, "namespace {namespace}")?;
        writeln!(f, "  authenticator  {authenticator}")?;
        writeln!(f, "  guards         {}", list(guards))?;
        let width = events.iter().map(|(event, _)| event.len()).max().unwrap_or(0);
        for (index, (event, guards)) in events.iter().enumerate() {
            let label = if index == 0 { "events" } else { "" };
            writeln!(f, "  {label:<14} {event:<width$}  {}", list(guards))?;
        }
        if events.is_empty() {
            writeln!(f, "  events         none")?;
        }
        writeln!(f, "  rooms          {}", list(rooms))?;
        if *concurrency > 1 {
            writeln!(f, "  concurrency    {concurrency}")?;
        }
        if !connections.is_empty() {
            writeln!(f, "  connections    {connections}")?;
        }
        Ok(())
    }
}

/// Returns a description of the limit on the sockets of a user, or an empty text if there is no
/// limit.
fn per_user(policy: PerUser) -> String {
    let Some(seats) = policy.seats() else { return String::new() };
    if policy.replaces_oldest() {
        format!("{seats} per user, one more replaces the oldest")
    } else {
        format!("{seats} per user, one more is refused")
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
