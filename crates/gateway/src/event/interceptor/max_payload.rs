//! Limits the size of some events more strictly than [`Limits`](crate::Limits) does for all.

use doorward_core::{Detail, Exception};

use crate::event::{
    context::EventContext,
    interceptor::{Interceptor, Next},
    reply::Outcome,
};

/// Rejects events above a number of bytes with `bad_payload`, before they are decoded. The name
/// and the attachments count.
///
/// [`Limits::max_message`](crate::Limits::max_message) applies to every event, and exceeding it closes
/// the link. Use this interceptor for events that have no reason to be nearly as large.
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
    /// Allows events of at most `limit` bytes.
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
