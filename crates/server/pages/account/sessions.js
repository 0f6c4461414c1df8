// Where the user is signed in, and the end of it.

import { iconOfDevice, nameOfDevice, nameOfNetwork } from "../door/words.js";
import { Icon } from "../parts/icons.js";
import { ago, useNow } from "../parts/time.js";
import { toast } from "../parts/toast.js";
import { t } from "../texts.js";
import { doorward, html, useEffect, useState } from "../view.js";

/** @typedef {import("../doorward-client/wire").SessionInfo} Session */

/** @param {{ run: import("../account.js").Run }} props */
export function Sessions({ run }) {
  const [sessions, setSessions] = useState(/** @type {Session[]} */ ([]));
  const now = useNow(60_000);
  const load = async () => setSessions((await doorward.sessions()).sessions);
  useEffect(() => void run(load), []);

  /** @param {Session} session */
  const end = (session) =>
    run(async () => {
      await doorward.endSession(session.id);
      await load();
      toast(t("session_ended", { device: nameOfDevice(session.device) }));
    });
  const endOthers = () =>
    run(async () => {
      const { ended } = await doorward.endOtherSessions();
      await load();
      toast(t("sessions_ended", { count: ended }));
    });
  return html`
    <section class="card" aria-labelledby="sessions">
      <div class="card-head"><h2 id="sessions">${t("sessions")}</h2><span class="tag">${sessions.length}</span></div>
      <ul>
        ${sessions.map((session) => html`<${Row} key=${session.id} session=${session} now=${now} end=${() => end(session)} />`)}
      </ul>
      ${sessions.length > 1 &&
      html`<div class="item">
        <button type="button" class="button danger wide" data-testid="session-revoke-others" onClick=${endOthers}>${t("session_revoke_others")}</button>
      </div>`}
    </section>
  `;
}

/** @param {{ session: Session, now: number, end: () => void }} props */
function Row({ session, now, end }) {
  const { current, device, network } = session;
  const since = t("session_since", { time: ago(session.signedInAt, now) });
  return html`
    <li class="item" data-testid="session-row" data-current=${String(current)}>
      <span class="item-icon ${current ? "current" : ""}"><${Icon} name=${iconOfDevice(device)} /></span>
      <div>
        <strong>${nameOfDevice(device)}</strong> ${current && html`<span class="tag good">${t("session_current")}</span>`}
        <p>
          ${session.sockets > 0
            ? html`<span class="active"><span class="dot on" aria-hidden="true"></span>${t("session_active", { count: session.sockets })}</span>`
            : t("session_seen", { time: ago(session.lastSeenAt, now) })}
        </p>
        <p>${network === null ? since : t("session_from", { since, network: nameOfNetwork(network) })}</p>
      </div>
      ${!current &&
      html`<button type="button" class="button" data-testid="session-revoke" onClick=${end}>${t("session_revoke")}</button>`}
    </li>
  `;
}
