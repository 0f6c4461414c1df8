// The game as the server tells it. Nothing is decided here: a press asks, and the answer says what it was.

import { useRef, useState } from "../view.js";
import { useLive } from "../live.js";
import { play } from "./sound.js";

/**
 * @typedef {"waiting" | "countdown" | "playing" | "over"} Phase
 * @typedef {{ user: string, name: string, here: boolean, score: number, combo: number, hits: number }} Player
 * @typedef {{ user: string, name: string, score: number, hits: number, misses: number }} Ranked
 * @typedef {{ mole: number, hole: number }} Mole
 * @typedef {{ hit: boolean, reason?: string, points?: number, score?: number, combo?: number }} Struck
 */

/**
 * @param {string} room
 * @param {(state: import("../live.js").State) => void} onSignedOut
 */
export function useGame(room, onSignedOut) {
  const [, setVersion] = useState(0);
  const changed = () => setVersion((version) => version + 1);
  const kept = useRef(/** @type {ReturnType<typeof begin> | null} */ (null));
  kept.current ??= begin();
  const game = kept.current;

  const live = useLive("/mole", onSignedOut, (socket) => {
    /** @param {string} event @param {(payload: any) => void} take */
    const on = (event, take) => socket.on(event, (payload) => (take(payload), changed()));
    socket.on("connect", () => join(game.watching));
    on("state", ({ phase, endsIn, moles, players, spectators, playing }) => {
      game.players = new Map(players.map((/** @type {Player} */ player) => [player.user, player]));
      game.moles = new Map(moles.map((/** @type {Mole} */ mole) => [mole.hole, mole.mole]));
      Object.assign(game, { spectators, playing, struck: new Map() });
      if (phase !== "over") game.ranking = [];
      enter(phase, endsIn);
      socket.emitWithAck("top").then((top) => Array.isArray(top) && ((game.top = top), changed()));
    });
    on("phase", ({ phase, endsIn }) => {
      if (phase === "countdown") Object.assign(game, { ranking: [], struck: new Map(), moved: false });
      if (phase === "playing") play("start");
      if (phase === "over") play("over");
      if (phase !== "playing") game.moles.clear();
      enter(phase, endsIn);
    });
    on("mole_up", ({ mole, hole }) => {
      game.moles.set(hole, mole);
      game.struck.delete(hole);
    });
    on("mole_down", ({ mole, hole }) => {
      if (game.moles.get(hole) === mole) game.moles.delete(hole);
      game.struck.delete(hole);
    });
    on("player", (player) => game.players.set(player.user, player));
    on("player_gone", ({ user }) => game.players.delete(user));
    on("scores", (scores) => {
      for (const score of scores) {
        const player = game.players.get(score.user);
        if (player) game.players.set(score.user, { ...player, ...score });
      }
    });
    // Another server runs the game now. Its state has come already, or comes next.
    on("moved", () => (game.moved = true));
    on("spectators", (count) => (game.spectators = count));
    on("ranking", (ranking) => (game.ranking = ranking));
    on("top", (top) => (game.top = top));
  });

  /** @param {Phase} phase @param {number | null} endsIn */
  const enter = (phase, endsIn) => {
    game.phase = phase;
    game.endsAt = endsIn === null ? 0 : performance.now() + endsIn;
  };
  /** @param {boolean} watch */
  const join = async (watch) => {
    clearTimeout(game.retry);
    const answer = await live.socket.current?.timeout(5_000).emitWithAck("join", { room, watch }).catch(() => null);
    game.problem = answer?.status === "error" ? answer.code : "";
    if (!game.problem) game.watching = watch;
    // The server that runs the game is gone, and another one takes it over within some seconds.
    if (game.problem === "unavailable") again(watch, 2);
    if (game.problem === "rate_limited") again(watch, answer.retryAfter ?? 1);
    changed();
  };
  /** @param {boolean} watch @param {number} seconds */
  const again = (watch, seconds) => {
    clearTimeout(game.retry);
    game.retry = setTimeout(() => join(watch), 1_000 * seconds);
  };
  /** @param {number} hole */
  const strike = async (hole) => {
    // What is pressed while there is no connection is not kept for later.
    if (game.phase !== "playing" || !game.playing || !live.socket.current?.connected) return;
    const mole = game.moles.get(hole) ?? null;
    /** @type {Struck | undefined} */
    const struck = await live.socket.current?.timeout(5_000).emitWithAck("strike", { hole, mole }).catch(() => undefined);
    play(struck?.hit ? "hit" : "miss");
    // Another mole may be there by now.
    if (struck?.hit && game.moles.get(hole) === mole) game.struck.set(hole, struck.points ?? 0);
    changed();
  };
  return {
    ...live,
    ...game,
    join,
    strike,
    start: () => live.socket.current?.emit("start"),
  };
}

function begin() {
  return {
    /** @type {Phase} */
    phase: "waiting",
    endsAt: 0,
    playing: false,
    watching: false,
    spectators: 0,
    problem: "",
    /** Timer of the next attempt to join. @type {ReturnType<typeof setTimeout> | undefined} */
    retry: undefined,
    moved: false,
    /** @type {Map<string, Player>} */
    players: new Map(),
    /** The number of the mole in a hole. @type {Map<number, number>} */
    moles: new Map(),
    /** What one's own strike at a mole that is still there was worth. @type {Map<number, number>} */
    struck: new Map(),
    /** @type {Ranked[]} */
    ranking: [],
    /** @type {{ name: string, score: number }[]} */
    top: [],
  };
}
