// Reconnects when waiting or another token helps, and stops when only a person can help.
//
//   npm install
//   TOKENS=http://localhost:4000/token node staying.mjs [http://localhost:3000]
//
// TOKENS is the route of your application that answers with an access token.

import { io } from "socket.io-client";

async function freshToken() {
  const answer = await fetch(process.env.TOKENS);
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return (await answer.text()).trim();
}

// #region staying
const socket = io(process.argv[2] ?? "http://localhost:3000", {
  // Called for each attempt. Without a token, it closes the transport, and the client retries.
  auth: (send) => freshToken().then((token) => send({ token }), () => socket.io.engine.close()),
});
const NO_ANSWER = { code: "no_answer", retry: "later" };
let failures = 0; // in a row
let ended; // what the server said before it ended the socket
let timer;

function again({ code, retry, retryAfter = 0 }) {
  socket.disconnect(); // By itself, it would retry every second if a transport opens and closes again.
  const helps = retry === "after_refresh" || retry === "later";
  console.log(`${helps ? "not now" : "stopped"}: ${code}`);
  const pause = Math.min(1_000 * 2 ** failures++, 60_000) * (1 + Math.random() / 4);
  if (helps) timer = setTimeout(() => socket.connect(), Math.max(pause, retryAfter * 1_000));
}

socket.on("connect", () => ([failures, ended] = [0, undefined]));
socket.on("connect_error", (error) => {
  if (socket.active) console.log(`no connection: ${error.message}`); // It retries by itself.
  else again(error.data ?? { code: error.message });
});
socket.on("session_ended", (why) => (ended = why));
socket.on("disconnect", (reason) => {
  if (reason !== "io client disconnect") again(ended ?? (socket.active ? NO_ANSWER : { code: reason }));
});
socket.on("auth:expiring", async () => {
  const token = await freshToken().catch(() => undefined);
  if (token && socket.connected) socket.emit("auth:refresh", { token }); // Otherwise it ends and reconnects.
});

function stop() {
  clearTimeout(timer);
  socket.disconnect();
}
// #endregion

process.once("SIGINT", stop);
socket.on("connect", async () => console.log(`connected as ${(await socket.emitWithAck("whoami")).user}`));
