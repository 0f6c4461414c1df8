// Starts a real OpenID provider, and gets tokens from it as an application would.
//
// The provider is the npm package `oidc-provider`, in a child process. Its tokens come out of the authorization code
// flow with PKCE; only the page on which a user would log in is left out, see provider/serve.mjs.

import { fork } from "node:child_process";
import { createHash, generateKeyPair, randomBytes, randomInt } from "node:crypto";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { within } from "./doorward.mjs";

/** @typedef {"RS256" | "ES256"} Algorithm */

/** @typedef {import("node:crypto").JsonWebKey & { kid: string, alg: Algorithm, use: "sig" }} Key a private key */

const SERVE = fileURLToPath(new URL("provider/serve.mjs", import.meta.url));

/**
 * Application to which all tokens are issued. Its id is also the usual audience, so that an ID token differs from an
 * access token in its kind only.
 */
const APPLICATION = { id: "chat", redirectUri: "http://localhost/signed-in" };

/** A provider, started by {@link Provider.start} and stopped by {@link Provider.stop}. */
export class Provider {
  #port;
  #keys;
  #secret = randomBytes(24).toString("base64url");
  /** Process, and the promise of its end; `undefined` while the provider is away. */
  #running;
  /** Requests of the processes that have ended. */
  #earlier = [];

  constructor(port, keys) {
    this.#port = port;
    this.#keys = keys;
  }

  /**
   * Starts a provider on a free port.
   *
   * @param {{ port?: number, keys?: Key[], algorithm?: Algorithm }} [options] `keys` are those of another provider;
   *   without them one key is created, for `algorithm`
   * @returns {Promise<Provider>}
   */
  static async start({ port, keys, algorithm = "RS256" } = {}) {
    const provider = new Provider(port ?? (await quietPort()), keys ?? [await makeKey(algorithm)]);
    await provider.start();
    return provider;
  }

  /** Issuer, `http://localhost:PORT`, without a slash at the end. @returns {string} */
  get url() {
    return `http://localhost:${this.#port}`;
  }

  /** Private keys. The first one signs, all are published. @returns {Key[]} */
  get keys() {
    return [...this.#keys];
  }

  /** Introspection (RFC 7662) and the client that may use it. */
  get introspection() {
    return { url: `${this.url}/token/introspection`, clientId: "reader", clientSecret: this.#secret };
  }

  /** Starts the provider again after {@link Provider.stop}: same port, same keys, empty memory. */
  async start() {
    if (this.#running) throw new Error("the provider is running already");
    const child = fork(SERVE, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [] });
    const kill = () => child.kill("SIGKILL");
    process.once("exit", kill);
    child.once("exit", () => process.off("exit", kill));
    let said = "";
    child.stderr.on("data", (bytes) => {
      said += bytes;
      // At the start it writes warnings about its memory; later, errors that explain why a test fails.
      if (this.#running) process.stderr.write(bytes);
    });
    const exit = new Promise((resolve) => child.once("exit", resolve));
    const ended = exit.then((code) => Promise.reject(new Error(`the provider ended with ${code}: ${said}`)));
    // It may exit later, when it is stopped.
    ended.catch(() => {});
    // The channel keeps the order, so each message answers the oldest question.
    const waiting = [];
    child.on("message", (answer) => waiting.shift()(answer));
    const ask = (question) => {
      const answer = new Promise((resolve) => waiting.push(resolve));
      // The channel fails only when the process has ended, and `ended` says that better.
      child.send(question, () => {});
      return within(Promise.race([answer, ended]), "the answer of the provider");
    };
    try {
      const reader = { id: this.introspection.clientId, secret: this.#secret };
      await ask({ issuer: this.url, keys: this.#keys, application: APPLICATION, reader });
    } catch (error) {
      kill();
      throw error;
    }
    this.#running = { ask, exit };
  }

  /**
   * Stops the provider and closes its connections. Its memory is lost: opaque tokens are inactive from then on.
   * Access tokens in JWT format stay valid, because only their keys matter.
   */
  async stop() {
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.#earlier.push(...(await running.ask("stop")));
    await within(running.exit, "the end of the provider");
  }

  /**
   * Stops the provider and starts it again on the same port. Its memory is lost, as after {@link Provider.stop}.
   *
   * @param {{ keys?: "new" | "added" | "same", algorithm?: Algorithm }} [options] with `new` only a new key is
   *   published; with `added` a new key signs, and the earlier ones are still published. `algorithm` is that of the
   *   new key.
   */
  async restart({ keys = "same", algorithm = this.#keys[0].alg } = {}) {
    const made = keys === "same" ? [] : [await makeKey(algorithm)];
    await this.stop();
    this.#keys = keys === "new" ? made : [...made, ...this.#keys];
    await this.start();
  }

  /**
   * Returns an access token in JWT format (RFC 9068).
   *
   * @param {{ user: string, audience?: string, expiresIn?: number, scope?: string }} wanted `expiresIn` in seconds;
   *   without `scope` the token has no scope
   * @returns {Promise<string>}
   */
  async accessToken({ user, audience = APPLICATION.id, expiresIn = 300, scope = "" }) {
    const resource = indicator("jwt", audience, expiresIn, scope);
    return (await this.#tokens(user, scope, resource)).access_token;
  }

  /**
   * Returns an opaque access token, which only the provider can read. It is inactive after a restart, and after about
   * 300 more tokens, because the memory of the provider is small.
   *
   * @param {{ user: string, audience?: string | null, expiresIn?: number, scope?: string }} wanted with `null` for the
   *   audience, the token has no audience, lives for 300 seconds, and has the scope `openid`
   * @returns {Promise<string>}
   */
  async opaqueToken({ user, audience = APPLICATION.id, expiresIn = 300, scope = "" }) {
    const resource = audience === null ? undefined : indicator("opaque", audience, expiresIn, scope);
    return (await this.#tokens(user, scope, resource)).access_token;
  }

  /**
   * Returns an ID token, which tells an application who has logged in and is no access token. Its audience is `chat`,
   * and it lives for 300 seconds.
   *
   * @param {{ user: string }} wanted
   * @returns {Promise<string>}
   */
  async idToken({ user }) {
    return (await this.#tokens(user, "", undefined)).id_token;
  }

  /** Revokes an opaque token (RFC 7009). The provider refuses to revoke a JWT. @param {string} token */
  async revoke(token) {
    await this.#send("/token/revocation", { token, client_id: APPLICATION.id });
  }

  /**
   * Returns all requests in their order, also those before a restart, and also those of this class. A request is
   * counted when its headers arrive, so one that has been answered is in the list.
   *
   * @returns {Promise<{ method: string, path: string, at: number }[]>} `at` in milliseconds, as in `Date.now()`
   */
  async requests() {
    return [...this.#earlier, ...((await this.#running?.ask("requests")) ?? [])];
  }

  /** Runs the authorization code flow. */
  async #tokens(user, scope, resource) {
    const verifier = randomBytes(32).toString("base64url");
    const common = { client_id: APPLICATION.id, redirect_uri: APPLICATION.redirectUri, ...(resource && { resource }) };
    const code = await this.#code({
      ...common,
      response_type: "code",
      scope: `openid ${scope}`.trim(),
      login_hint: user,
      code_challenge: createHash("sha256").update(verifier).digest("base64url"),
      code_challenge_method: "S256",
    });
    const proof = { grant_type: "authorization_code", code, code_verifier: verifier };
    return (await this.#send("/token", { ...common, ...proof })).json();
  }

  /** Follows the redirects of the provider, as a browser would, up to the one that contains the code. */
  async #code(parameters) {
    const cookies = new Map();
    let place = `/auth?${new URLSearchParams(parameters)}`;
    for (let steps = 0; steps < 5; steps += 1) {
      const sent = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
      const answer = await this.#fetch(place, { redirect: "manual", headers: { cookie: sent } });
      const text = await answer.text();
      place = answer.headers.get("location");
      if (!place) throw new Error(`the provider answered ${answer.status} without a redirect: ${text}`);
      for (const cookie of answer.headers.getSetCookie()) {
        const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
        cookies.set(name, value);
      }
      if (place.startsWith(APPLICATION.redirectUri)) {
        const { searchParams } = new URL(place);
        if (!searchParams.has("code")) throw new Error(`the provider refused: ${place}`);
        return searchParams.get("code");
      }
    }
    throw new Error(`the provider redirects without end, now to ${place}`);
  }

  async #send(path, form) {
    const answer = await this.#fetch(path, { method: "POST", body: new URLSearchParams(form) });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
    return answer;
  }

  /** Sends a request on a connection of its own, because one that is kept open ends when the provider restarts. */
  #fetch(place, { headers, ...options }) {
    const answer = fetch(new URL(place, this.url), { ...options, headers: { ...headers, connection: "close" } });
    return within(answer, `the answer to ${place}`);
  }
}

/** Writes what the token shall be into the resource indicator (RFC 8707), where provider/serve.mjs reads it. */
function indicator(format, audience, seconds, scope) {
  return `urn:resource?${new URLSearchParams({ format, audience, seconds, scope })}`;
}

/** Creates a private key with a random id. @param {Algorithm} alg @returns {Promise<Key>} */
async function makeKey(alg) {
  const [type, options] = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }] }[alg];
  const { privateKey } = await promisify(generateKeyPair)(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid: randomBytes(8).toString("hex"), alg, use: "sig" };
}

/**
 * Returns a free port below those that systems give to clients and to listeners on port 0. Another program would take
 * one of these while the provider is away, and the provider could not return.
 *
 * @returns {Promise<number>}
 */
async function quietPort() {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
