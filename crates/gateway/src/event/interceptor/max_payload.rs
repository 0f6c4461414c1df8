//! Interceptor that limits the size of an event more strictly than [`Limits`](crate::Limits) does.

use doorward_core::{Detail, Exception};

use crate::event::{
    context::EventContext,
    interceptor::{Interceptor, Next},
    reply::Outcome,
};

/// Interceptor that rejects events above a size limit before they are decoded. The client receives
/// `bad_payload`. The size includes the name of the event and its attachments.
///
/// [`Limits::max_message`](crate::Limits::max_message) applies to every message, and a larger
/// message closes the link. Use this interceptor for events that never need to be that large.
///
/// # Examples
/// ```
/// use doorward::{event::{MaxPayload, handle}, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/").on(
///     "typing",
///     handle(|Payload(_): Payload<bool>| async {}).intercept(MaxPayload::bytes(64)),
/// );
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MaxPayload(usize);

impl MaxPayload {
    /// Creates an interceptor that allows events of at most `limit` bytes.
    #[must_use]
    pub fn bytes(limit: usize) -> Self {
        Self(limit)
    }
}

impl<P: Send + Sync + 'static> Interceptor<P> for MaxPayload {
    async fn intercept(&self, context: &EventContext<'_, P>, next: Next<'_, P>) -> Outcome {
        let attachments: usize = context.attachments().iter().map(|bytes| bytes.len()).sum();
        if context.data().len() + attachments > self.0 {
            let message = format!("expected at most {} bytes", self.0);
            let detail = Detail { path: String::new(), message };
            return Err(Exception::bad_payload(vec![detail]).into());
        }
        next.run(context).await
    }
}
