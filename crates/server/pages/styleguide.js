// The page at `/styleguide`, in profile `development`: every part of which pages are made, in all its states.

import { DoorScene, Mark } from "./art/door.js";
import { MoleInHole } from "./art/mole.js";
import { Avatar } from "./parts/avatar.js";
import { Dialog } from "./parts/dialog.js";
import { Field } from "./parts/field.js";
import { Outside } from "./parts/frame.js";
import { ICONS, Icon } from "./parts/icons.js";
import { Menu } from "./parts/menu.js";
import { Trouble } from "./parts/status.js";
import { Toasts, toast } from "./parts/toast.js";
import { html, show, useState } from "./view.js";

const COLOURS = [
  ...["ground", "surface", "raised", "sunken", "line", "edge", "text", "quiet", "faint", "accent", "on-accent", "soft"],
  ...["opened", "warn", "warn-soft", "bad", "bad-soft", "info", "info-soft", "replaced", "replaced-soft"],
];

const TONES = ["", "good", "info", "replaced", "bad", "warn"];

/** @type {import("./parts/status.js").Live["state"][]} */
const STATES = ["reconnecting", "offline", "waiting", "refused", "replaced", "revoked", "expired", "closed"];

function Styleguide() {
  const [name, setName] = useState("mina");
  const [isOpen, setOpen] = useState(false);
  return html`<${Outside}>
    <div class="guide">
      <h1>Styleguide</h1>
      <${Part} title="Colours">
        <ul class="row">
          ${COLOURS.map((name) => html`<li><span class="swatch" style=${{ background: `var(--${name})` }}></span><span class="small">${name}</span></li>`)}
        </ul>
      <//>
      <${Part} title="Type">
        <p class="hero">Hero 46/50</p>
        <h1>Title 26/32</h1>
        <h2>Section 17/24</h2>
        <p>Text 14/20, on phones 16/24.</p>
        <p class="small help">Small 13/18, quiet.</p>
        <p><code>Code</code></p>
      <//>
      <${Part} title="Buttons">
        <p class="row">
          <button type="button" class="button">Button</button>
          <button type="button" class="button main"><${Icon} name="plus" />Main</button>
          <button type="button" class="button danger">Danger</button>
          <button type="button" class="button main danger">Danger, main</button>
          <button type="button" class="button bare">Bare</button>
          <button type="button" class="button icon" title="Icon"><${Icon} name="pencil" /><span class="hidden">Icon</span></button>
          <button type="button" class="button" disabled>Disabled</button>
          <button type="button" class="button main" disabled>Main, disabled</button>
          <button type="button" class="link">Link</button>
        </p>
        <p><button type="button" class="button main large"><${Icon} name="passkey" />Large</button></p>
      <//>
      <${Part} title="Fields">
        <${Field} id="guide-field" label="Field" value=${name} onInput=${setName} note="A note that helps." />
        <${Field} id="guide-wrong" label="Field with an error" value=${name} onInput=${setName} error="What is wrong, and what to do." />
      <//>
      <${Part} title="Tags, counts, dots and avatars">
        <p class="row">
          ${TONES.map((tone) => html`<span class="tag ${tone}">${tone || "plain"}</span>`)}
          <span class="count">3</span><span class="dot"></span><span class="dot on"></span><span class="dot waiting"></span>
        </p>
        <p class="row">${["mina", "jun", "sora.kim", "이 준", "theo", "ada", "kit"].map((name) => html`<${Avatar} id=${name} name=${name} />`)}</p>
      <//>
      <${Part} title="Dialog, menu and receipt">
        <p class="row">
          <button type="button" class="button" onClick=${() => setOpen(true)}>Open a dialog</button>
          <${Menu} class="button" button="Open a menu" label="Menu">
            <button type="button" class="menu-item"><${Icon} name="account" />One</button>
            <button type="button" class="menu-item"><${Icon} name="signout" />Two</button>
          <//>
          <button type="button" class="button" onClick=${() => toast("What was done. 2 connections closed.")}>Show a receipt</button>
        </p>
        ${isOpen &&
        html`<${Dialog} id="guide-dialog" title="A question?" onClose=${() => setOpen(false)}>
          <p>What happens, and what cannot be undone.</p>
          <p class="row end"><button type="button" class="button" onClick=${() => setOpen(false)}>Cancel</button></p>
        <//>`}
      <//>
      <${Part} title="States of the connection">
        ${STATES.map((state) => html`<${Trouble} live=${{ state, code: "code", connect: () => {}, retryAt: undefined }} />`)}
      <//>
      <${Part} title="Icons">
        <ul class="row">
          ${ICONS.map((name) => html`<li class="guide-icon"><${Icon} name=${name} /><span class="small">${name}</span></li>`)}
        </ul>
      <//>
      <${Part} title="Art">
        <p class="row art-row">
          <${Mark} size=${64} />
          ${["shut", "ajar", "open"].map((state) => html`<${DoorScene} state=${state} square />`)}
          ${["plain", "golden", "helmet", "crown", "hit"].map((kind) => html`<${MoleInHole} kind=${kind} />`)}
        </p>
      <//>
      <${Toasts} />
    </div>
  <//>`;
}

/** @param {{ title: string, children?: unknown }} props */
function Part({ title, children }) {
  return html`
    <section class="card">
      <div class="card-head"><h2>${title}</h2></div>
      <div class="card-body stack">${children}</div>
    </section>
  `;
}

show(html`<${Styleguide} />`, "Styleguide");
