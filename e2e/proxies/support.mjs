// Starts nginx, HAProxy or Caddy with the settings of docs/proxies.md, in front of a real server.

import { execFile, spawn } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

import { freePort, freshFolder, startDoorward, within } from "../doorward.mjs";

// Each proxy and each server is stopped when the program exits.
process.setMaxListeners(0);

const DOCS = new URL("../../docs/proxies.md", import.meta.url);

export const PROXIES = ["nginx", "haproxy", "caddy"];

/**
 * Reads the settings in the documentation: for a whole host, and below a path, for nginx with a Unix socket and with
 * two nodes, and for HAProxy that forwards TCP.
 *
 * @param {string} proxy
 */
export async function settings(proxy) {
  const text = await readFile(DOCS, "utf8");
  const blocks = [...text.matchAll(new RegExp("^```" + proxy + "\\n(.*?)^```$", "gms"))].map(([, block]) => block);
  const [host, path, third, fourth] = blocks;
  const expected = { nginx: 4, haproxy: 3, caddy: 2 };
  if (blocks.length !== expected[proxy]) throw new Error(`docs/proxies.md has ${blocks.length} settings of ${proxy}`);
  if (proxy === "nginx") {
    const servers = "server 10.0.0.1:3000;\n    server 10.0.0.2:3000;";
    const both = host.replace("server 127.0.0.1:3000;", servers).replace("http://doorward;", "http://$doorward_node;");
    return { host, path, unix: host.replace("server 127.0.0.1:3000;", third.trim()), nodes: `${fourth}\n${both}` };
  }
  if (proxy === "haproxy") return { host, path, tcp: third };
  return { host, path };
}

/** Reads the settings of a server without a proxy in a document, with the port and the files of the test. */
export async function ownTls(document, folder, port) {
  const text = await readFile(document, "utf8");
  const [, block] = /^```toml\n(.*?\[tls\].*?)^```$/ms.exec(text);
  const places = {
    "/etc/letsencrypt/live/chat.example.org/fullchain.pem": join(folder, "localhost.crt"),
    "/etc/letsencrypt/live/chat.example.org/privkey.pem": join(folder, "localhost.key"),
    "https://chat.example.org": `https://localhost:${port}`,
  };
  return Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), block);
}

/**
 * Starts a server behind a proxy.
 *
 * @param {{ after: (work: () => unknown) => void }} t
 * @param {string} proxy
 * @param {"host" | "path" | "unix" | "tcp"} where
 */
export async function startBehind(t, proxy, where, variables = {}) {
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const certificate = await makeCertificate(folder);
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const tls = { PROXY_PROTOCOL: "true", TLS__CERTIFICATE: join(folder, "localhost.crt"), TLS__KEY: join(folder, "localhost.key") };
  const server = await startDoorward({
    listen: where === "unix" ? `unix:${folder}/doorward.sock` : "localhost:0",
    settings: {
      PUBLIC_URL: url + (where === "path" ? "/chat/" : ""),
      TRUSTED_PROXIES: '["127.0.0.1", "::1"]',
      ...(where === "tcp" && tls),
      ...variables,
    },
  });
  t.after(() => server.stop());
  const text = filled((await settings(proxy))[where], folder, port, server.port);
  await startProxy(t, proxy, text, folder, port);
  return { server, url, port, folder, ca: certificate };
}

/**
 * Starts two nodes behind nginx, which chooses the node of a client by its cookie.
 *
 * @param {{ after: (work: () => unknown) => void }} t
 * @param {string} redis URL of their Redis
 */
export async function startNodesBehindNginx(t, redis) {
  const folder = await freshFolder();
  t.after(() => rm(folder, { recursive: true, force: true }));
  const ca = await makeCertificate(folder);
  const port = await freePort();
  const url = `https://localhost:${port}`;
  const start = async (name) => {
    const settings = { REDIS__URL: redis, CLUSTER__NODE: name, PUBLIC_URL: url, TRUSTED_PROXIES: '["127.0.0.1", "::1"]' };
    const node = await startDoorward({ settings: { ...settings, POLLING__NODE_COOKIE: "doorward_node" } });
    t.after(() => node.stop());
    return node;
  };
  const nodes = [await start("eu-1"), await start("eu-2")];
  const [one, two] = nodes.map((node) => `127.0.0.1:${node.port}`);
  const text = (await settings("nginx")).nodes.replaceAll("10.0.0.1:3000", one).replaceAll("10.0.0.2:3000", two);
  await startProxy(t, "nginx", filled(text, folder, port, 0), folder, port);
  return { nodes, url, ca };
}

/** Replaces ports, addresses and files in the settings with those of the test, and nothing else. */
function filled(text, folder, port, serverPort) {
  const places = {
    "listen 443": `listen 127.0.0.1:${port}`,
    "bind :443": `bind 127.0.0.1:${port}`,
    "127.0.0.1:3000": `127.0.0.1:${serverPort}`,
    "/run/doorward": folder,
    "/etc/ssl/chat.example.org": join(folder, "localhost"),
    "chat.example.org {": `https://localhost:${port} {\n    tls ${folder}/localhost.crt ${folder}/localhost.key`,
    "chat.example.org": "localhost",
  };
  return Object.entries(places).reduce((text, [from, to]) => text.replaceAll(from, to), text);
}

/** Starts a proxy with the settings and what it needs to run without privileges and beside others. */
async function startProxy(t, proxy, text, folder, port) {
  const file = join(folder, proxy);
  // As root, nginx would serve as another user, who cannot write to the folder.
  const user = process.getuid() === 0 ? "user root;\n" : "";
  const around = {
    nginx: [
      `${user}daemon off;\npid ${folder}/pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n` +
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};\n`).join("") +
        `${text}\n}\n`,
      ["nginx", "-p", folder, "-e", "stderr", "-c", file],
    ],
    haproxy: [text, ["haproxy", "-db", "-f", file]],
    caddy: [
      `{\n    admin off\n    auto_https disable_redirects\n    default_bind 127.0.0.1\n}\n${text}`,
      ["caddy", "run", "--adapter", "caddyfile", "--config", file],
    ],
  };
  const [content, [program, ...args]] = around[proxy];
  await writeFile(file, content);
  const child = spawn(program, args, {
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin`, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const exit = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGTERM");
    await within(exit, `the end of ${proxy}`);
  });
  let said = "";
  child.stderr.on("data", (bytes) => (said += bytes));
  const ended = exit.then((code) => Promise.reject(new Error(`${proxy} ended with ${code}: ${said}`)));
  // It may exit later, when it is stopped.
  ended.catch(() => {});
  await Promise.race([within(accepts(port), `${proxy} on port ${port}`), ended]);
}

/** Waits until the proxy listens. */
async function accepts(port) {
  for (;;) {
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isOpen) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Creates a self-signed certificate for localhost; nginx reads two files, HAProxy one. */
export async function makeCertificate(folder) {
  const [key, crt] = [join(folder, "localhost.key"), join(folder, "localhost.crt")];
  await promisify(execFile)("openssl", [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
    ...["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", crt],
  ]);
  const certificate = await readFile(crt, "utf8");
  await writeFile(join(folder, "localhost.pem"), certificate + (await readFile(key, "utf8")));
  return certificate;
}
