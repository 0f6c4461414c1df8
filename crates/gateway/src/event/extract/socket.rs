//! Extractors of the socket and of values that belong to it. None of them reads the payload.

use std::sync::Arc;

use doorward_core::{Exception, HandshakeRequest};

use crate::{
    event::context::{EventContext, FromEvent},
    room::{
        hub::Hub,
        principal::Principal,
        socket::{Socket, data::SocketData},
    },
};

/// The name of the event, for a handler of several events.
///
/// # Examples
/// ```
/// use doorward::{event::EventName, prelude::*};
///
/// let gateway: Gateway<Claims> =
///     Gateway::at("/").on("ping", |EventName(name): EventName| async move { name.to_string() });
/// ```
#[derive(Clone, Debug)]
pub struct EventName(pub Arc<str>);

impl<P> FromEvent<P> for EventName {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(Self(Arc::clone(context.name)))
    }
}

impl<P> FromEvent<P> for Socket<P> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(context.socket().clone())
    }
}

impl<P> FromEvent<P> for Hub<P> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(context.socket().hub().clone())
    }
}

impl<P> FromEvent<P> for Arc<HandshakeRequest> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(Self::clone(context.socket().shared_request()))
    }
}

impl<P, T: Default + Send + Sync + 'static> FromEvent<P> for SocketData<T> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(context.socket().data())
    }
}

impl<P> FromEvent<P> for Principal<P> {
    fn from_event(context: &EventContext<'_, P>) -> Result<Self, Exception> {
        Ok(Self(context.socket().principal()))
    }
}
