//! Frees the place of a connection while a request of an authenticated client waits.
//!
//! A client that polls has a request waiting nearly all the time. If its link has an authenticated
//! socket, the waiting request does not count towards the limit of the address, like a WebSocket.
//! So many users can share one. Start reading at [`RequestPlace::release`].

use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};

use doorward_core::lock;

use crate::{
    http::answer_body::Carried,
    limits::addresses::{Addresses, Place},
};

/// Place of a connection. It is empty while a request that has [released](RequestPlace::release) it
/// waits.
#[derive(Clone)]
pub(crate) struct ConnectionPlace(Arc<Mutex<Option<Place>>>);

/// Request extension with the place that the request takes.
#[derive(Clone)]
pub(crate) struct RequestPlace {
    pub(super) connection: ConnectionPlace,
    /// Address of the other end of the connection.
    pub(super) address: IpAddr,
    /// Place of the client, if a trusted proxy has forwarded the request.
    pub(super) carried: Option<Carried>,
}

impl ConnectionPlace {
    pub(crate) fn new(place: Place) -> Self {
        Self(Arc::new(Mutex::new(Some(place))))
    }

    /// Takes a place for the next request if the last one has released it.
    pub(super) fn take_again(&self, take: impl FnOnce() -> Place) {
        lock(&self.0).get_or_insert_with(take);
    }

    /// Frees the place.
    pub(crate) fn free(&self) {
        let place = lock(&self.0).take();
        drop(place);
    }
}

impl RequestPlace {
    /// Takes a place again when the request is answered. The connection may then be idle, and the
    /// response may be long.
    pub(super) fn restore(&self, places: &Arc<Addresses>) {
        if self.carried.is_none() {
            self.connection.take_again(|| places.take(Some(self.address)));
        }
    }

    /// Returns `true` if a trusted proxy has forwarded the request.
    pub(super) fn is_proxied(&self) -> bool {
        self.carried.is_some()
    }

    /// Frees the place of the request, because its client is authenticated. Connections of the
    /// server are limited by [`Limits::max_connections`](crate::Limits::max_connections) all the
    /// same.
    pub(super) fn release(&self) {
        match &self.carried {
            Some(carried) => carried.free(),
            None => self.connection.free(),
        }
    }
}
