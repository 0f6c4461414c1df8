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
