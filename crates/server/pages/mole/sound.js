// Short tones, unless they are switched off. They begin with the first press: browsers want that.

const PLACE = "mole-sound";

/** @type {AudioContext | null} */
let context = null;

export function isOn() {
  return localStorage.getItem(PLACE) !== "off";
}

/** @param {boolean} on */
export function turn(on) {
  localStorage.setItem(PLACE, on ? "on" : "off");
}

/** @param {"hit" | "miss" | "start" | "over"} what */
export function play(what) {
  if (!isOn()) return;
  context ??= new AudioContext();
  const { from, to, length } = TONES[what];
  const tone = new OscillatorNode(context, { type: "triangle", frequency: from });
  const volume = new GainNode(context, { gain: 0.2 });
  const now = context.currentTime;
  tone.frequency.exponentialRampToValueAtTime(to, now + length);
  volume.gain.exponentialRampToValueAtTime(0.001, now + length);
  tone.connect(volume).connect(context.destination);
  tone.start(now);
  tone.stop(now + length);
}

const TONES = {
  hit: { from: 320, to: 720, length: 0.12 },
  miss: { from: 160, to: 90, length: 0.1 },
  start: { from: 440, to: 880, length: 0.35 },
  over: { from: 660, to: 220, length: 0.6 },
};
