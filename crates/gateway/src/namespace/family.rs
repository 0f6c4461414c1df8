//! Namespaces whose names match a pattern, such as `/org/{org}`.
//!
//! They share the gateways and policies of the pattern. Each has its own sockets and rooms. Start
//! reading at [`OpenedNamespaces`].

use std::sync::Arc;

use crate::{
    admission::door::{Door, Rules},
    error::BuildError,
    link::seam::{Family, Found},
    room::{
        hub::{Shared, opened::OpenedHubs, serving::RemoteHub},
        pattern::Pattern,
    },
};

/// Namespaces of one pattern, whose principal is `P`.
pub(crate) struct OpenedNamespaces<P> {
    pattern: Pattern,
    rules: Arc<Rules<P>>,
    shared: Arc<Shared<P>>,
    hubs: OpenedHubs<P>,
}

impl<P> OpenedNamespaces<P> {
    /// # Errors
    /// - [`BuildError::Namespace`]: the pattern is not valid.
    /// - [`BuildError::PatternInit`]: a gateway has an init hook. Clients open the namespaces later.
    pub(crate) fn new(
        pattern: &Arc<str>,
        rules: Rules<P>,
        shared: Arc<Shared<P>>,
        hubs: OpenedHubs<P>,
    ) -> Result<Self, BuildError> {
        let namespace = Arc::clone(pattern);
        if rules.hooks.iter().any(|hooks| hooks.init.is_some()) {
            return Err(BuildError::PatternInit { namespace });
        }
        let pattern = Pattern::parse(pattern).ok_or(BuildError::Namespace { namespace })?;
        Ok(Self { pattern, rules: Arc::new(rules), shared, hubs })
    }
}

impl<P: Send + Sync + 'static> Family for OpenedNamespaces<P> {
    fn pattern(&self) -> &Arc<str> {
        self.pattern.as_str()
    }

    fn has(&self, name: &str) -> bool {
        self.pattern.readings(name).map_or(true, |readings| !readings.is_empty())
    }

    fn find(&self, name: &str) -> Option<Found> {
        let mut readings = self.pattern.readings(name).ok()?;
        let parameters = readings.pop()?;
        // A name that can be read in two ways has no parameters that a policy could rely on.
        if !readings.is_empty() || name.chars().any(char::is_control) {
            return None;
        }
        let hub = self.hubs.get(name, parameters, &self.shared);
        let name = hub.namespace().into();
        let namespace = Arc::new(Door { hub, rules: Arc::clone(&self.rules) });
        Some(Found { name, namespace })
    }

    fn existing(&self, name: &str) -> Option<Box<dyn RemoteHub>> {
        Some(Box::new(self.hubs.existing(name)?))
    }
}
