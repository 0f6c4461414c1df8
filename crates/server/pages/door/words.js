// What the door says about connections.

import { html } from "../preact.js";
import { explainEnd, t } from "../texts.js";

export { html, t };

/**
 * @typedef {{
 *   kind: "opened" | "refreshed" | "replaced" | "revoked" | "refused" | "ended",
 *   tone: "good" | "info" | "replaced" | "bad" | "warn" | "",
 *   text: string,
 * }} Sign
 */

/** @param {string | null} device @returns {import("../parts/icons.js").IconName} */
export function iconOfDevice(device) {
  if (device === null) return "link";
  if (/iPhone|Android/.test(device)) return "phone";
  if (/iPad/.test(device)) return "phone";
  if (/macOS|ChromeOS/.test(device)) return "laptop";
  if (/Windows|Linux/.test(device)) return "desktop";
  return "terminal";
}

/** @param {string | null} device */
export function nameOfDevice(device) {
  return device ?? t("session_unknown");
}

/** @param {string} namespace */
export function placeOf(namespace) {
  if (namespace === "/door") return t("home");
  if (namespace === "/chat") return t("chat");
  if (namespace === "/mole") return t("mole");
  return namespace === "/" ? t("place_root") : namespace;
}

/** The same, beside the name of a device. @param {string} namespace */
export function shortPlaceOf(namespace) {
  return namespace === "/" ? "/" : placeOf(namespace);
}

/** The network of a client, as its user knows it. @param {string} network */
export function nameOfNetwork(network) {
  return network === "::" || network.startsWith("127.") ? t("network_here") : network.replace(/\.0$/, ".x");
}

/** How a line has ended. @param {{ reason: string | null, socket: string | null }} line @returns {Sign} */
export function signOf({ reason, socket }) {
  const text = explainEnd(reason ?? "");
  if (socket === null) return { kind: "refused", tone: "warn", text: t("door_refused", { reason: reason ?? "" }) };
  if (reason === "replaced") return { kind: "replaced", tone: "replaced", text };
  if (reason === "revoked" || reason === "forbidden") return { kind: "revoked", tone: "bad", text };
  return { kind: "ended", tone: "", text };
}

/** A sentence about an event. @param {import("./state.js").Event} event */
export function sentenceOf(event) {
  const values = { device: nameOfDevice(event.device), place: placeOf(event.namespace) };
  if (event.kind === "opened") return t("news_opened", values);
  if (event.kind === "refreshed") return t("news_refreshed", values);
  if (event.kind === "refused") return t("news_refused", values);
  if (event.reason === "replaced") return t("news_replaced", values);
  if (event.reason === "revoked") return t("news_revoked", values);
  if (event.reason === "expired") return t("news_expired", values);
  if (event.reason === "client_left" || event.reason === "transport_closed") return t("news_left", values);
  return t("news_ended", { ...values, reason: explainEnd(event.reason ?? "") });
}

/** @param {import("./state.js").Event} event @returns {Sign["kind"]} */
export function kindOf(event) {
  return event.kind === "ended" ? signOf({ reason: event.reason, socket: "" }).kind : event.kind;
}
