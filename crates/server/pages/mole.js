// The page at `/mole`: a game of whack-a-mole with the other players of the room.

import { Board } from "./mole/board.js";
import { isOn, turn } from "./mole/sound.js";
import { useGame } from "./mole/state.js";
import { Frame } from "./parts/frame.js";
import { Icon } from "./parts/icons.js";
import { explain, t } from "./texts.js";
import { Loading, Problem, html, show, toSignIn, useEffect, useMe, useState } from "./view.js";

/** The room of the address, which friends share. */
const ROOM = roomOf(new URLSearchParams(location.search).get("room") ?? "");

/** Makes a valid name of what a person has typed. @param {string} typed */
function roomOf(typed) {
  const name = typed.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 32);
  return name === "" ? "lobby" : name;
}

function Page() {
  const me = useMe();
  return me === null ? html`<${Loading} />` : html`<${Game} key=${me.user.id} me=${me.user} />`;
}

/** @type {import("./parts/how.js").How} */
const HOW = {
  name: "mole",
  file: "crates/apps/src/mole/gateway.rs",
  notes: [
    { line: "PerUser::ReplaceOldest(1)", text: t("how_mole_one") },
    { line: "#[guard(RateLimit", text: t("how_mole_guard") },
    { line: "async fn strike", text: t("how_mole_strike") },
  ],
};

/** @param {{ me: import("./parts/frame.js").User }} props */
function Game({ me }) {
  const game = useGame(ROOM, toSignIn);
  const [sound, setSound] = useState(isOn());
  const players = [...game.players.values()].sort((one, other) => other.score - one.score);
  const own = game.players.get(me.id);
  const isAway = !["connecting", "connected"].includes(game.state);
  const mayStart = game.playing && (game.phase === "waiting" || game.phase === "over");

  return html`
    <${Frame} me=${me} page="mole" live=${game} how=${HOW}>
      <div class="page-head"><h1>${t("mole")}</h1></div>
      <${Problem} error=${game.problem && explain(game.problem)} />
      <div role="status" data-testid="mole-moved">${game.moved && html`<p class="help">${t("mole_moved")}</p>`}</div>
      <div class="game" data-phase=${game.phase} data-testid="mole-game">
        <div class="table">
          <p class="game-status">
            <span><span aria-live="polite">${t(`mole_${game.phase}`)}</span> <${Clock} endsAt=${isAway ? 0 : game.endsAt} /></span>
            <span>${t("mole_score")} <strong data-testid="mole-score">${own?.score ?? 0}</strong></span>
            <span>${t("mole_combo")} <strong data-testid="mole-combo">${own?.combo ?? 0}</strong></span>
          </p>
          <div class="board-place">
            <${Board} game=${isAway ? { ...game, moles: new Map(), struck: new Map() } : game} />
            ${isAway && html`<${Away} game=${game} />`}
          </div>
          <div class="game-actions">
            <button
              type="button"
              class="button main"
              data-testid="mole-start"
              disabled=${!mayStart || game.state !== "connected"}
              onClick=${game.start}
            >
              ${t(game.phase === "over" ? "mole_again" : "mole_start")}
            </button>
            <button type="button" class="button" data-testid="mole-watch" onClick=${() => game.join(!game.watching)}>
              <${Icon} name=${game.watching ? "gamepad" : "eye"} />${t(game.watching ? "mole_play" : "mole_watch")}
            </button>
            <button
              type="button"
              class="button"
              aria-pressed=${String(sound)}
              data-testid="mole-sound"
              onClick=${() => (turn(!sound), setSound(!sound))}
            >
              <${Icon} name=${sound ? "sound" : "sound-off"} />${t(sound ? "mole_sound_on" : "mole_sound_off")}
            </button>
          </div>
        </div>
        <div class="game-side">
          <${Players} game=${game} players=${players} me=${me.id} />
          ${game.ranking.length > 0 && html`<${Result} ranking=${game.ranking} />`}
          <section class="card" aria-labelledby="top">
            <div class="card-head"><${Icon} name="trophy" /><h2 id="top">${t("mole_top")}</h2></div>
            <ol class="ranking" data-testid="mole-top">
              ${game.top.map((best) => html`<li><span>${best.name}</span> <strong>${best.score}</strong></li>`)}
            </ol>
          </section>
        </div>
      </div>
      <p class="help small">${t("mole_help")}</p>
    <//>
  `;
}

/** The board while it is not connected. Nothing on it moves. @param {{ game: ReturnType<typeof useGame> }} props */
function Away({ game }) {
  const isTaken = game.state === "replaced";
  return html`
    <div class="board-away" data-testid="mole-away" role="status">
      <${Icon} name=${isTaken ? "replaced" : "offline"} size=${40} />
      <strong>${t(isTaken ? "mole_taken" : "mole_away")}</strong>
      ${isTaken &&
      html`<button type="button" class="button main" data-testid="mole-here" onClick=${game.connect}>${t("mole_here")}</button>`}
    </div>
  `;
}

/**
 * @param {{
 *   game: ReturnType<typeof useGame>,
 *   players: { user: string, name: string, here: boolean, score: number, combo: number }[],
 *   me: string,
 * }} props
 */
function Players({ game, players, me }) {
  return html`
    <section class="card" aria-labelledby="players">
      <div class="card-head"><${Icon} name="people" /><h2 id="players">${t("mole_players", { room: ROOM })}</h2></div>
      <ol class="ranking">
        ${players.map(
          (player) => html`
            <li key=${player.user} data-testid="mole-player" data-here=${String(player.here)} class=${player.user === me ? "mine" : ""}>
              <span>${player.name}</span>
              <span>${player.combo > 1 && html`<span class="tag">×${player.combo}</span>`} <strong>${player.score}</strong></span>
            </li>
          `,
        )}
      </ol>
      <p class="card-body help small">${t("mole_spectators", { count: game.spectators })}</p>
    </section>
  `;
}

/** @param {{ ranking: ReturnType<typeof useGame>["ranking"] }} props */
function Result({ ranking }) {
  return html`
    <section class="card" aria-labelledby="result" data-testid="mole-result">
      <div class="card-head"><${Icon} name="star" /><h2 id="result">${t("mole_result")}</h2></div>
      <ol class="ranking">
        ${ranking.slice(0, 10).map(
          (row) => html`
            <li key=${row.user}>
              <span>${row.name}</span>
              <span>${t("mole_row", { hits: row.hits, misses: row.misses })} <strong>${row.score}</strong></span>
            </li>
          `,
        )}
      </ol>
    </section>
  `;
}

/** The seconds that are left. @param {{ endsAt: number }} props */
function Clock({ endsAt }) {
  const [now, setNow] = useState(performance.now());

  useEffect(() => {
    if (endsAt === 0) return;
    const timer = setInterval(() => setNow(performance.now()), 200);
    return () => clearInterval(timer);
  }, [endsAt]);
  const left = Math.max(0, Math.ceil((endsAt - now) / 1000));
  return endsAt === 0 ? "" : html`<strong class="clock" data-testid="mole-clock">${left}</strong>`;
}

show(html`<${Page} />`, t("mole"));
