/** Times of day in a camera's own zone. A moment is ms since the epoch; a day is `YYYY-MM-DD`, local. */

import type { Width } from "./types.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const WIDTH_MS: Readonly<Record<Width, number>> = {
  "5m": 5 * MINUTE_MS,
  "15m": 15 * MINUTE_MS,
  "60m": HOUR_MS,
};

export interface Span {
  readonly start: number;
  readonly end: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(tz: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${tz} ${JSON.stringify(options)}`;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: tz });
    formats.set(key, found);
  }
  return found;
}

/** The start of the window that holds `moment`; windows are aligned to UTC. */
export function floorTo(moment: number, width: Width): number {
  const ms = WIDTH_MS[width];
  return Math.floor(moment / ms) * ms;
}

/** ISO 8601 in UTC to the second, as the API takes it. */
export function iso(moment: number): string {
  return new Date(moment).toISOString().replace(/\.\d{3}Z$/, "Z");
}

/** The local calendar day of a moment. */
export function localDay(moment: number, tz: string): string {
  const parts = format(tz, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(moment);
  const part = (type: string): string => parts.find((each) => each.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")}`;
}

/** The day `count` days after another. */
export function shiftDay(day: string, count: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + count * DAY_MS).toISOString().slice(0, 10);
}

/** The moment a local day begins: its first instant, also where the clocks change at midnight. */
function startOfDay(day: string, tz: string): number {
  const utcMidnight = Date.parse(`${day}T00:00:00Z`);
  // Offsets lie within 14 h of UTC and change by quarter hours: halve the bracket to the minute.
  let before = utcMidnight - 15 * HOUR_MS;
  let after = utcMidnight + 15 * HOUR_MS;
  while (after - before > MINUTE_MS) {
    const middle = Math.floor((before + after) / 2 / MINUTE_MS) * MINUTE_MS;
    if (localDay(middle, tz) < day) before = middle;
    else after = middle;
  }
  return after;
}

const bounds = new Map<string, Span>();

/** A local day as a half-open span: 23 to 25 hours where the clocks change. */
export function dayBounds(day: string, tz: string): Span {
  const key = `${day} ${tz}`;
  let span = bounds.get(key);
  if (!span) {
    span = { start: startOfDay(day, tz), end: startOfDay(shiftDay(day, 1), tz) };
    bounds.set(key, span);
  }
  return span;
}

/** The starts of the windows of a local day, none before the first or after the last clip stored. */
export function windowStarts(day: string, tz: string, width: Width, stored: Span): number[] {
  const span = dayBounds(day, tz);
  const step = WIDTH_MS[width];
  const first = Math.max(Math.ceil(span.start / step) * step, floorTo(stored.start, width));
  const last = Math.min(span.end - 1, stored.end);
  const starts: number[] = [];
  for (let start = first; start <= last; start += step) starts.push(start);
  return starts;
}

/** `08:15` */
export function clock(moment: number, tz: string): string {
  return format(tz, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);
}

/** `GMT`, `BST`, `GMT+2`: the zone's short name at that moment. */
export function zoneName(moment: number, tz: string): string {
  const parts = format(tz, { timeZoneName: "short" }).formatToParts(moment);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? tz;
}

/** `08:15–08:30 GMT` */
export function windowLabel(start: number, end: number, tz: string): string {
  return `${clock(start, tz)}–${clock(end, tz)} ${zoneName(start, tz)}`;
}

/** `Thu 9 Mar 2017` */
export function dayLabel(moment: number, tz: string): string {
  const options = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
  return format(tz, options).format(moment).replace(",", "");
}
