// Connects with an access token, asks who it is, and gets an echo.
//
//   npm install
//   TOKEN=$(doorward token --sub alice) node echo.mjs [http://localhost:3000]

import { io } from "socket.io-client";

const url = process.argv[2] ?? "http://localhost:3000";

// `auth` is a function, so that every new attempt reads the current token.
const socket = io(url, {
  auth: (answer) => answer({ token: process.env.TOKEN }),
});

socket.on("connect", async () => {
  const { user } = await socket.emitWithAck("whoami");
  console.log(`connected as ${user}`);
  console.log(`echo: ${await socket.emitWithAck("echo", "hello")}`);
  socket.disconnect();
});

socket.on("connect_error", (error) => {
  console.error(`not connected: ${error.message}`);
  process.exitCode = 1;
  socket.disconnect();
});
