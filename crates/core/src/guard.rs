//! Says whether somebody known may do what they ask for.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use crate::{BoxError, HandshakeRequest, Refusal, RefusalReason, SocketId, UserId};

/// What somebody asks to do.
///
/// # Examples
/// ```
/// use doorward_core::Action;
///
/// assert_eq!(Action::Connect.to_string(), "connect");
/// assert_eq!(Action::Join("team:7").to_string(), "join team:7");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action<'a> {
    /// Enter the namespace.
    Connect,
    /// Send the event of this name.
    Event(&'a str),
    /// Enter the room of this name.
    Join(&'a str),
    /// Leave the room of this name.
    Leave(&'a str),
}

impl Action<'_> {
    /// Returns the name of the action without what it is about.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Event(_) => "event",
            Self::Join(_) => "join",
            Self::Leave(_) => "leave",
        }
    }
}

impl<'a> Action<'a> {
    /// Returns what it is about: the name of the event or of the room.
    #[must_use]
    pub const fn about(self) -> Option<&'a str> {
        match self {
            Self::Connect => None,
            Self::Event(what) | Self::Join(what) | Self::Leave(what) => Some(what),
        }
    }
}

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect => f.write_str(self.as_str()),
            Self::Event(what) | Self::Join(what) | Self::Leave(what) => {
                write!(f, "{} {what}", self.as_str())
            }
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
    pub action: Action<'a>,
    /// Who asks.
    pub principal: &'a P,
    /// Who that is.
    pub user: &'a UserId,
    /// Through which socket; with [`Action::Connect`] it is about to come to be.
    pub socket: SocketId,
    /// Where.
    pub namespace: &'a str,
    /// The request that opened the link.
    pub request: &'a HandshakeRequest,
    /// When, on the server's clock.
    pub now: Instant,
    /// How long ago the user proved who they are; `None` when nobody knows.
    pub since_sign_in: Option<Duration>,
}

impl<P> Clone for GuardContext<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for GuardContext<'_, P> {}

impl<'a, P> GuardContext<'a, P> {
    /// Describes one question to a guard.
    #[must_use]
    pub fn new(
        action: Action<'a>,
        principal: &'a P,
        user: &'a UserId,
        socket: SocketId,
        namespace: &'a str,
        request: &'a HandshakeRequest,
        now: Instant,
    ) -> Self {
        let since_sign_in = None;
        Self { action, principal, user, socket, namespace, request, now, since_sign_in }
    }

    /// Says how long ago the user proved who they are.
    #[must_use]
    pub fn since_sign_in(self, ago: Option<Duration>) -> Self {
        Self { since_sign_in: ago, ..self }
    }
}

/// What a guard answers.
///
/// A `bool` is one too, and so is a `Result`: its error denies, because a guard that could not look has
/// not said yes.
///
/// # Examples
/// ```
/// use doorward_core::Verdict;
///
/// assert!(matches!(Verdict::from(true), Verdict::Allow));
/// assert!(matches!(Verdict::from(Err::<bool, _>("the store is away")), Verdict::Deny(_)));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
#[must_use]
pub enum Verdict {
    /// Go on.
    Allow,
    /// No, and this is what the client reads.
    Deny(Refusal),
    /// No, and the socket ends: the client reads this, then `session_ended` with `forbidden`.
    DenyAndClose(Refusal),
}

impl Verdict {
    /// Allows when `allowed`, and otherwise denies with `forbidden`.
    pub fn allow_if(allowed: bool) -> Self {
        if allowed { Self::Allow } else { Self::Deny(Refusal::forbidden()) }
    }
}

impl From<bool> for Verdict {
    fn from(allowed: bool) -> Self {
        Self::allow_if(allowed)
    }
}

impl<V: Into<Self>, E: Into<BoxError>> From<Result<V, E>> for Verdict {
    fn from(result: Result<V, E>) -> Self {
        result.map_or_else(
            |_error| Self::Deny(Refusal::forbidden().because(RefusalReason::GuardFailed)),
            Into::into,
        )
    }
}

/// Decides whether an authenticated principal may do something.
///
/// A guard is asked about every [`Action`]: the connection itself, each event, each room. One guard on
/// a gateway protects all of them.
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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no guard for clients known as `{P}`",
    note = "implement `Guard<{P}>` for it; the guards `Role` and `Scope` need `HasRoles` and \
            `HasScopes` on `{P}`"
)]
pub trait Guard<P>: Send + Sync + 'static {
    /// The promise that an answer is always ready at once: that [`check`](Self::check) waits for nothing.
    ///
    /// Such a guard is asked without an allocation. One that waits all the same has not said yes.
    const AT_ONCE: bool = false;

    /// Answers one question.
    ///
    /// # Panics
    /// A panic is caught and denies; so does an error, and an answer that takes longer than the limit
    /// for guards. About [`Action::Connect`] these two decide nothing: the client is not let in, and a
    /// stock client tries again.
    ///
    /// # Cancel safety
    /// The future is dropped when the client leaves or the guard is over its time.
    fn check(&self, context: GuardContext<'_, P>) -> impl Future<Output = Verdict> + Send;

    /// The name in the policy table; by default that of the type.
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>()
    }
}

/// Whoever has roles: what the guard `Role` asks a principal.
///
/// # Examples
/// ```
/// use doorward_core::HasRoles;
///
/// struct User { admin: bool }
///
/// impl HasRoles for User {
///     fn has_role(&self, role: &str) -> bool { role == "member" || (self.admin && role == "admin") }
/// }
/// assert!(User { admin: false }.has_role("member"));
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody knows the roles of `{Self}`",
    note = "implement `HasRoles` for it: `fn has_role(&self, role: &str) -> bool`"
)]
pub trait HasRoles {
    /// Whether it has this role.
    fn has_role(&self, role: &str) -> bool;
}

/// Whoever has scopes (RFC 6749, section 3.3): what the guard `Scope` asks a principal.
///
/// # Examples
/// ```
/// use doorward_core::HasScopes;
///
/// struct Client { scopes: Vec<String> }
///
/// impl HasScopes for Client {
///     fn has_scope(&self, scope: &str) -> bool { self.scopes.iter().any(|own| own == scope) }
/// }
/// assert!(!Client { scopes: vec![] }.has_scope("chat:write"));
/// ```
#[diagnostic::on_unimplemented(
    message = "nobody knows the scopes of `{Self}`",
    note = "implement `HasScopes` for it: `fn has_scope(&self, scope: &str) -> bool`"
)]
pub trait HasScopes {
    /// Whether it has this scope.
    fn has_scope(&self, scope: &str) -> bool;
}

/// Returns the name of a type without the path that leads to it.
///
/// # Examples
/// ```
/// assert_eq!(doorward_core::short_type_name::<std::time::Duration>(), "Duration");
/// ```
#[must_use]
pub fn short_type_name<T: ?Sized>() -> Cow<'static, str> {
    let name = std::any::type_name::<T>();
    let bare = name.split_once('<').map_or(name, |(bare, _)| bare);
    Cow::Borrowed(bare.rsplit_once("::").map_or(bare, |(_, last)| last))
}
