//! Hubs of the namespaces that a pattern opens.
//!
//! A hub exists while a socket, a pending admission or the application holds it, so a namespace
//! closes when its hub is dropped. A namespace takes a place when its first client is admitted.
//! Start reading at [`OpenedHubs::get`].

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use doorward_core::lock;

use super::{Hub, Inner, Mounted, Shared};
use crate::{
    presence::principals::Principals, room::pattern::Parameters, runtime::metrics::Metrics,
};

/// Hubs of the namespaces that a pattern has opened.
pub(crate) struct OpenedHubs<P> {
    live: Arc<Live<P>>,
    /// Number of namespaces with an admitted client.
    places: Arc<AtomicUsize>,
    principals: Principals,
}

type Live<P> = Mutex<HashMap<Arc<str>, Weak<Inner<P>>>>;

/// Entry of one namespace. Dropping it removes the namespace.
pub(crate) struct Opened<P> {
    parameters: Parameters,
    name: Arc<str>,
    live: Arc<Live<P>>,
    places: Arc<AtomicUsize>,
    /// `true` once a client was admitted, and the namespace has a place.
    has_place: AtomicBool,
}

impl<P> OpenedHubs<P> {
    pub(crate) fn new(principals: Principals) -> Self {
        Self { live: Arc::default(), places: Arc::default(), principals }
    }

    /// Returns the hub of a namespace. Opens the namespace if it does not exist.
    pub(crate) fn get(
        &self,
        name: &str,
        parameters: Parameters,
        shared: &Arc<Shared<P>>,
    ) -> Hub<P> {
        let mut live = lock(&self.live);
        if let Some(hub) = live.get(name).and_then(Weak::upgrade) {
            return Hub(hub);
        }
        let name: Arc<str> = name.into();
        let opened = Opened {
            parameters,
            name: Arc::clone(&name),
            live: Arc::clone(&self.live),
            places: Arc::clone(&self.places),
            has_place: AtomicBool::new(false),
        };
        let hub = Arc::new(Inner {
            namespace: Arc::clone(&name),
            mounted: Mounted::new(Arc::clone(shared)).into(),
            principals: self.principals.clone(),
            opened: Some(opened),
        });
        live.insert(name, Arc::downgrade(&hub));
        Hub(hub)
    }
}

impl<P> OpenedHubs<P> {
    /// Returns the hub of a namespace that exists.
    pub(crate) fn existing(&self, name: &str) -> Option<Hub<P>> {
        lock(&self.live).get(name).and_then(Weak::upgrade).map(Hub)
    }
}

impl<P> Opened<P> {
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(own, _)| &**own == name).map(|(_, value)| &**value)
    }
}

impl<P> Hub<P> {
    /// Returns the text that the placeholder `{name}` matches, if the namespace was opened by a pattern
    /// such as `/org/{name}`.
    ///
    /// # Panics
    /// Panics if the pattern has no such placeholder, which is a mistake of the program.
    ///
    /// # Examples
    /// ```
    /// use doorward::prelude::*;
    ///
    /// let gateway: Gateway<Claims> = Gateway::at("/org/{org}")
    ///     .on("org", |hub: Hub<Claims>| async move { hub.param("org").to_owned() });
    /// ```
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        let found = self.0.opened.as_ref().and_then(|opened| opened.parameter(name));
        found.expect("the pattern of the namespace has a placeholder of this name")
    }

    /// Takes the place of a namespace that a pattern has opened, when its first client is admitted.
    /// Returns `false` if its pattern has opened as many namespaces as it may.
    pub(crate) fn take_place(&self) -> bool {
        let Some(opened) = &self.0.opened else { return true };
        if opened.has_place.load(Ordering::Acquire) {
            return true;
        }
        let max = self.services().limits.max_opened_namespaces;
        let more = |taken| (taken < max).then_some(taken + 1);
        if opened.places.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).is_err() {
            Metrics::hit("max_opened_namespaces");
            return false;
        }
        // If two clients are admitted at once, the second place is returned.
        if opened.has_place.swap(true, Ordering::AcqRel) {
            opened.places.fetch_sub(1, Ordering::AcqRel);
        }
        true
    }
}

impl<P> Drop for Opened<P> {
    fn drop(&mut self) {
        if *self.has_place.get_mut() {
            self.places.fetch_sub(1, Ordering::AcqRel);
        }
        let mut live = lock(&self.live);
        // The namespace may have been opened again meanwhile.
        if live.get(&self.name).is_some_and(|hub| hub.strong_count() == 0) {
            live.remove(&self.name);
        }
    }
}
