// Shows a new token before the old one expires, and keeps its connection.
//
//   npm install
//   TOKENS=http://localhost:4000/token node refreshing.mjs [http://localhost:3000]
//
// TOKENS is the route of your application that answers with an access token.

import { io } from "socket.io-client";

const freshToken = async () => (await (await fetch(process.env.TOKENS)).text()).trim();

const socket = io(process.argv[2] ?? "http://localhost:3000", {
  auth: async (send) => send({ token: await freshToken() }),
});

// #region refresh
socket.on("auth:expiring", async () => {
  const answer = await socket.emitWithAck("auth:refresh", { token: await freshToken() });
  console.log(answer.status === "ok" ? "refreshed" : `will end: ${answer.code}`);
});
// #endregion

socket.on("connect", () => console.log("connected"));
socket.on("connect_error", (error) => console.error(`no connection: ${error.message}`));
