//! Says whether somebody known may do what they ask for.

use std::future::Future;

use crate::{HandshakeRequest, Refusal, UserId};

/// What somebody asks to do.
///
/// # Examples
/// ```
/// use doorward_core::Action;
///
/// assert_eq!(Action::Connect.to_string(), "connect");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Enter the namespace.
    Connect,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect => f.write_str("connect"),
        }
    }
}

/// What a guard looks at.
///
/// # Examples
/// ```
/// use doorward_core::GuardContext;
///
/// fn is_root(context: &GuardContext<'_, String>) -> bool {
///     context.principal == "root" && context.namespace == "/admin"
/// }
/// # drop(is_root);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct GuardContext<'a, P> {
    /// What is asked for.
    pub action: Action,
    /// Who asks.
    pub principal: &'a P,
    /// Who that is.
    pub user: &'a UserId,
    /// Where.
    pub namespace: &'a str,
    /// The request that opened the link.
    pub request: &'a HandshakeRequest,
}

impl<'a, P> GuardContext<'a, P> {
    /// Describes one question to a guard.
    #[must_use]
    pub fn new(
        action: Action,
        principal: &'a P,
        user: &'a UserId,
        namespace: &'a str,
        request: &'a HandshakeRequest,
    ) -> Self {
        Self { action, principal, user, namespace, request }
    }
}

/// What a guard answers.
///
/// # Examples
/// ```
/// use doorward_core::Verdict;
///
/// assert!(matches!(Verdict::allow_if(false), Verdict::Deny(_)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// Go on.
    Allow,
    /// No, and this is what the client reads.
    Deny(Refusal),
}

impl Verdict {
    /// Allows when `allowed`, and otherwise denies with `forbidden`.
    pub fn allow_if(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Deny(Refusal::forbidden()) }
    }
}

/// Decides whether an authenticated principal may do something.
///
/// # Examples
/// ```
/// use doorward_core::{Guard, GuardContext, Verdict};
///
/// struct User { staff: bool }
///
/// struct StaffOnly;
///
/// impl Guard<User> for StaffOnly {
///     async fn check(&self, context: GuardContext<'_, User>) -> Verdict {
///         Verdict::allow_if(context.principal.staff)
///     }
/// }
/// ```
pub trait Guard<P>: Send + Sync + 'static {
    /// Answers one question.
    ///
    /// # Panics
    /// A panic is caught and denies.
    ///
    /// # Cancel safety
    /// The future is dropped when the client leaves or the admission is over its deadline.
    fn check(&self, context: GuardContext<'_, P>) -> impl Future<Output = Verdict> + Send;
}
