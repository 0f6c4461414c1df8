//! Guards, which decide if an authenticated client may perform an action.

use std::{
    borrow::Cow,
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use crate::{BoxError, HandshakeRequest, Refusal, RefusalReason, SocketId, UserId};

/// Action that a client asks for.
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
    /// The client asks to enter the namespace.
    Connect,
    /// The client sends the event of this name.
    Event(&'a str),
    /// The client asks to join the room of this name.
    Join(&'a str),
    /// The client asks to leave the room of this name.
    Leave(&'a str),
}

impl Action<'_> {
    /// Returns the name of the action, without its target.
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
    /// Returns the target of the action, which is the name of the event or of the room. Returns
    /// `None` for [`Action::Connect`].
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

/// Data on which a guard bases its decision.
///
/// # Examples
/// ```
/// use doorward_core::GuardContext;
///
/// fn is_root(context: &GuardContext<'_, String>) -> bool {
///     context.principal == "root" && context.namespace == "/admin"
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct GuardContext<'a, P> {
    /// Action that the client asks for.
    pub action: Action<'a>,
    /// Principal of the client.
    pub principal: &'a P,
    /// User of the client.
    pub user: &'a UserId,
    /// Id of the socket. For [`Action::Connect`], it is the id that the socket will have if it is
    /// admitted.
    pub socket: SocketId,
    /// Namespace of the socket.
    pub namespace: &'a str,
    /// Request that opened the link.
    pub request: &'a HandshakeRequest,
    /// Time of the decision, on the server's monotonic clock.
    pub now: Instant,
    /// Time since the user's last interactive sign-in; `None` if unknown.
    pub since_sign_in: Option<Duration>,
}

impl<P> Clone for GuardContext<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for GuardContext<'_, P> {}

impl<'a, P> GuardContext<'a, P> {
    /// Creates the context of one decision.
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

    /// Sets the time since the user's last interactive sign-in; `None` if it is unknown.
    #[must_use]
    pub fn since_sign_in(self, ago: Option<Duration>) -> Self {
        Self { since_sign_in: ago, ..self }
    }
}

/// Decision of a guard.
///
/// A `bool` converts into a verdict, and so does a `Result`. `Err` denies the action, because a
/// guard that has failed has not allowed it.
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
    /// Allows the action.
    Allow,
    /// Denies the action. The client reads this refusal.
    Deny(Refusal),
    /// Denies the action and closes the socket. The client reads this refusal, then `session_ended`
    /// with `forbidden`.
    DenyAndClose(Refusal),
}

impl Verdict {
    /// Allows the action if `allowed` is `true`, and denies it with `forbidden` otherwise.
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

/// Decides if an authenticated client may perform an action.
///
/// The guard of a gateway is called for every [`Action`] of its clients. These are the connection
/// itself, each event, and each room that a client joins or leaves.
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
    /// `true` if [`check`](Self::check) never waits, so that its future is ready when it is first
    /// polled.
    ///
    /// The server calls such a guard without an allocation. If the future is pending nevertheless,
    /// the action is denied.
    const AT_ONCE: bool = false;

    /// Decides if the client may perform the action in `context`.
    ///
    /// # Panics
    /// A panic is caught, and the action is denied. The action is also denied if the decision
    /// exceeds the time limit for guards. For [`Action::Connect`], a panic or a timeout decides
    /// nothing. The client is then not admitted, and a stock client reconnects.
    ///
    /// # Cancel safety
    /// The future is dropped when the client disconnects or the time limit for guards has passed.
    fn check(&self, context: GuardContext<'_, P>) -> impl Future<Output = Verdict> + Send;

    /// Returns the name of the guard for the table that lists which guards protect a server. The
    /// default is the name of the type.
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>()
    }
}

/// Principal with roles, as the guard `Role` requires.
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
    message = "the roles of `{Self}` are not known",
    note = "implement `HasRoles` for it: `fn has_role(&self, role: &str) -> bool`"
)]
pub trait HasRoles {
    /// Returns `true` if the principal has this role.
    fn has_role(&self, role: &str) -> bool;
}

/// Principal with scopes (RFC 6749, section 3.3), as the guard `Scope` requires.
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
    message = "the scopes of `{Self}` are not known",
    note = "implement `HasScopes` for it: `fn has_scope(&self, scope: &str) -> bool`"
)]
pub trait HasScopes {
    /// Returns `true` if the principal has this scope.
    fn has_scope(&self, scope: &str) -> bool;
}

/// Returns the name of a type without its path and generic arguments.
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
