// Runs a real OpenID provider on loopback, in a process of its own. `../provider.mjs` starts it and talks to it.
//
// The first message of the parent is the settings. Each message after that is a question, which is answered with the
// requests so far; after the answer to `stop` the process ends.

import http from "node:http";

import { Provider } from "oidc-provider";

/** @typedef {{ method: string, path: string, at: number }} Seen */

/**
 * @typedef {object} Settings
 * @property {string} issuer
 * @property {import("node:crypto").JsonWebKey[]} keys private keys; the first one signs, all are published
 * @property {{ id: string, redirectUri: string }} application client to which tokens are issued
 * @property {{ id: string, secret: string }} reader client that may introspect tokens
 */

// A parent that is killed leaves no provider running.
process.once("disconnect", () => process.exit());
process.once("message", serve);

/** Starts the provider, tells the parent, and answers its questions. @param {Settings} settings */
function serve(settings) {
  const provider = new Provider(settings.issuer, configuration(settings));
  provider.on("server_error", (_, error) => console.error(error));
  const answer = provider.callback();
  /** @type {Seen[]} */
  const seen = [];
  const server = http.createServer((request, response) => {
    const [path] = request.url.split("?");
    seen.push({ method: request.method, path, at: Date.now() });
    if (path.startsWith("/interaction/")) {
      admit(provider, request, response).catch((error) => response.writeHead(500).end(String(error)));
    } else {
      answer(request, response);
    }
  });
  process.on("message", (question) => {
    if (question !== "stop") return process.send(seen);
    server.close();
    server.closeAllConnections();
    process.send(seen, () => process.exit());
  });
  server.listen(Number(new URL(settings.issuer).port), "127.0.0.1", () => process.send("ready"));
}

/** Configures the provider: two clients, and access tokens whose form the resource indicator decides. */
function configuration({ keys, application, reader }) {
  const { alg, kid } = keys[0];
  return {
    jwks: { keys },
    clients: [
      { client_id: application.id, redirect_uris: [application.redirectUri], token_endpoint_auth_method: "none" },
      { client_id: reader.id, client_secret: reader.secret, grant_types: [], response_types: [], redirect_uris: [] },
    ],
    clientDefaults: { id_token_signed_response_alg: alg },
    scopes: ["openid"],
    findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    // Without a resource indicator an access token lives as long as an ID token.
    ttl: { AccessToken: (_, { resourceServer }) => resourceServer?.accessTokenTTL ?? 300, IdToken: 300 },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, indicator) => {
          const wanted = new URL(indicator).searchParams;
          return {
            audience: wanted.get("audience"),
            scope: wanted.get("scope"),
            accessTokenFormat: wanted.get("format"),
            accessTokenTTL: Number(wanted.get("seconds")),
            jwt: { sign: { alg, kid } },
          };
        },
      },
    },
  };
}

/** Logs in the user of the `login_hint` and grants all that the client asks for, without a page. */
async function admit(provider, request, response) {
  const { params } = await provider.interactionDetails(request, response);
  const accountId = params.login_hint;
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope("openid");
  if (params.resource) grant.addResourceScope(params.resource, params.scope);
  const result = { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}
