// Distinguishes a refusal from a failed connection, and handles each.
//
//   npm install
//   TOKEN=$(doorward token --sub alice) node auth.mjs [http://localhost:3000]
//
// With a valid token it prints `connected`; without one, `refused: unauthenticated (after_login)`.

import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";

// Called before each attempt. A real program reads the token from its store, and fetches a new one
// shortly before the old one expires.
async function freshToken() {
  return process.env.TOKEN;
}

// #region auth
const socket = io(url, {
  auth: async (send) => send({ token: await freshToken() }),
});
// #endregion

socket.on("connect", () => {
  console.log("connected");
  socket.disconnect();
});

socket.on("connect_error", (error) => {
  if (socket.active) {
    // The server could not be reached. The client retries by itself.
    console.error(`no connection: ${error.message}`);
    return;
  }
  // The server has refused. The client does not reconnect until `socket.connect()` is called, and
  // `retry` says when that helps: `after_login`, `after_refresh`, `later` or `never`.
  const { code, retry } = error.data ?? { code: error.message, retry: "never" };
  console.log(`refused: ${code} (${retry})`);
});
