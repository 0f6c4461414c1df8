// Starts the servers on which several nodes store what they share. Each listens on a Unix socket only.

import { spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { freshFolder, within } from "./doorward.mjs";

/** Starts a Redis server. @returns {Promise<{ path: string, url: string, kill: () => boolean }>} */
export async function startRedis() {
  const path = join(await freshFolder(), "redis.sock");
  const child = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", ""], { stdio: ["ignore", "pipe", "inherit"] });
  process.once("exit", () => child.kill("SIGKILL"));
  const ready = new Promise((resolve) => child.stdout.on("data", (bytes) => String(bytes).includes("eady to accept connections") && resolve()));
  await within(ready, "the start of Redis");
  return { path, url: `redis+unix://${path}`, kill: () => child.kill("SIGKILL") };
}

/** Starts a PostgreSQL server with an empty database. @returns {Promise<{ url: string, stop: () => void }>} */
export async function startPostgres() {
  const program = join(dirname(process.env.E2E_DOORWARD), "examples", "postgres");
  const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
  const url = new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`PostgreSQL ended with ${code}`)));
  });
  return { url: await within(url, "the start of PostgreSQL"), stop: () => child.stdin.end() };
}
