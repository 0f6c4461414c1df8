//! Why: the reasons that audit records and hooks get, finer than what a client reads.

/// Declares a field-less enum whose variants have a stable `snake_case` name.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Returns the name used in audit records, logs and metric labels.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use reasons;

reasons! {
    /// Why a client was not let in.
    ///
    /// Several of these look the same to the client on purpose (see [`crate::wire`]).
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::RefusalReason::UserUnknown.as_str(), "user_unknown");
    /// ```
    RefusalReason {
        /// The account may not be used.
        AccountDisabled = "account_disabled",
        /// The client left before the decision.
        Abandoned = "abandoned",
        /// The application refused with a code of its own.
        Application = "application",
        /// Admission took longer than its deadline.
        DeadlinePassed = "deadline_passed",
        /// The `auth` payload is no plain object, or too large.
        AuthMalformed = "auth_malformed",
        /// What was answered was not asked, not of this client, or too long ago.
        CeremonyUnknown = "ceremony_unknown",
        /// No CONNECT arrived in time.
        ConnectTimeout = "connect_timeout",
        /// No credential was shown.
        CredentialMissing = "credential_missing",
        /// More than one credential was shown.
        CredentialAmbiguous = "credential_ambiguous",
        /// A guard said no.
        GuardDenied = "guard_denied",
        /// A guard could not look, and so has not said yes.
        GuardFailed = "guard_failed",
        /// A guard did not answer in time.
        GuardTimeout = "guard_timeout",
        /// The namespace is not mounted.
        NamespaceUnknown = "namespace_unknown",
        /// The counter of the passkey went back: there may be two of its authenticator.
        PasskeyCloned = "passkey_cloned",
        /// The passkey could be copied by its provider before, and says now that it never could.
        PasskeyDowngraded = "passkey_downgraded",
        /// What an authenticator answered is not good.
        PasskeyInvalid = "passkey_invalid",
        /// The passkey belongs to an account already.
        PasskeyTaken = "passkey_taken",
        /// The passkey is none that is known, or not of the account that was named.
        PasskeyUnknown = "passkey_unknown",
        /// Code of the application panicked.
        Panicked = "panicked",
        /// What was sent is not the protocol.
        ProtocolViolation = "protocol_violation",
        /// No policy covers the room, or its policy said no.
        RoomDenied = "room_denied",
        /// The recovery code is none of this user's, or was used.
        RecoveryCodeInvalid = "recovery_code_invalid",
        /// The user proved who they are too long ago for what they ask.
        ReauthenticationRequired = "reauthentication_required",
        /// Access ended between the check and the entry.
        RevokedMeanwhile = "revoked_meanwhile",
        /// The credential was revoked.
        Revoked = "revoked",
        /// The connection policy allows no further connection of this user.
        SeatTaken = "seat_taken",
        /// The cookie came from a page of another origin, or of one that nobody can name.
        OriginForbidden = "origin_forbidden",
        /// The session is over.
        SessionExpired = "session_expired",
        /// What was shown as a session is none that is known.
        SessionUnknown = "session_unknown",
        /// The server is stopping.
        ShuttingDown = "shutting_down",
        /// The ticket is none, or not of the browser that shows it.
        TicketInvalid = "ticket_invalid",
        /// A claim is missing, of the wrong type, or not what the policy asks for.
        TokenClaims = "token_claims",
        /// The token is over its time.
        TokenExpired = "token_expired",
        /// What was shown as a token is none, or is too large.
        TokenMalformed = "token_malformed",
        /// The header of the token breaks the policy: algorithm, type, critical extensions.
        TokenHeader = "token_header",
        /// No known key made the signature.
        TokenSignature = "token_signature",
        /// The token is not valid yet.
        TokenTooEarly = "token_too_early",
        /// The token lives longer than the policy allows.
        TokenTooLong = "token_too_long",
        /// Too many refused attempts, or too many links of one address.
        TooManyAttempts = "too_many_attempts",
        /// The link has as many namespaces as it may.
        TooManyNamespaces = "too_many_namespaces",
        /// Something that must be asked did not answer.
        Unavailable = "unavailable",
        /// The credential is good, and of another user than the socket it was to prolong.
        UserChanged = "user_changed",
        /// The token is good, but its user is not known.
        UserUnknown = "user_unknown",
    }
}

reasons! {
    /// Why a socket ended.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::DisconnectReason;
    ///
    /// assert_eq!(DisconnectReason::PingTimeout.as_str(), "ping_timeout");
    /// ```
    DisconnectReason {
        /// The client left the namespace, or closed the link in order.
        ClientLeft = "client_left",
        /// The credential is over its time.
        Expired = "expired",
        /// A guard said no and that the socket is to end.
        Forbidden = "forbidden",
        /// The client sends more than its handlers can take.
        Overloaded = "overloaded",
        /// The client did not answer a heartbeat in time.
        PingTimeout = "ping_timeout",
        /// What was sent is not the protocol.
        ProtocolViolation = "protocol_violation",
        /// The client did not get in after all: a later step of the admission refused it, or it left
        /// meanwhile.
        Refused = "refused",
        /// A newer connection of the same user has taken its place.
        Replaced = "replaced",
        /// The user, the session, the token or the socket was revoked.
        Revoked = "revoked",
        /// The application ended the socket.
        ServerLeft = "server_left",
        /// The session behind the credential has ended.
        SessionExpired = "session_expired",
        /// The server is stopping.
        Shutdown = "shutdown",
        /// The client does not read what is sent to it.
        SlowConsumer = "slow_consumer",
        /// The transport ended without a word.
        TransportClosed = "transport_closed",
        /// Something that must be asked to let the client stay did not answer.
        Unavailable = "unavailable",
    }
}
