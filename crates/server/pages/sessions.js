// Where one is signed in, and the end of it.

import { t, when } from "./texts.js";
import { doorward, html, useEffect, useState } from "./view.js";

/** @param {{ run: (work: () => Promise<unknown>) => Promise<boolean> }} props */
export function Sessions({ run }) {
  const [sessions, setSessions] = useState(/** @type {import("./doorward-client/wire").SessionInfo[]} */ ([]));
  const load = async () => setSessions((await doorward.sessions()).sessions);
  const then = (/** @type {() => Promise<unknown>} */ work) => () =>
    run(async () => {
      await work();
      await load();
    });
  useEffect(() => void run(load), []);

  const line = (/** @type {import("./doorward-client/wire").SessionInfo} */ session) =>
    [
      session.network,
      t("session_since", { time: when(session.createdAt) }),
      t("session_seen", { time: when(session.lastSeenAt) }),
      t("session_sockets", { count: session.sockets }),
    ]
      .filter((part) => part !== null)
      .join(" · ");
  return html`
    <section aria-labelledby="sessions">
      <h2 id="sessions">${t("sessions")}</h2>
      <ul class="rows">
        ${sessions.map(
          (session) => html`<li key=${session.id} data-testid="session-row" data-current=${String(session.current)}>
            <div>
              <strong>${session.device ?? t("session_unknown")}</strong>
              ${session.current && html`<span class="badge">${t("session_current")}</span>`}
              <span class="help">${line(session)}</span>
            </div>
            ${!session.current &&
            html`<button type="button" class="plain" data-testid="session-revoke" onClick=${then(() => doorward.endSession(session.id))}>
              ${t("session_revoke")}
            </button>`}
          </li>`,
        )}
      </ul>
      ${sessions.length > 1 &&
      html`<button type="button" class="second" data-testid="session-revoke-others" onClick=${then(() => doorward.endOtherSessions())}>
        ${t("session_revoke_others")}
      </button>`}
    </section>
  `;
}
