/**
 * Creates a socket of a namespace.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url origin and path prefix of the server, without a trailing slash
 * @param {string} namespace
 * @param {Partial<import("socket.io-client").ManagerOptions & import("socket.io-client").SocketOptions>} options
 * @returns {import("socket.io-client").Socket}
 */
export function socketOf(io: typeof import("socket.io-client").io, url: string, namespace: string, options: Partial<import("socket.io-client").ManagerOptions & import("socket.io-client").SocketOptions>): import("socket.io-client").Socket;
