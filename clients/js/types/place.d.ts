/**
 * Makes a socket of a namespace.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url the origin of the server, and the path below which it is, without a slash at the end
 * @param {string} namespace
 * @param {Partial<import("socket.io-client").ManagerOptions & import("socket.io-client").SocketOptions>} options
 * @returns {import("socket.io-client").Socket}
 */
export function socketOf(io: typeof import("socket.io-client").io, url: string, namespace: string, options: Partial<import("socket.io-client").ManagerOptions & import("socket.io-client").SocketOptions>): import("socket.io-client").Socket;
