// Signs a token as NestJS's `JwtService` does, and talks in the room of its team.
import { createHmac } from "node:crypto";
import { io } from "socket.io-client";

function sign(claims) { // Your login does this.
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...claims, iat: now, exp: now + 300 })}`;
  return `${signed}.${createHmac("sha256", process.env.JWT_SECRET).update(signed).digest("base64url")}`;
}

const socket = io(process.argv[2] ?? "http://localhost:3000", {
  auth: (send) => send({ token: sign({ sub: "alice", team: "red" }) }),
});

socket.on("connect", async () => {
  console.log("her own room:", await socket.emitWithAck("join", "team:red"));
  console.log("has been heard by:", await socket.emitWithAck("say", "team:red", "hello"));
  console.log("another room:", (await socket.emitWithAck("join", "team:blue")).code);
  socket.disconnect();
});

socket.on("connect_error", (error) => {
  console.error(`not connected: ${error.message}`);
  process.exitCode = 1;
  socket.disconnect();
});
