// Connects with the token that was pasted, and shows what the server answers.
//
// The token lives in its field and nowhere else: it is read when the client asks for it, which it
// does again whenever it comes back by itself.

import { io } from "/socket.io/socket.io.esm.min.js";

const token = document.getElementById("token");
const connect = document.getElementById("connect");
const status = document.getElementById("status");
const message = document.getElementById("message");
const send = document.getElementById("send");
const log = document.getElementById("log");

/** Milliseconds in which the server answers an event. */
const PATIENCE = 10_000;

/** Older lines go. */
const MAX_LINES = 100;

const socket = io({
  transports: ["websocket"],
  autoConnect: false,
  auth: (give) => give({ token: token.value.trim() }),
});

socket.on("connect", async () => {
  const { id } = socket;
  try {
    const me = await socket.timeout(PATIENCE).emitWithAck("whoami");
    if (socket.id === id) show(`connected as ${me.user}`, "in");
  } catch {
    // It has left meanwhile and says so itself, or it does not answer and is of no use.
    if (socket.id === id) socket.disconnect();
  }
});

socket.on("connect_error", (error) => {
  if (socket.active) {
    // Nothing was decided: the client tries again by itself.
    write(`error: ${error.message}, trying again`);
  } else {
    show(`refused: ${error.data?.code ?? error.message}`, "out");
  }
});

socket.on("disconnect", (reason) => {
  // When only the transport broke, the client comes back by itself.
  show(`disconnected: ${reason}`, socket.active ? "waiting" : "out");
});
socket.io.on("reconnect_attempt", () => show("connecting", "waiting"));

document.getElementById("admission").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.connected) {
    socket.disconnect();
  } else if (socket.active) {
    socket.disconnect();
    show("not connected", "out");
  } else {
    show("connecting", "waiting");
    socket.connect();
  }
});

document.getElementById("speech").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (!socket.connected) return;
  const text = message.value;
  message.value = "";
  message.focus();
  try {
    const answer = await socket.timeout(PATIENCE).emitWithAck("echo", text);
    write(typeof answer === "string" ? `echo: ${answer}` : `error: ${answer?.code}`);
  } catch (error) {
    write(`error: ${error.message}`);
  }
});

/** Says where the connection stands. */
function show(text, state) {
  status.textContent = text;
  status.parentElement.dataset.state = state;
  connect.textContent = { in: "Disconnect", out: "Connect", waiting: "Cancel" }[state];
  send.disabled = state !== "in";
}

/** Adds a line to the log, as text. */
function write(text) {
  const line = document.createElement("li");
  line.textContent = text;
  log.append(line);
  while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
  line.scrollIntoView({ block: "nearest" });
}
