//! A guard that requires a recent sign-in.

use std::{borrow::Cow, time::Duration};

use doorward_core::{Guard, GuardContext, Refusal, Verdict};

/// Guard that allows an action if the user has signed in within this time before the action.
/// Otherwise the client receives `reauthentication_required`.
///
/// The time of the sign-in is stored in the session, or is the claim `auth_time` of a token. A
/// credential without this time is not fresh. After the user has signed in again, the client shows
/// the new credential with the event `auth:refresh`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{guard::Fresh, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("delete_account", handle(|| async {}).guard(Fresh(Duration::from_secs(5 * 60))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fresh(pub Duration);

impl<P: Sync> Guard<P> for Fresh {
    const AT_ONCE: bool = true;

    async fn check(&self, context: GuardContext<'_, P>) -> Verdict {
        match context.since_sign_in {
            Some(ago) if ago <= self.0 => Verdict::Allow,
            _ => Verdict::Deny(Refusal::reauthentication_required()),
        }
    }

    fn name(&self) -> Cow<'static, str> {
        format!("fresh within {:?}", self.0).into()
    }
}
