/** How cameras are, in words and in order. */

import { type Span, clock, dayLabel, localDay, zoneName } from "./time.ts";
import type { CameraState, Health, Stretch } from "./types.ts";

const HOUR_MS = 3_600_000;

/** `unknown`: nothing was ever told of the camera. */
export type Shown = CameraState | "unknown";

/** Every state with what it means for the operator, trouble first. */
export const MEANING: Readonly<Record<Shown, string>> = {
  unreachable: "its feed does not answer, or refuses",
  faulty: "its clips cannot be counted",
  moved: "it shows another view than its zones were drawn in",
  stale: "its feed answers, with nothing new",
  withdrawn: "its publisher has switched it off",
  waiting: "not visited yet: nothing is known",
  unknown: "nothing was ever told of it",
  live: "gives figures",
};

export const SHOWN = Object.keys(MEANING) as readonly Shown[];

export function shownState(health: Health): Shown {
  return health.state ?? "unknown";
}

export function isTrouble(state: Shown): boolean {
  return state !== "live" && state !== "waiting" && state !== "unknown";
}

/** What the reader may choose to see: everything, all trouble, or one state. */
export type Filter = "all" | "trouble" | Shown;

export function passes(filter: Filter, state: Shown): boolean {
  return filter === "all" || filter === state || (filter === "trouble" && isTrouble(state));
}

/** The filters worth offering, each with how many cameras it shows. */
export function filters(all: readonly Health[]): readonly (readonly [Filter, number])[] {
  const many = (filter: Filter): number => all.filter((each) => passes(filter, shownState(each))).length;
  const present = SHOWN.filter((state) => many(state) > 0);
  return (["all", "trouble", ...present] as const).map((filter) => [filter, many(filter)]);
}

const NAMES = new Intl.Collator("en-GB", { numeric: true });

/** Trouble first, what broke last at the top; then what is not known; then the live ones by name. */
export function byTrouble(a: Health, b: Health): number {
  const rank = (each: Health): number => {
    const state = shownState(each);
    return isTrouble(state) ? 0 : state === "live" ? 2 : 1;
  };
  const since = (each: Health): number => (each.since === null ? 0 : Date.parse(each.since));
  const newer = rank(a) === 0 ? since(b) - since(a) : 0;
  return rank(a) - rank(b) || newer || NAMES.compare(a.name, b.name);
}

/** `45 s`, `12 min`, `3 h 05 min`, `2 d 4 h` */
export function lasted(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `14:05 GMT`, with the day where it is another than that of `now`. */
export function moment(at: number, now: number, tz: string): string {
  const time = `${clock(at, tz)} ${zoneName(at, tz)}`;
  return localDay(at, tz) === localDay(now, tz) ? time : `${dayLabel(at, tz)}, ${time}`;
}

/** The share of the time known that the camera was live; null where nothing is known. */
export function uptime(stretches: readonly Stretch[]): number | null {
  const seconds = (wanted: (state: CameraState) => boolean): number =>
    stretches.reduce((sum, { state, duration_s }) => sum + (wanted(state) ? duration_s : 0), 0);
  const known = seconds((state) => state !== "waiting");
  return known === 0 ? null : seconds((state) => state === "live") / known;
}

/** `98%`; of a camera that was out at all never 100, of one that was live at all never 0. */
export function uptimeLabel(share: number | null): string {
  if (share === null) return "—";
  const percent = Math.round(share * 100);
  const shown = share < 1 && percent === 100 ? 99 : share > 0 && percent === 0 ? 1 : percent;
  return `${shown}%`;
}

/** The stretches of trouble, newest first. */
export function outages(stretches: readonly Stretch[]): readonly Stretch[] {
  return stretches.filter(({ state }) => isTrouble(state)).toReversed();
}

/** `08:00–09:30 unreachable` */
export function outageLabel({ state, start, end }: Stretch, tz: string): string {
  return `${clock(Date.parse(start), tz)}–${clock(Date.parse(end), tz)} ${state}`;
}

/** A camera's strip in one sentence. */
export function stripLabel(stretches: readonly Stretch[], tz: string): string {
  const out = outages(stretches).toReversed();
  if (out.length > 0) return `Out: ${out.map((each) => outageLabel(each, tz)).join(", ")}`;
  return uptime(stretches) === null ? "Nothing is known of the last 24 hours" : "No outage in the last 24 hours";
}

/** Every sixth hour of the clock in `span`, with how far along it is (0 to 1). */
export function hourMarks(span: Span, tz: string): readonly { readonly label: string; readonly along: number }[] {
  const marks: { label: string; along: number }[] = [];
  for (let moment = Math.ceil(span.start / HOUR_MS) * HOUR_MS; moment < span.end; moment += HOUR_MS) {
    const label = clock(moment, tz);
    if (!label.endsWith(":00") || Number(label.slice(0, 2)) % 6 !== 0) continue;
    marks.push({ label, along: (moment - span.start) / (span.end - span.start) });
  }
  return marks;
}
