// Signs in over HTTP, connects with the cookie, signs out, and reads the end of its socket.
//
//   npm install
//   node cookie.mjs [http://localhost:3000]
//
// A browser stores and sends the cookie by itself. There, `io(url, { withCredentials: true })` is enough if the
// page is served from another origin.

import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";
const headers = { origin: url, "content-type": "application/json" };

const signedIn = await fetch(`${url}/session`, {
  method: "POST",
  headers,
  body: JSON.stringify({ user: "alice" }),
});
const cookie = signedIn.headers.getSetCookie()[0].split(";")[0];
console.log(`signed in: ${signedIn.status}`);

const socket = io(url, { extraHeaders: { cookie, origin: url } });

socket.on("connect_error", (error) => console.log(`refused: ${error.data?.code}`));
socket.on("session_ended", ({ code }) => console.log(`ended: ${code}`));
socket.on("disconnect", () => console.log(`reconnects by itself: ${socket.active}`));

socket.on("connect", async () => {
  console.log(`connected as ${await socket.emitWithAck("whoami")}`);
  const left = new Promise((resolve) => socket.once("disconnect", resolve));
  const signedOut = await fetch(`${url}/session`, {
    method: "DELETE",
    headers: { ...headers, cookie },
  });
  // The answer and the end of the socket arrive on two connections, in any order.
  await left;
  console.log(`signed out: ${signedOut.status}`);
});
