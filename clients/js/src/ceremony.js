// Sign-up and sign-in, step by step, over the socket or over HTTP.
//
// Both say the same; a way is a function that sends one step and returns its answer. Whatever way was taken,
// the ticket at its end is exchanged over HTTP, because a socket cannot set a cookie.

import { DoorwardError, OFFLINE, ofConnect } from "./error.js";
import { request } from "./http.js";
import { create, get } from "./passkeys.js";
import { socketOf } from "./place.js";
import { drawProof } from "./proof.js";

/** Milliseconds that one step may take. */
const PATIENCE = 15_000;

/** @typedef {(step: "register" | "register:verify" | "authenticate" | "authenticate:verify", payload: object, signal?: AbortSignal) => Promise<any>} Send */

/**
 * Opens a link to `/auth`, and closes it when the work is done.
 *
 * @template T
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url
 * @param {(send: Send) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function overSocket(io, url, work) {
  // A link of its own: others keep the cookie that they were opened with.
  const socket = socketOf(io, url, "/auth", { transports: ["websocket"], forceNew: true, reconnection: false });
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
 * @param {{ username: string, displayName?: string }} who
 */
export async function signUp(url, send, who) {
  const { verifier, challenge } = await drawProof();
  const { options } = await send("register", { ...who, challenge });
  const credential = await create(options);
  const { ticket } = await send("register:verify", { credential });
  await exchange(url, ticket, verifier);
}

/**
 * Signs in with a passkey; without a user name, with whichever the authenticator finds.
 *
 * @param {string} url
 * @param {Send} send
 * @param {{ username?: string, autofill?: boolean, signal?: AbortSignal, chosen?: () => void }} how `signal` ends
 *   it before a passkey was `chosen`
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
 * A ticket, and the proof that it is ours, for the cookie.
 *
 * @param {string} url
 * @param {string} ticket
 * @param {string} verifier
 */
export async function exchange(url, ticket, verifier) {
  await request(url, "POST", "/auth/session", { ticket, verifier });
}
