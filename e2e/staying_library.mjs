// Stays connected with `doorward-client`, and prints the same as examples/clients/node/staying.mjs.

import { io } from "socket.io-client";

import { createDoorward } from "../clients/js/src/index.js";

async function token() {
  const answer = await fetch(process.env.TOKENS);
  if (!answer.ok) throw new Error(`no token: ${answer.status}`);
  return (await answer.text()).trim();
}

const socket = createDoorward({ io, url: process.argv[2] }).connect("/", {
  token,
  async onState(state, code = "no_answer") {
    if (state === "connected") console.log(`connected as ${(await socket.emitWithAck("whoami")).user}`);
    else if (state === "reconnecting" || state === "waiting") console.log(`not now: ${code}`);
    else if (state !== "connecting" && state !== "closed") console.log(`stopped: ${code}`);
  },
});
process.once("SIGINT", () => socket.disconnect());
