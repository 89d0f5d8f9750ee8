// Times, as the reader's language writes them.

const LOCALE = navigator.language;
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(LOCALE, { dateStyle: "full", timeStyle: "short" });
const short = new Intl.DateTimeFormat(LOCALE, { dateStyle: "short" });
const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: "auto" });

const STYLES = {
  t: clock,
  T: new Intl.DateTimeFormat(LOCALE, { timeStyle: "medium" }),
  d: short,
  D: new Intl.DateTimeFormat(LOCALE, { dateStyle: "long" }),
  f: new Intl.DateTimeFormat(LOCALE, { dateStyle: "long", timeStyle: "short" }),
  F: full,
  s: new Intl.DateTimeFormat(LOCALE, { dateStyle: "short", timeStyle: "short" }),
  S: new Intl.DateTimeFormat(LOCALE, { dateStyle: "short", timeStyle: "medium" }),
};

const UNITS = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];

export const clockOf = (moment) => clock.format(moment);
export const fullOf = (moment) => full.format(moment);
export const isSameDay = (a, b) => a.toDateString() === b.toDateString();

/** Write a message's time: the time alone where it is of today, otherwise with its date. */
export function stampOf(moment) {
  return isSameDay(moment, new Date()) ? clock.format(moment) : `${short.format(moment)}, ${clock.format(moment)}`;
}

export function dayOf(moment) {
  return isSameDay(moment, new Date()) ? `Today, ${day.format(moment)}` : day.format(moment);
}

/** Write how far away a moment is: "in 2 hours", "3 days ago". */
export function relativeOf(moment) {
  const seconds = (moment - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? ["second", 1];
  return relative.format(Math.trunc(seconds / size), unit);
}

/** Write a moment in one of Discord's styles; null where there is no such moment. */
export function inStyle(seconds, style) {
  const moment = new Date(seconds * 1000);
  if (Number.isNaN(moment.getTime())) return null;
  return style === "R" ? relativeOf(moment) : STYLES[style || "f"].format(moment);
}

/** Keep the relative times on the page true. */
export function keepTimesTrue() {
  setInterval(() => {
    for (const element of document.querySelectorAll("time[data-relative]")) element.textContent = relativeOf(new Date(element.dateTime));
  }, 15_000);
}
