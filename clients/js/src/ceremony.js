// Signs up and signs in, step by step, over the socket or over HTTP.
//
// Both transports carry the same steps; `Send` sends one of them and returns its answer. The ticket at the end is
// always exchanged over HTTP, because a socket cannot set a cookie.

import { DoorwardError, OFFLINE, ofConnect } from "./error.js";
import { request } from "./http.js";
import { create, get } from "./passkeys.js";
import { socketOf } from "./place.js";
import { drawProof } from "./proof.js";

/** Milliseconds until a step over the socket times out. */
const PATIENCE = 15_000;

/** @typedef {(step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>} Send */

/**
 * Opens a connection to `/auth`, and closes it after the work.
 *
 * @template T
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function overSocket(io, url, work) {
  // A separate connection: an existing one keeps the cookie that it was opened with.
  const socket = socketOf(io, url, "/auth", { forceNew: true, reconnection: false });
  try {
    return await work(async (step, payload) => {
      const answer = await new Promise((resolve, reject) => {
        socket.once("connect_error", (error) => reject(ofConnect(error)));
        const answered = socket.timeout(PATIENCE).emitWithAck(`webauthn:${step}`, payload);
        answered.then(resolve, (cause) => {
          reject(new DoorwardError(OFFLINE, "The server does not answer", { cause }));
        });
      });
      if (answer?.success === true) return answer;
      throw new DoorwardError(answer?.code ?? "internal", answer?.message ?? "", {
        retryAfter: answer?.retryAfter,
      });
    });
  } finally {
    socket.disconnect();
  }
}

/**
 * Runs the work with requests over HTTP.
 *
 * @template T
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export function overHttp(url, work) {
  return work((step, payload, signal) => {
    return request(url, "POST", `/auth/passkeys/${step.replace(":", "/")}`, payload, signal);
  });
}

/**
 * Makes an account with a passkey.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username: string, displayName?: string, signal?: AbortSignal }} who `signal` aborts it until the passkey is made
 */
export async function signUp(url, send, { signal, ...who }) {
  const { verifier, challenge } = await drawProof();
  const { options } = await send("register", { ...who, challenge });
  const credential = await create(options, signal);
  const { ticket } = await send("register:verify", { credential });
  await exchange(url, ticket, verifier);
}

/**
 * Signs in with a passkey. Without a user name, the authenticator chooses among its passkeys.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username?: string, autofill?: boolean, signal?: AbortSignal, chosen?: () => void }} how `signal` aborts
 *   it until a passkey is `chosen`
 */
export async function signIn(url, send, { username, autofill, signal, chosen }) {
  const { verifier, challenge } = await drawProof();
  const { options } = await send("authenticate", username ? { username, challenge } : { challenge }, signal);
  const credential = await get(options, { autofill, signal });
  chosen?.();
  const { ticket } = await send("authenticate:verify", { credential });
  await exchange(url, ticket, verifier);
}

/**
 * Exchanges a ticket for the session cookie. The verifier proves that the ticket is ours.
 *
 * @param {string} url
 * @param {string} ticket
 * @param {string} verifier
 */
export async function exchange(url, ticket, verifier) {
  await request(url, "POST", "/auth/session", { ticket, verifier });
}
