// The client library as this server hands it out; its types are those of the released package.

export { io } from "../socket.io/socket.io.esm.min.js";
