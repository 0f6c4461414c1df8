//! Domain types of Doorward, and the traits that stores, guards and authenticators implement.
//!
//! Every item is plain data or a trait. A [`Handshake`] holds the credentials that a client has
//! sent. An [`Authenticator`] checks them, and returns a [`Grant`] or a [`Refusal`]. This crate
//! does no I/O, and depends on no runtime and no transport. Callers pass time and randomness
//! through [`Clock`] and [`Entropy`]. Start reading at [`Authenticator`], then [`wire`], the only
//! module that decides what a client receives.

mod account;
mod audit;
mod authenticate;
mod boxed;
pub mod bridge;
pub mod bus;
mod causes;
mod clock;
pub mod cluster;
mod code;
mod debug;
mod exception;
mod fault;
mod grant;
mod guard;
mod handshake;
mod headers;
mod id;
mod lease;
mod lock;
mod manual_clock;
mod node;
mod object;
mod passkey;
mod reason;
mod refusal;
mod revocation;
mod seat;
mod secret;
mod session;
mod store;
mod text;
mod ticket;
pub mod wire;

pub use account::{Account, AccountStore, CreateAccountError};
pub use audit::{Audit, AuditRecord, Decision, network_prefix};
pub use authenticate::{AuthenticateError, Authenticator};
pub use boxed::{BoxError, BoxFuture};
pub use causes::Causes;
pub use clock::{Clock, Entropy};
pub use code::Code;
pub use exception::{Detail, Exception};
pub use fault::{Fault, Part, Problem};
pub use grant::{Anonymous, Grant, Reload};
pub use guard::{Action, Guard, GuardContext, HasRoles, HasScopes, Verdict, short_type_name};
pub use handshake::{AuthPayload, AuthPayloadError, Handshake, HandshakeRequest, RequestKind};
pub use headers::Headers;
pub use id::{
    DecisionId, DecisionIdError, Incarnation, IncarnationError, LinkId, LinkNumber, SessionId,
    SocketId, SocketIdError, TokenId, UserId,
};
pub use lease::{Lease, LeaseError};
#[doc(hidden)]
pub use lock::lock;
pub use manual_clock::ManualClock;
pub use node::NodeId;
pub use object::UniqueObject;
pub use passkey::{
    CredentialId, MAX_CREDENTIAL_ID, PasskeyRecord, PasskeyRemoval, PasskeyUse, RecoveryCodes,
};
pub use reason::{DisconnectReason, RefusalReason};
pub use refusal::{Refusal, RefusalCode, Retry};
pub use revocation::{
    CredentialRef, Issued, MAX_AHEAD, MAX_LIFETIME, Outlives, REMEMBERED, RevocationState,
    RevocationStore,
};
pub use seat::{
    Holder, PerUser, Reservation, Seat, SeatError, SeatRequest, SeatStore, Seated, Unlimited,
};
pub use secret::{SecretError, SessionKey, SessionToken, Ticket, TicketKey};
pub use session::{Session, SessionData, SessionStore};
pub use store::{StoreError, StoreFuture};
pub use text::{is_printable, is_visible_line, is_visible_text};
pub use ticket::{TicketRecord, TicketStore};
