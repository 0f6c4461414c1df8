// Splits the address of a server: sockets take its origin and its path apart, requests take both in one.

/**
 * Creates a socket of a namespace.
 *
 * @param {typeof import("socket.io-client").io} io
 * @param {string} url origin and path prefix of the server, without a trailing slash
 * @param {string} namespace
 * @param {Partial<import("socket.io-client").ManagerOptions & import("socket.io-client").SocketOptions>} options
 * @returns {import("socket.io-client").Socket}
 */
export function socketOf(io, url, namespace, options) {
  const [, origin = "", path = ""] = /^(\w+:\/\/[^/]*)?(.*)$/.exec(url) ?? [];
  return io(origin + namespace, { ...options, path: `${path}/socket.io/` });
}
