// The frame of every page: the header with the way to the other pages, and the state of the connection.

import { ArtDefs } from "../art/defs.js";
import { Mark } from "../art/door.js";
import { html } from "../preact.js";
import { language, speak, t } from "../texts.js";
import { apps, base, signOut } from "../view.js";
import { Avatar } from "./avatar.js";
import { HowButton } from "./how.js";
import { Icon } from "./icons.js";
import { Menu } from "./menu.js";
import { Status, Trouble } from "./status.js";
import { ThemeChoice } from "./theme.js";
import { Toasts } from "./toast.js";

/** @typedef {import("../doorward-client/wire").Me["user"]} User */
/** @typedef {"home" | "chat" | "mole" | "account"} Page */
/** @typedef {import("./status.js").Live} Live */

/**
 * The frame of a page for a user who is signed in.
 *
 * @param {{
 *   me: User,
 *   page: Page,
 *   live?: Live,
 *   unread?: number,
 *   how?: import("./how.js").How,
 *   children?: unknown,
 * }} props
 */
export function Frame({ me, page, live, unread = 0, how, children }) {
  return html`
    <a class="skip" href="#main">${t("skip")}</a>
    <header class="header">
      <${Brand} />
      <nav class="nav" aria-label=${t("pages")}>
        ${pages().map((one) => html`<${PageLink} key=${one} one=${one} page=${page} unread=${one === "chat" ? unread : 0} />`)}
      </nav>
      <div class="header-end">
        ${live && html`<${Status} live=${live} />`}
        ${how && html`<${HowButton} how=${how} />`}
        <${UserMenu} me=${me} page=${page} />
        <button type="button" class="button icon" data-testid="signout" title=${t("signout")} onClick=${signOut}>
          <${Icon} name="signout" /><span class="hidden">${t("signout")}</span>
        </button>
      </div>
    </header>
    ${live && html`<${Trouble} live=${live} />`}
    <main id="main" class="page page-${page}" tabindex="-1">${children}</main>
    <${Toasts} />
    <${ArtDefs} />
  `;
}

/** The frame of the page on which users sign in. @param {{ children?: unknown }} props */
export function Outside({ children }) {
  return html`
    <header class="header outside">
      <${Brand} />
      <div class="header-end">
        <${LanguageButton} />
        <${ThemeChoice} />
      </div>
    </header>
    <main id="main" class="page outside">${children}</main>
    <${ArtDefs} />
  `;
}

function Brand() {
  return html`<a class="brand" href="${base}/"><${Mark} size=${28} /><span>Doorward</span></a>`;
}

/** @returns {Page[]} */
function pages() {
  const mounted = /** @type {const} */ (["chat", "mole"]).filter((app) => apps.includes(app));
  return ["home", ...mounted, "account"];
}

/** @param {{ one: Page, page: Page, unread: number }} props */
function PageLink({ one, page, unread }) {
  return html`
    <a href="${base}/${one === "home" ? "" : one}" aria-current=${one === page ? "page" : undefined}>
      <${Icon} name=${one} />
      <span>${t(one)}</span>
      ${unread > 0 && html`<span class="count" data-testid="unread">${unread}</span>`}
    </a>
  `;
}

/** @param {{ me: User, page: Page }} props */
function UserMenu({ me, page }) {
  const button = html`
    <${Avatar} id=${me.id} name=${me.displayName} />
    <span class="name" data-testid="whoami">${me.displayName}</span>
    <${Icon} name="chevron-down" size=${16} />
  `;
  return html`
    <${Menu} class="user" button=${button} label=${t("menu_of", { name: me.displayName })}>
      <a class="menu-item" href="${base}/account" aria-current=${page === "account" ? "page" : undefined}>
        <${Icon} name="account" />${t("account")}
      </a>
      <button type="button" class="menu-item" lang=${otherLanguage()} onClick=${() => speak(otherLanguage())}>
        <${Icon} name="globe" />${t("language")}
      </button>
      <div class="menu-item"><${Icon} name="contrast" />${t("theme")}<span class="end"><${ThemeChoice} /></span></div>
    <//>
  `;
}

function LanguageButton() {
  return html`
    <button type="button" class="button bare" lang=${otherLanguage()} onClick=${() => speak(otherLanguage())}>
      <${Icon} name="globe" />${t("language")}
    </button>
  `;
}

const otherLanguage = () => (language === "en" ? "ko" : "en");
