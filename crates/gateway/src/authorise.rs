//! Asks guards: the only file that knows what counts as a yes.
//!
//! All must allow, one after the other, each in its time. A panic, a guard that hangs and an answer
//! that this version does not know are a no.

use std::sync::Arc;

use doorward_core::{BoxFuture, Guard, GuardContext, Refusal, RefusalReason, Verdict};

use crate::{catch::Caught, services::Services};

/// Somebody said no.
pub(crate) struct Denial {
    pub(crate) refusal: Refusal,
    /// The socket is to end.
    pub(crate) close: bool,
}

impl Denial {
    /// Says of a plain no that it was the policy of a room.
    pub(crate) fn for_room(self) -> Self {
        if self.refusal.reason() == RefusalReason::GuardDenied {
            Self { refusal: self.refusal.because(RefusalReason::RoomDenied), ..self }
        } else {
            self
        }
    }
}

/// A [`Guard`] whose type is forgotten.
pub(crate) trait AnyGuard<P>: Send + Sync {
    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict>;
    fn name(&self) -> String;
}

/// Guards in the order in which they are asked.
pub(crate) type Guards<P> = Arc<[Arc<dyn AnyGuard<P>>]>;

impl<P: Sync + 'static, G: Guard<P>> AnyGuard<P> for G {
    fn check<'a>(&'a self, context: GuardContext<'a, P>) -> BoxFuture<'a, Verdict> {
        Box::pin(Guard::check(self, context))
    }

    fn name(&self) -> String {
        Guard::name(self).into_owned()
    }
}

/// Asks every guard about one action; the first no counts.
pub(crate) async fn authorise<P>(
    guards: &[Arc<dyn AnyGuard<P>>],
    context: GuardContext<'_, P>,
    services: &Services,
) -> Result<(), Denial> {
    for guard in guards {
        let checked = Caught::new(async { guard.check(context).await });
        judge(services.within(services.limits.guard_timeout, checked).await)?;
    }
    Ok(())
}

/// Turns what became of a question into a yes or a no.
pub(crate) fn judge<E>(answer: Option<Result<Verdict, E>>) -> Result<(), Denial> {
    let failed = |reason| Refusal::forbidden().because(reason);
    match answer {
        Some(Ok(Verdict::Allow)) => Ok(()),
        Some(Ok(Verdict::Deny(refusal))) => Err(Denial { refusal, close: false }),
        Some(Ok(Verdict::DenyAndClose(refusal))) => Err(Denial { refusal, close: true }),
        Some(Ok(_)) => Err(Denial { refusal: Refusal::forbidden(), close: false }),
        Some(Err(_)) => Err(Denial { refusal: failed(RefusalReason::Panicked), close: false }),
        None => Err(Denial { refusal: failed(RefusalReason::GuardTimeout), close: false }),
    }
}
