// Starts the real server, makes tokens, and waits for things with a deadline.
//
// The binary is named by E2E_DOORWARD. Every server gets a port and a data directory of its own, so
// test files may run side by side. Nothing here sleeps: a test waits for an event, and a deadline
// that passes fails the test with the name of what did not come.

import { execFile, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { Manager } from "socket.io-client";

/** Generous: a busy machine may be slow, and a test that passes never waits this long. */
export const DEADLINE = 50_000;

/** For every test: longer than all deadlines that one test can wait for. */
export const LIMIT = { timeout: 120_000 };

// A runner that is ended must not leave servers behind: `exit` handlers end them.
process.once("SIGTERM", () => process.exit(143));

/** A running server, ended by {@link Doorward.stop}. */
export class Doorward {
  #child;
  #exit;

  constructor(child, exit, url, dataDir) {
    this.#child = child;
    this.#exit = exit;
    /** `http://localhost:PORT` @type {string} */
    this.url = url;
    /** @type {string} */
    this.dataDir = dataDir;
    /** @type {number} */
    this.port = Number(new URL(url).port);
  }

  /** Makes an access token with the server's own command. @returns {Promise<string>} */
  async token(sub = "alice", ttl = "5m") {
    const made = await run(["token", "--sub", sub, "--ttl", ttl, "--data-dir", this.dataDir]);
    if (made.code !== 0) {
      throw new Error(`doorward token ended with ${made.code}: ${made.stderr}`);
    }
    return made.stdout.trim();
  }

  /** Asks the server to end and does not wait. */
  terminate() {
    this.#child.kill("SIGTERM");
  }

  /** Waits until the server has ended by itself. @returns {Promise<number | null>} its exit code */
  exited() {
    return within(this.#exit, "the end of the server");
  }

  /** Ends the server as an operator would, and removes its data. */
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
 * Starts a server and waits until it says that it listens.
 *
 * @param {{ listen?: string, dataDir?: string, settings?: Record<string, string>, config?: string }} [options]
 *   `settings` are variables of the environment without their prefix, such as `SESSION__LIFETIME`; `config` is a file
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
      const found = /listening on (http:\/\/localhost:\d+)/.exec(line);
      if (found) resolve(found[1]);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
  });
  try {
    return new Doorward(child, exit, await within(ready, "`listening on`"), data);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** A port that nothing listens on, for what must be told its port before it starts. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A new empty folder; whoever asks for it removes it. */
export function freshFolder() {
  return mkdtemp(join(tmpdir(), "doorward-e2e-"));
}

/**
 * Runs the binary to its end.
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
 * Makes a client that counts what it does, and does not connect yet.
 *
 * `opened` counts transports that were opened, `retries` attempts to come back, `refusals` holds
 * the error of every `connect_error`.
 *
 * @param {{ after: (work: () => void) => void }} t the test that ends the client
 */
export function makeClient(t, url, { namespace = "/", auth = {}, ...options } = {}) {
  const manager = new Manager(url, {
    transports: ["websocket"],
    autoConnect: false,
    // A second attempt, if there were one, comes soon enough to be seen by a short watch.
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

/** The arguments of the next `event`. @returns {Promise<any[]>} */
export function next(emitter, event) {
  const seen = new Promise((resolve) => emitter.once(event, (...args) => resolve(args)));
  return within(seen, `\`${event}\``);
}

/** Sends an event and waits for its ack. */
export function ask(socket, event, ...args) {
  return within(socket.emitWithAck(event, ...args), `the ack of \`${event}\``);
}

/** Waits for `promise`, but not for ever. @template T @param {Promise<T>} promise */
export async function within(promise, what, milliseconds = DEADLINE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Watches for a while, to show that something does *not* happen. Only for that: a test that waits
 * for something to happen waits for its event.
 */
export function watch(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * One HTTP request, without following redirects.
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
