// Times as people say them: "2 minutes ago".

import { useEffect, useState } from "../preact.js";
import { language } from "../texts.js";

const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "long" });

/** Units, with their length in seconds. @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** Days after which a date says more than a number of days. */
const DATED_AFTER = 6;

/** @param {string} iso @param {number} now milliseconds since 1970 */
export function ago(iso, now) {
  const seconds = (Date.parse(iso) - now) / 1000;
  for (const [unit, length] of UNITS) {
    const count = Math.trunc(seconds / length);
    if (unit === "day" && Math.abs(count) > DATED_AFTER) return day(iso);
    if (count !== 0) return relative.format(count, unit);
  }
  return relative.format(0, "second");
}

/** A date without a time. @param {string} iso */
export function day(iso) {
  const date = new Date(iso);
  const isThisYear = date.getFullYear() === new Date().getFullYear();
  return date.toLocaleDateString(language, isThisYear ? { day: "numeric", month: "long" } : { dateStyle: "medium" });
}

/** Returns the time now, again after each interval. @param {number} every milliseconds */
export function useNow(every) {
  const [now, setNow] = useState(Date.now());

  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}
