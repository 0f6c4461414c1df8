import { io } from "socket.io-client";
import { createDoorward } from "doorward-client";

const doorward = createDoorward({ io });

await doorward.signUp({ username: "alice" }); // or signIn(), or signIn({ username: "alice" })
console.log((await doorward.me()).user.displayName);

const socket = doorward.connect("/", {
  onState: (state, code = "") => console.log(state, code),
});
console.log(await socket.emitWithAck("echo", "hello"));
