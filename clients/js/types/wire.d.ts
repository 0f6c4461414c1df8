/**
 * What a client of a Doorward server reads, as types.
 *
 *     socket.on("connect_error", (error) => {
 *       const { code, retry } = (error as ConnectError).data ?? {};
 *     });
 *
 * A test of the server fails when it has a code that is not here.
 */

/** What a program should do next. */
export type Retry = "after_login" | "after_refresh" | "later" | "never";

/** Why a CONNECT was refused. An application may add codes of its own. */
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
    /** Names the decision in the server's audit records. */
    id: string;
  };
}

/** Why an event was answered with an error. An application may add codes of its own. */
export type ExceptionCode =
  | "bad_payload"
  | "forbidden"
  | "internal"
  | "rate_limited"
  | "reauthentication_required"
  | "timeout"
  | "too_many_rooms"
  | "unknown_event";

/** The ack of an event that failed; without an ack, the payload of the event `exception`. */
export interface ErrorAnswer<Own extends string = never> {
  status: "error";
  code: ExceptionCode | Own;
  message: string;
  /** With `bad_payload`: what is wrong, field by field. */
  details?: { path: string; message: string }[];
  /** Whole seconds. */
  retryAfter?: number;
  id: string;
  /** In `exception` only: the event at fault. */
  event?: string;
}

/** Why the server ends a socket. */
export type EndCode =
  | "expired"
  | "forbidden"
  | "overloaded"
  | "replaced"
  | "revoked"
  | "shutdown"
  | "slow_consumer"
  | "unavailable";

/** The payload of the event `session_ended`. */
export interface SessionEnded {
  code: EndCode;
  retry: Retry;
  id: string;
}

/** The payload of the event `auth:expiring`. */
export interface Expiring {
  /** ISO 8601, in UTC. */
  expiresAt: string;
}

/** The ack of `auth:refresh`. */
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

/** Why a request of a sign-in, or about an account, was not granted. */
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
  | "storage_full"
  | "ticket_invalid"
  | "too_many_attempts"
  | "too_many_passkeys"
  | "unavailable"
  | "username_taken";

/** An answer of the namespace `/auth`, or of `/auth/passkeys/..` over HTTP. */
export type SignInReply<Granted> =
  | ({ success: true } & Granted)
  | {
      success: false;
      code: SignInCode;
      message: string;
      /** Whole seconds. */
      retryAfter?: number;
    };

/** To `webauthn:register`. */
export type RegistrationOptions = SignInReply<{
  options: PublicKeyCredentialCreationOptionsJSON;
}>;

/** To `webauthn:authenticate`. */
export type AuthenticationOptions = SignInReply<{
  options: PublicKeyCredentialRequestOptionsJSON;
}>;

/** To `webauthn:register:verify` and `webauthn:authenticate:verify`. */
export type SignedIn = SignInReply<
  | { message: string; ticket: string; expiresAt: string }
  /** For clients that are no browser, where the server hands it out. */
  | { message: string; sessionToken: string }
>;

/** A failure over HTTP (RFC 9457). */
export interface Problem {
  type: "about:blank";
  title: string;
  status: number;
  code: SignInCode;
  detail?: string;
  /** Whole seconds. */
  retryAfter?: number;
}

/** `GET /auth/me`. */
export interface Me {
  user: { id: string; username: string; displayName: string };
  session: { id: string; createdAt: string; signedInAt: string; expiresAt: string };
}

/** `POST /auth/token`. */
export interface AccessToken {
  token: string;
  expiresAt: string;
}

export interface Passkey {
  id: string;
  name: string;
  createdAt: string;
  lastUsedAt: string | null;
  /** Its provider keeps a copy of it elsewhere. */
  synced: boolean;
}

/** `GET /auth/passkeys`. */
export interface Passkeys {
  passkeys: Passkey[];
  /** How many are left. */
  recoveryCodes: number;
}

export interface SessionInfo {
  id: string;
  /** It is the one that asks. */
  current: boolean;
  /** Such as `Chrome on Linux`. */
  device: string | null;
  /** From which network, without the part that names a household. */
  network: string | null;
  createdAt: string;
  signedInAt: string;
  lastSeenAt: string;
  expiresAt: string;
  /** Live sockets on this server. */
  sockets: number;
}

/** `GET /auth/sessions`. */
export interface Sessions {
  sessions: SessionInfo[];
}
