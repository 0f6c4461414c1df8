//! Reasons for refusals and disconnects. Audit records and hooks receive these reasons, which are
//! more detailed than the codes that a client reads.

/// Declares a fieldless enum whose variants have a stable `snake_case` name.
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

            /// Returns the reason with the name that [`as_str`](Self::as_str) returns, or `None` if there is none.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($text => Some(Self::$variant),)+
                    _ => None,
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
    /// Reason why a client was refused.
    ///
    /// Several reasons deliberately look the same to the client (see [`crate::wire`]).
    ///
    /// # Examples
    /// ```
    /// assert_eq!(doorward_core::RefusalReason::UserUnknown.as_str(), "user_unknown");
    /// ```
    RefusalReason {
        /// The account is disabled.
        AccountDisabled = "account_disabled",
        /// The client disconnected before the server had decided about its request.
        Abandoned = "abandoned",
        /// The application refused the client with a code that it has defined.
        Application = "application",
        /// The admission of the socket took longer than its deadline permits.
        DeadlinePassed = "deadline_passed",
        /// The `auth` payload is not a plain object, is too large, or is nested too deeply.
        AuthMalformed = "auth_malformed",
        /// The answer of the client belongs to no passkey ceremony that the client has started, or
        /// the ceremony has expired.
        CeremonyUnknown = "ceremony_unknown",
        /// The client opened a link and did not send a CONNECT in time.
        ConnectTimeout = "connect_timeout",
        /// The handshake has no credential.
        CredentialMissing = "credential_missing",
        /// The handshake has more than one credential.
        CredentialAmbiguous = "credential_ambiguous",
        /// A guard denied the action.
        GuardDenied = "guard_denied",
        /// A guard returned an error, which denies the action.
        GuardFailed = "guard_failed",
        /// A guard exceeded its time limit.
        GuardTimeout = "guard_timeout",
        /// The token names a key that its issuer had not published when the server last asked. The
        /// server asks again a few seconds later.
        KeyUnknown = "key_unknown",
        /// The client asked for a namespace that the server does not have.
        NamespaceUnknown = "namespace_unknown",
        /// The signature counter of the passkey did not increase, so its authenticator may have been
        /// cloned. Also used if the passkey was used or removed during the sign-in.
        PasskeyCloned = "passkey_cloned",
        /// The passkey was eligible for backup before, and now claims that it never was.
        PasskeyDowngraded = "passkey_downgraded",
        /// The answer of the passkey's authenticator failed verification.
        PasskeyInvalid = "passkey_invalid",
        /// The passkey belongs to an account already.
        PasskeyTaken = "passkey_taken",
        /// The passkey is not known, or does not belong to the account that the client named.
        PasskeyUnknown = "passkey_unknown",
        /// Code of the application, such as an authenticator or a guard, panicked.
        Panicked = "panicked",
        /// The client violated the protocol.
        ProtocolViolation = "protocol_violation",
        /// The client may not join the room. No policy covers the room, the policy of the room
        /// denied the join, the name is invalid, or the client is in too many rooms.
        RoomDenied = "room_denied",
        /// The recovery code does not belong to this user, or has been used.
        RecoveryCodeInvalid = "recovery_code_invalid",
        /// The user's last interactive sign-in is too old for this action.
        ReauthenticationRequired = "reauthentication_required",
        /// The credential was valid, and was revoked while the server admitted or refreshed the
        /// socket.
        RevokedMeanwhile = "revoked_meanwhile",
        /// The credential was revoked.
        Revoked = "revoked",
        /// The user has as many connections as the connection policy allows.
        SeatTaken = "seat_taken",
        /// The request has a session cookie, but came from a page whose origin is not allowed or
        /// not known.
        OriginForbidden = "origin_forbidden",
        /// The session has expired.
        SessionExpired = "session_expired",
        /// The session token is malformed or unknown, or the session of an access token is unknown
        /// or belongs to another user.
        SessionUnknown = "session_unknown",
        /// The server is shutting down.
        ShuttingDown = "shutting_down",
        /// The ticket is unknown, expired or used, was issued to another browser, or belongs to a
        /// session that has ended.
        TicketInvalid = "ticket_invalid",
        /// A claim of the token is missing, has the wrong type, or breaks a rule.
        TokenClaims = "token_claims",
        /// The token has expired.
        TokenExpired = "token_expired",
        /// The authorization server does not know the token, or the token has expired or was revoked
        /// there.
        TokenInactive = "token_inactive",
        /// The token cannot be parsed, or is too large.
        TokenMalformed = "token_malformed",
        /// The header of the token has a wrong algorithm or type, a malformed key id, a key of its
        /// own, or an extension.
        TokenHeader = "token_header",
        /// No known key has made the signature of the token.
        TokenSignature = "token_signature",
        /// The token is not valid yet.
        TokenTooEarly = "token_too_early",
        /// The lifetime of the token is longer than the authenticator allows.
        TokenTooLong = "token_too_long",
        /// There were too many refused attempts, or there are too many links from one address.
        TooManyAttempts = "too_many_attempts",
        /// The link is already in as many namespaces as allowed.
        TooManyNamespaces = "too_many_namespaces",
        /// A dependency, such as a store, did not answer.
        Unavailable = "unavailable",
        /// The new credential of a socket, or the answer to a passkey ceremony, is valid, but
        /// belongs to a different user than the socket or the session.
        UserChanged = "user_changed",
        /// The credential is valid, but the application or the account store does not know its
        /// user.
        UserUnknown = "user_unknown",
    }
}

reasons! {
    /// Reason why a socket closed.
    ///
    /// # Examples
    /// ```
    /// use doorward_core::DisconnectReason;
    ///
    /// assert_eq!(DisconnectReason::PingTimeout.as_str(), "ping_timeout");
    /// ```
    DisconnectReason {
        /// The client left the namespace, or closed the link with a closing packet.
        ClientLeft = "client_left",
        /// The credential has to be shown again: its issuer was removed or its settings were changed,
        /// or the authorization server no longer says what it said about the token.
        CredentialOutdated = "credential_outdated",
        /// The credential has expired.
        Expired = "expired",
        /// A guard denied an action and closed the socket.
        Forbidden = "forbidden",
        /// The client sends more events than its handlers can process.
        Overloaded = "overloaded",
        /// The client did not answer a heartbeat in time.
        PingTimeout = "ping_timeout",
        /// The client violated the protocol.
        ProtocolViolation = "protocol_violation",
        /// A later step of the admission refused the client, or the client disconnected before the
        /// admission was complete.
        Refused = "refused",
        /// A newer connection of the same user has replaced the socket.
        Replaced = "replaced",
        /// The user, the session, the token or the socket was revoked.
        Revoked = "revoked",
        /// The application closed the socket.
        ServerLeft = "server_left",
        /// The session of the credential has ended.
        SessionExpired = "session_expired",
        /// The server is shutting down.
        Shutdown = "shutdown",
        /// The client does not read the packets that the server sends.
        SlowConsumer = "slow_consumer",
        /// The transport closed without a closing packet.
        TransportClosed = "transport_closed",
        /// A dependency that must confirm the client's access did not answer.
        Unavailable = "unavailable",
    }
}
