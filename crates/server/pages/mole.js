// The page at `/mole`: a game of whack-a-mole with the other players of the room.

import { explain, t } from "./texts.js";
import { Banner } from "./live.js";
import { Board } from "./mole/board.js";
import { isOn, turn } from "./mole/sound.js";
import { useGame } from "./mole/state.js";
import { Problem, SignedIn, html, show, toSignIn, useEffect, useState } from "./view.js";

/** The room of the address, which friends share. */
const ROOM = (new URLSearchParams(location.search).get("room") ?? "lobby").toLowerCase();

/** @param {{ me: { id: string, displayName: string } }} props */
function Game({ me }) {
  const game = useGame(ROOM, toSignIn);
  const [sound, setSound] = useState(isOn());
  const players = [...game.players.values()].sort((one, other) => other.score - one.score);
  const own = game.players.get(me.id);
  const mayStart = game.playing && (game.phase === "waiting" || game.phase === "over");

  return html`
    <h1>${t("mole")} · <span data-testid="whoami">${me.displayName}</span></h1>
    <${Banner} state=${game.state} code=${game.code} connect=${game.connect} />
    <${Problem} error=${game.problem && explain(game.problem)} />
    <div role="status" data-testid="mole-moved">${game.moved && html`<p class="help">${t("mole_moved")}</p>`}</div>
    <div class="game" data-phase=${game.phase} data-testid="mole-game">
      <div class="table">
        <p class="status">
          <span aria-live="polite">${t(`mole_${game.phase}`)} <${Clock} endsAt=${game.endsAt} /></span>
          <span>${t("mole_score")} <strong data-testid="mole-score">${own?.score ?? 0}</strong></span>
          <span>${t("mole_combo")} <strong data-testid="mole-combo">${own?.combo ?? 0}</strong></span>
        </p>
        <${Board} game=${game} />
        <div class="actions">
          <button type="button" data-testid="mole-start" disabled=${!mayStart || game.state !== "connected"} onClick=${game.start}>
            ${t(game.phase === "over" ? "mole_again" : "mole_start")}
          </button>
          <button type="button" class="second" data-testid="mole-watch" onClick=${() => game.join(!game.watching)}>
            ${t(game.watching ? "mole_play" : "mole_watch")}
          </button>
          <button
            type="button"
            class="second"
            aria-pressed=${String(sound)}
            data-testid="mole-sound"
            onClick=${() => (turn(!sound), setSound(!sound))}
          >
            ${t(sound ? "mole_sound_on" : "mole_sound_off")}
          </button>
        </div>
      </div>
      <div>
        <section aria-labelledby="players">
          <h2 id="players">${t("mole_players", { room: ROOM })}</h2>
          <ol class="ranking">
            ${players.map(
              (player) => html`
                <li key=${player.user} data-testid="mole-player" data-here=${String(player.here)} class=${player.user === me.id ? "mine" : ""}>
                  <span>${player.name}</span>
                  <span>${player.combo > 1 && html`<span class="badge">×${player.combo}</span>`} <strong>${player.score}</strong></span>
                </li>
              `,
            )}
          </ol>
          <p class="help">${t("mole_spectators", { count: game.spectators })}</p>
        </section>
        ${game.ranking.length > 0 &&
        html`
          <section aria-labelledby="result" data-testid="mole-result">
            <h2 id="result">${t("mole_result")}</h2>
            <ol class="ranking">
              ${game.ranking.slice(0, 10).map(
                (row) => html`
                  <li key=${row.user}>
                    <span>${row.name}</span>
                    <span>${t("mole_row", { hits: row.hits, misses: row.misses })} <strong>${row.score}</strong></span>
                  </li>
                `,
              )}
            </ol>
          </section>
        `}
        <section aria-labelledby="top">
          <h2 id="top">${t("mole_top")}</h2>
          <ol class="ranking" data-testid="mole-top">
            ${game.top.map((best) => html`<li><span>${best.name}</span> <strong>${best.score}</strong></li>`)}
          </ol>
        </section>
      </div>
    </div>
    <p class="help">${t("mole_help")}</p>
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

show(html`<${SignedIn} page=${Game} />`);
