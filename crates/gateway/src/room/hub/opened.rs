//! Hubs of the namespaces that a pattern opens.
//!
//! A hub exists while a socket, a pending admission or the application holds it, so the namespaces
//! of a pattern need no end of their own. A namespace takes a place when its first client is
//! admitted. Start reading at [`OpenedHubs::get`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, Weak},
};

use doorward_core::lock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Hub, Inner, Mounted, Shared};
use crate::{
    presence::principals::Principals, room::pattern::Parameters, runtime::metrics::Metrics,
};

/// Hubs of the namespaces that a pattern has opened.
pub(crate) struct OpenedHubs<P> {
    live: Arc<Live<P>>,
    /// Places of the namespaces with an admitted client.
    places: Arc<Semaphore>,
    principals: Principals,
}

type Live<P> = Mutex<HashMap<Arc<str>, Weak<Inner<P>>>>;

/// Entry of one namespace. Dropping it removes the namespace.
pub(crate) struct Opened<P> {
    parameters: Parameters,
    name: Arc<str>,
    live: Arc<Live<P>>,
    places: Arc<Semaphore>,
    /// Place of the namespace, once a client was admitted.
    place: OnceLock<OwnedSemaphorePermit>,
}

impl<P> OpenedHubs<P> {
    /// `places` limits the namespaces of all patterns together.
    pub(crate) fn new(places: Arc<Semaphore>, principals: Principals) -> Self {
        Self { live: Arc::default(), places, principals }
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
            place: OnceLock::new(),
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
    /// Returns `false` if there are as many such namespaces as there may be.
    pub(crate) fn take_place(&self) -> bool {
        let Some(opened) = &self.0.opened else { return true };
        if opened.place.get().is_some() {
            return true;
        }
        let Ok(place) = Arc::clone(&opened.places).try_acquire_owned() else {
            Metrics::hit("max_opened_namespaces");
            return false;
        };
        // If two clients are admitted at once, the second place is returned.
        drop(opened.place.set(place));
        true
    }
}

impl<P> Drop for Opened<P> {
    fn drop(&mut self) {
        let mut live = lock(&self.live);
        // The namespace may have been opened again meanwhile.
        if live.get(&self.name).is_some_and(|hub| hub.strong_count() == 0) {
            live.remove(&self.name);
        }
    }
}
