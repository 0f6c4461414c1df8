// The choice between a light page, a dark one, and the one that the system asks for.

import { html, useState } from "../preact.js";
import { t } from "../texts.js";
import { Icon } from "./icons.js";

/** @type {{ theme: "light" | "dark" | "system", icon: "sun" | "moon" | "desktop" }[]} */
const THEMES = [
  { theme: "light", icon: "sun" },
  { theme: "dark", icon: "moon" },
  { theme: "system", icon: "desktop" },
];

/** @param {"light" | "dark" | "system"} theme */
function choose(theme) {
  if (theme === "system") {
    localStorage.removeItem("theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("theme", theme);
    document.documentElement.dataset.theme = theme;
  }
}

export function ThemeChoice() {
  const [chosen, setChosen] = useState(document.documentElement.dataset.theme ?? "system");
  return html`
    <span class="choice" role="group" aria-label=${t("theme")}>
      ${THEMES.map(
        ({ theme, icon }) => html`
          <button
            type="button"
            aria-pressed=${String(theme === chosen)}
            title=${t(`theme_${theme}`)}
            onClick=${() => (choose(theme), setChosen(theme))}
          >
            <${Icon} name=${icon} size=${16} /><span class="hidden">${t(`theme_${theme}`)}</span>
          </button>
        `,
      )}
    </span>
  `;
}
