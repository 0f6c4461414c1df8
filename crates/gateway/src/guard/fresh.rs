//! A guard that wants a recent sign-in.

use std::{borrow::Cow, time::Duration};

use doorward_core::{Guard, GuardContext, Refusal, Verdict};

/// Lets through whose user has proved who they are within this time; others read
/// `reauthentication_required`.
///
/// What counts is the sign-in behind the credential: a session's, or the claim `auth_time` of a token. A
/// credential that does not say is not fresh. After a new sign-in the client shows it with
/// `auth:refresh`.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// use doorward::{Fresh, prelude::*};
///
/// let gateway: Gateway<Claims> = Gateway::at("/")
///     .on("delete_account", handle(|| async {}).guard(Fresh(Duration::from_secs(5 * 60))));
/// # drop(gateway);
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
