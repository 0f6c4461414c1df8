// The page at `/`: users sign in on it, and it is their home when they are signed in.
//
// The server knows who is signed in; nothing is kept here.

import { DoorScene } from "./art/door.js";
import { MoleInHole } from "./art/mole.js";
import { News } from "./door/news.js";
import { useDoor } from "./door/state.js";
import { Timeline } from "./door/timeline.js";
import { placeOf } from "./door/words.js";
import { isProtected } from "./account/protection.js";
import { nextAddress } from "./next.js";
import { Frame } from "./parts/frame.js";
import { Icon } from "./parts/icons.js";
import { toast } from "./parts/toast.js";
import { SignIn } from "./signin.js";
import { explain, t } from "./texts.js";
import { Loading, apps, base, doorward, html, maybeSignedIn, show, tabs, takeReason, useEffect, useRef, useState } from "./view.js";

/** @typedef {import("./doorward-client/wire").Me} Me */

/** Why the user was signed out on the page before this one. */
const FIRST_REASON = takeReason();

function App() {
  const [me, setMe] = useState(/** @type {Me | null | undefined} */ (maybeSignedIn ? undefined : null));
  const [reason, setReason] = useState(FIRST_REASON);

  const look = async () => {
    try {
      const me = await doorward.me();
      const next = nextAddress(location, base);
      if (next !== null) return location.replace(next);
      setReason("");
      setMe(me);
    } catch {
      setMe(null);
    }
  };
  const signedIn = async () => {
    tabs.postMessage("changed");
    setReason("");
    await look();
  };
  useEffect(() => {
    if (maybeSignedIn) look();
    tabs.onmessage = look;
  }, []);
  useEffect(() => {
    document.title = me ? "Doorward" : `${t("signin_short")} · Doorward`;
  }, [me]);

  if (me === undefined) return html`<${Loading} />`;
  if (me === null) return html`<${SignIn} onSignedIn=${signedIn} reason=${reason && t(reasonKey(reason))} />`;
  return html`<${Home} key=${me.user.id} me=${me} />`;
}

/** @param {string} reason */
function reasonKey(reason) {
  return /** @type {import("./texts.js").Key} */ (reason === "deleted" ? "account_removed" : `state_${reason}`);
}

/** @type {import("./parts/how.js").How} */
const HOW = {
  name: "door",
  file: "crates/server/src/door.rs",
  notes: [
    { line: "principals.watch(me.user())", text: t("how_door_watch") },
    { line: "#[guard(RateLimit", text: t("how_door_guard") },
    { line: "principals.revoke(", text: t("how_door_end") },
  ],
};

/** @param {{ me: Me }} props */
function Home({ me }) {
  const door = useDoor();
  const { state } = door.live;
  const open = door.lines.filter(({ to }) => to === null);

  /** @param {import("./door/state.js").Line} line */
  const end = async (line) => {
    try {
      await door.end(line.socket ?? "");
      toast(t("door_ended", { place: placeOf(line.namespace) }));
    } catch (error) {
      const { code, retryAfter } = /** @type {{ code?: string, retryAfter?: number }} */ (error);
      toast(explain(code ?? "offline", retryAfter));
    }
  };
  return html`
    <${Frame} me=${me.user} page="home" live=${door.live} how=${HOW}>
      <div class="page-head">
        <h1>${t(greeting(), { name: me.user.displayName })}</h1>
        <${Another} />
      </div>
      <section class="card door" aria-labelledby="door">
        <div class="card-head">
          <h2 id="door">${t("door")}</h2>
          <span class="tag good" data-testid="door-count"><span class="dot on" aria-hidden="true"></span>${t("door_count", { count: open.length })}</span>
          <span class="help small">${t("door_help")}</span>
        </div>
        <div class="door-body">
          <${DoorScene} state=${state === "connected" ? "open" : state === "connecting" ? "ajar" : "shut"} />
          <${Timeline} lines=${door.lines} own=${door.own} onEnd=${end} />
        </div>
        <${News} events=${door.events} />
      </section>
      <div class="cards">
        ${apps.includes("chat") && html`<${ChatCard} />`}
        ${apps.includes("mole") && html`<${MoleCard} />`}
        <${AccountCard} />
      </div>
    <//>
  `;
}

/** Maximum number of further connections that this page opens. */
const MAX_MORE = 3;

/** Opens a further connection of this user, which the door then shows. */
function Another() {
  const sockets = useRef(/** @type {Set<import("socket.io-client").Socket>} */ (new Set()));

  useEffect(() => () => sockets.current.forEach((socket) => socket.disconnect()), []);
  const open = () => {
    if (sockets.current.size >= MAX_MORE) return toast(t("door_enough", { max: MAX_MORE }));
    /** It says that it connects before it is here. @type {import("socket.io-client").Socket | null} */
    let own = null;
    own = doorward.connect("/", {
      onState: (state) => {
        const isOver = ["closed", "expired", "refused", "replaced", "revoked"].includes(state);
        if (isOver && own !== null) sockets.current.delete(own);
      },
    });
    sockets.current.add(own);
  };
  return html`
    <button type="button" class="button" data-testid="door-another" onClick=${open}><${Icon} name="plus" />${t("door_another")}</button>
  `;
}

function ChatCard() {
  return html`
    <a class="card tile" href="${base}/chat">
      <span class="tile-head"><span class="tile-icon"><${Icon} name="chat" /></span><strong>${t("chat")}</strong></span>
      <span class="help">${t("chat_about")}</span>
      <span class="tile-go"><${Icon} name="arrow-right" /></span>
    </a>
  `;
}

function MoleCard() {
  return html`
    <a class="card tile tile-mole" href="${base}/mole">
      <span class="tile-head"><span class="tile-icon"><${Icon} name="mole" /></span><strong>${t("mole")}</strong></span>
      <span class="tile-text">${t("mole_about")}</span>
      <span class="tile-art" aria-hidden="true"><${MoleInHole} kind="crown" /></span>
    </a>
  `;
}

/** What is missing so that a lost device does not lock the user out. */
function AccountCard() {
  const [mine, setMine] = useState(/** @type {import("./doorward-client/wire").Passkeys | null} */ (null));

  useEffect(() => void doorward.passkeys().then(setMine, () => {}), []);
  const isSafe = mine !== null && isProtected(mine);
  return html`
    <a class="card tile" href="${base}/account">
      <span class="tile-head">
        <span class="tile-icon ${mine !== null && !isSafe ? "warn" : ""}"><${Icon} name="shield" /></span><strong>${t("account")}</strong>
        ${mine !== null && !isSafe && html`<span class="tag warn">${t("account_step")}</span>`}
      </span>
      <span class="help">
        ${mine !== null && t(isSafe ? "account_safe" : "account_unsafe", { passkeys: mine.passkeys.length, codes: mine.recoveryCodes })}
      </span>
      <span class="tile-go"><${Icon} name="arrow-right" /></span>
    </a>
  `;
}

/** @returns {import("./texts.js").Key} */
function greeting() {
  const hour = new Date().getHours();
  if (hour < 5) return "welcome_night";
  if (hour < 12) return "welcome_morning";
  return hour < 18 ? "welcome_day" : "welcome_evening";
}

show(html`<${App} />`, "");
