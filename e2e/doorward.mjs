// Starts the real server, makes tokens, and waits for things with a deadline.
//
// E2E_DOORWARD is the path of the binary. Every server has its own port and data directory, so test
// files may run in parallel. Nothing here sleeps: a test waits for an event, and fails at a deadline
// with the name of that event.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Manager } from "socket.io-client";

/** Milliseconds until a wait fails. Generous for busy machines; a test that passes never waits this long. */
export const DEADLINE = 50_000;

/** Limit of each test, longer than all deadlines that it can wait for. */
export const LIMIT = { timeout: 120_000 };

// A runner that is terminated must not leave servers running: `exit` handlers stop them.
process.once("SIGTERM", () => process.exit(143));

/** A running server, stopped by {@link Doorward.stop}. */
export class Doorward {
  #child;
  #exit;
  #said;

  constructor(child, exit, said, url, dataDir) {
    this.#child = child;
    this.#exit = exit;
    this.#said = said;
    /** `http://localhost:PORT`, or with TLS `https://`, or `unix:PATH` @type {string} */
    this.url = url;
    /** @type {string} */
    this.dataDir = dataDir;
    /** @type {number} */
    this.port = Number(new URL(url).port);
  }

  /** Creates an access token with the command of the server. @returns {Promise<string>} */
  async token(sub = "alice", ttl = "5m") {
    const made = await run(["token", "--sub", sub, "--ttl", ttl, "--data-dir", this.dataDir]);
    if (made.code !== 0) {
      throw new Error(`doorward token ended with ${made.code}: ${made.stderr}`);
    }
    return made.stdout.trim();
  }

  /** Sends SIGTERM and does not wait. */
  terminate() {
    this.#child.kill("SIGTERM");
  }

  /** Sends Ctrl-C and does not wait. */
  interrupt() {
    this.#child.kill("SIGINT");
  }

  /** Returns what the server has written to standard error. @returns {string} */
  complaints() {
    return this.#said();
  }

  /** Sends a signal and does not wait. @param {NodeJS.Signals} name */
  signal(name) {
    this.#child.kill(name);
  }

  /** Waits until the server has written `text` to standard error. @param {string} text */
  complained(text) {
    const written = new Promise((resolve) => {
      const look = () => this.complaints().includes(text) && resolve();
      this.#child.stderr.on("data", look);
      look();
    });
    return within(written, `the line ${text}`);
  }

  /** Waits until the server has exited. @returns {Promise<number | null>} its exit code */
  exited() {
    return within(this.#exit, "the end of the server");
  }

  /** Stops the server as an operator would, and removes its data. */
  async stop() {
    this.terminate();
    const code = await this.exited();
    await rm(this.dataDir, { recursive: true, force: true });
    if (code !== 0) {
      throw new Error(`the server ended with ${code} after SIGTERM, not with 0`);
    }
  }
}

/**
 * Starts a server and waits until it prints its address.
 *
 * @param {{ listen?: string, dataDir?: string, settings?: Record<string, string>, config?: string }} [options]
 *   `settings` are environment variables without their prefix, such as `SESSION__LIFETIME`; `config` is a file
 */
export async function startDoorward({ listen = "localhost:0", dataDir, settings = {}, config } = {}) {
  const data = dataDir ?? (await freshFolder());
  const variables = Object.entries(settings).map(([name, value]) => [`DOORWARD_${name}`, value]);
  const child = spawn(binary(), ["serve", "--listen", listen, "--data-dir", data, ...(config ? ["--config", config] : [])], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...Object.fromEntries(variables) },
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const exit = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (https?:\/\/localhost:\d+|unix:[^,]+)/.exec(line);
      if (found) resolve(found[1]);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  try {
    return new Doorward(child, exit, () => said, await within(ready, "`listening on`"), data);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** Returns a free port, for programs that need their port before they start. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Creates an empty folder; the caller removes it. */
export function freshFolder() {
  return mkdtemp(join(tmpdir(), "doorward-e2e-"));
}

/**
 * Runs the binary until it exits.
 *
 * @param {string[]} args
 * @returns {Promise<{ code: number | string, stdout: string, stderr: string }>}
 */
export function run(args, program = binary(), options = {}) {
  return new Promise((resolve) => {
    execFile(program, args, { timeout: DEADLINE, ...options }, (error, stdout, stderr) => {
      resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr });
    });
  });
}

/**
 * Creates a client that counts its attempts. It does not connect yet.
 *
 * `opened` counts opened transports, `retries` counts reconnect attempts, and `refusals` holds the
 * error of every `connect_error`.
 *
 * @param {{ after: (work: () => void) => void }} t the test that disconnects the client
 */
export function makeClient(t, url, { namespace = "/", auth = {}, ...options } = {}) {
  const manager = new Manager(url, {
    autoConnect: false,
    // A second attempt, if any, happens early enough for a short watch to see it.
    reconnectionDelay: 50,
    randomizationFactor: 0,
    ...options,
  });
  const socket = manager.socket(namespace, { auth });
  const client = { manager, socket, opened: 0, retries: 0, refusals: [] };
  manager.on("open", () => (client.opened += 1));
  manager.on("reconnect_attempt", () => (client.retries += 1));
  socket.on("connect_error", (error) => client.refusals.push(error));
  t.after(() => socket.disconnect());
  return client;
}

/** Connects with a good token and waits until the server has admitted it. */
export async function admitted(t, server, options = {}) {
  const client = makeClient(t, server.url, { auth: { token: await server.token() }, ...options });
  const connected = next(client.socket, "connect");
  client.socket.connect();
  await connected;
  return client;
}

/** Returns the arguments of the next `event`. @returns {Promise<any[]>} */
export function next(emitter, event) {
  const seen = new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
  return within(seen, `\`${event}\``);
}

/** Sends an event and waits for its ack. */
export function ask(socket, event, ...args) {
  return within(socket.emitWithAck(event, ...args), `the ack of \`${event}\``);
}

/** Waits for `promise` until the deadline. @template T @param {Promise<T>} promise */
export async function within(promise, what, milliseconds = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`timed out while waiting for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Waits for a while, only to show that something does *not* happen. A test that expects something to
 * happen waits for its event instead.
 */
export function watch(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Sends one HTTP request, without following redirects.
 *
 * @returns {Promise<{ status: number, headers: http.IncomingHttpHeaders, body: Buffer }>}
 */
export function request(url, { headers = {}, method = "GET" } = {}) {
  const answer = new Promise((resolve, reject) => {
    const sent = http.request(url, { headers, method, agent: false }, (response) => {
      const parts = [];
      response.on("data", (part) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode: status, headers } = response;
        resolve({ status, headers, body: Buffer.concat(parts) });
      });
    });
    sent.on("error", reject);
    sent.end();
  });
  return within(answer, `the answer to ${method} ${url}`);
}

function binary() {
  const path = process.env.E2E_DOORWARD;
  if (!path) {
    throw new Error("E2E_DOORWARD is not set: run this through `cargo xtask test`");
  }
  return path;
}
