// Starts the programs of `examples/`, and those beside this file. Cargo builds them with the tests.

import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { within } from "./doorward.mjs";

export const SECRET = "a secret that is long enough for HS256";

/** Starts a program of `examples/`. @param {string} name the file's name without `.rs` */
export function startExample(name, environment = {}) {
  return startProgram(join(dirname(process.env.E2E_DOORWARD), "examples", name), environment);
}

/** Starts a program of `examples/` without a log on a terminal, where it prints its address. */
export async function startQuietExample(name) {
  const program = join(dirname(process.env.E2E_DOORWARD), "examples", name);
  // `script` runs it on a terminal.
  return startProgram("script", {}, {
    args: ["--quiet", "--return", "--command", program, "/dev/null"],
    line: /^Listening on (http:\/\/localhost:\d+)\s*$/,
  });
}

/**
 * Starts a program and waits until its log has its address.
 *
 * @param {string} name its path
 * @returns {Promise<{ url: string, said: () => string, stop: () => Promise<void> }>}
 */
export async function startProgram(name, environment = {}, { args = [], line: wanted = LISTENING } = {}) {
  const child = spawn(name, args, {
    env: {
      ...process.env,
      NO_COLOR: "1",
      RUST_LOG: "info",
      JWT_SECRET: SECRET,
      LISTEN: "localhost:0",
      ...environment,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let said = "";
  child.stdout.on("data", (bytes) => (said += bytes));
  process.once("exit", () => child.kill("SIGKILL"));
  const exit = new Promise((resolve) => child.once("exit", resolve));
  const ready = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = wanted.exec(line)?.[1];
      if (found) resolve(found.replace("127.0.0.1", "localhost"));
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}`)));
  });
  const at = await within(ready, `the address of ${name}`);
  const url = at.startsWith("http") ? at : `http://${at}`;
  return {
    url,
    said: () => said,
    async stop() {
      child.kill("SIGTERM");
      await within(exit, `the end of ${name}`);
    },
  };
}

/** Signs an HS256 token as NestJS's `JwtService` does. */
export function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const head = part({ alg: "HS256", typ: "JWT" });
  const signed = `${head}.${part({ iat: now, exp: now + 300, ...claims })}`;
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}

/** Matches the log line with the address. */
const LISTENING = /Listening\..*address=(127\.0\.0\.1:\d+)/;
