// Tells a refusal from a connection that only failed, and reacts to each.
//
//   npm install
//   TOKEN=$(doorward token --sub alice) node auth.mjs [http://localhost:3000]
//
// With a good token it prints `connected`; without one, `refused: unauthenticated (after_login)`.

import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";

// Asked before every attempt. A real program takes the token from where it keeps it, and gets a new
// one when the old one is about to expire.
async function freshToken() {
  return process.env.TOKEN;
}

// #region auth
const socket = io(url, {
  transports: ["websocket"],
  auth: async (send) => send({ token: await freshToken() }),
});
// #endregion

socket.on("connect", () => {
  console.log("connected");
  socket.disconnect();
});

socket.on("connect_error", (error) => {
  if (socket.active) {
    // The server could not be reached. The client tries again by itself.
    console.error(`no connection: ${error.message}`);
    return;
  }
  // The server has decided. The client stays away until `socket.connect()` is called, and
  // `retry` says what makes that worth while: `after_login`, `after_refresh`, `later` or `never`.
  const { code, retry } = error.data ?? { code: error.message, retry: "never" };
  console.log(`refused: ${code} (${retry})`);
});
