/**
 * Types of everything that a client of a Doorward server reads.
 *
 *     socket.on("connect_error", (error) => {
 *       const { code, retry } = (error as ConnectError).data ?? {};
 *     });
 *
 * A test of the server fails if this file lacks one of its codes.
 */

/** The next step for a program. */
export type Retry = "after_login" | "after_refresh" | "later" | "never";

/** Code of a refused CONNECT. An application may add its own codes. */
export type RefusalCode =
  | "already_connected"
  | "bad_handshake"
  | "forbidden"
  | "reauthentication_required"
  | "session_expired"
  | "token_expired"
  | "too_many_attempts"
  | "too_many_namespaces"
  | "too_many_rooms"
  | "unauthenticated";

/** The error of `connect_error`. An unknown namespace ("invalid_namespace") has no `data`. */
export interface ConnectError<Own extends string = never> extends Error {
  data?: {
    code: RefusalCode | Own;
    retry?: Retry;
    /** Whole seconds. */
    retryAfter?: number;
    /** Id of the decision in the server's audit records. */
    id: string;
  };
}

/** Code of an event that failed. An application may add its own codes. */
export type ExceptionCode =
  | "bad_payload"
  | "forbidden"
  | "internal"
  | "rate_limited"
  | "reauthentication_required"
  | "timeout"
  | "too_many_rooms"
  | "unknown_event";

/** Ack of an event that failed; without an ack, the payload of the event `exception`. */
export interface ErrorAnswer<Own extends string = never> {
  status: "error";
  code: ExceptionCode | Own;
  message: string;
  /** With `bad_payload`: the problem of each field. */
  details?: { path: string; message: string }[];
  /** Whole seconds. */
  retryAfter?: number;
  id: string;
  /** In `exception` only: the event that failed. */
  event?: string;
}

/** Reason why the server ends a socket. */
export type EndCode =
  | "expired"
  | "forbidden"
  | "outdated"
  | "overloaded"
  | "replaced"
  | "revoked"
  | "shutdown"
  | "slow_consumer"
  | "unavailable";

/** Payload of the event `session_ended`. */
export interface SessionEnded {
  code: EndCode;
  retry: Retry;
  id: string;
}

/** Payload of the event `auth:expiring`. */
export interface Expiring {
  /** ISO 8601, in UTC. */
  expiresAt: string;
}

/** Ack of `auth:refresh`. */
export type Refreshed<Own extends string = never> =
  | { status: "ok"; expiresAt: string | null }
  | {
      status: "error";
      code: RefusalCode | Own;
      message: string;
      retry?: Retry;
      /** Whole seconds. */
      retryAfter?: number;
      id: string;
    };

/** Code of a request of a sign-in, or about an account, that failed. */
export type SignInCode =
  | "authentication_failed"
  | "bad_request"
  | "ceremony_over"
  | "forbidden"
  | "invalid_display_name"
  | "invalid_username"
  | "last_passkey"
  | "not_found"
  | "reauthentication_required"
  | "registration_failed"
  | "session_required"
  | "sign_up_closed"
  | "storage_full"
  | "ticket_invalid"
  | "too_many_attempts"
  | "too_many_passkeys"
  | "unavailable"
  | "username_taken";

/** Answer of the namespace `/auth`, or of `/auth/passkeys/..` over HTTP. */
export type SignInReply<Granted> =
  | ({ success: true } & Granted)
  | {
      success: false;
      code: SignInCode;
      message: string;
      /** Whole seconds. */
      retryAfter?: number;
    };

/** Answer to `webauthn:register`. */
export type RegistrationOptions = SignInReply<{
  options: PublicKeyCredentialCreationOptionsJSON;
}>;

/** Answer to `webauthn:authenticate`. */
export type AuthenticationOptions = SignInReply<{
  options: PublicKeyCredentialRequestOptionsJSON;
}>;

/** Answer to `webauthn:register:verify` and `webauthn:authenticate:verify`. */
export type SignedIn = SignInReply<
  | { message: string; ticket: string; expiresAt: string }
  /** For clients that are not browsers, if the server exposes session tokens. */
  | { message: string; sessionToken: string }
>;

/** Failure over HTTP (RFC 9457). */
export interface Problem {
  type: "about:blank";
  title: string;
  status: number;
  code: SignInCode;
  detail?: string;
  /** Whole seconds. */
  retryAfter?: number;
}

/** Answer to `GET /auth/me`. */
export interface Me {
  user: { id: string; username: string; displayName: string };
  session: { id: string; createdAt: string; signedInAt: string; expiresAt: string };
}

/** Answer to `POST /auth/token`. */
export interface AccessToken {
  token: string;
  expiresAt: string;
}

export interface Passkey {
  id: string;
  name: string;
  createdAt: string;
  lastUsedAt: string | null;
  /** `true` if its provider keeps a copy on other devices. */
  synced: boolean;
}

/** Answer to `GET /auth/passkeys`. */
export interface Passkeys {
  passkeys: Passkey[];
  /** Number of unused codes. */
  recoveryCodes: number;
}

export interface SessionInfo {
  id: string;
  /** `true` for the session of the request. */
  current: boolean;
  /** Browser and system, such as `Chrome on Linux`. */
  device: string | null;
  /** Network of the client, without the part that identifies a household. */
  network: string | null;
  createdAt: string;
  signedInAt: string;
  lastSeenAt: string;
  expiresAt: string;
  /** Number of live sockets on this server. */
  sockets: number;
}

/** Answer to `GET /auth/sessions`. */
export interface Sessions {
  sessions: SessionInfo[];
}
