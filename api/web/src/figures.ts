/**
 * The readings the page has asked for: one window of all cameras (a frame), one day of one camera, and the newest
 * of every zone. Live readings are worked into all three. What the passing of time alone changes (a window has ended,
 * a camera has gone quiet) no live reading tells: it comes with the next answer to `loadLatest`.
 */

import * as api from "./api.ts";
import { Cache } from "./cache.ts";
import { WIDTH_MS, dayBounds, localDay } from "./time.ts";
import type { Camera, Reading, Width } from "./types.ts";

/** The readings of one window by zone. */
export type Frame = ReadonlyMap<string, Reading>;

const FRAMES_KEPT = 100;
const DAYS_KEPT = 60;

function byZone(readings: readonly Reading[]): Map<string, Reading> {
  return new Map(readings.map((reading) => [reading.zone, reading]));
}

/** Put a reading in its place among a day's, by zone and start. */
function place(readings: Reading[], reading: Reading): void {
  const at = readings.findIndex((each) => each.zone === reading.zone && each.start === reading.start);
  if (at >= 0) readings[at] = reading;
  else readings.push(reading);
}

export class Figures {
  readonly #series: string;
  readonly #width: Width;
  readonly #frames = new Cache<Map<string, Reading>>(FRAMES_KEPT);
  readonly #days = new Cache<Reading[]>(DAYS_KEPT);
  #latest = new Map<string, Reading>();
  #refreshes = 0;

  /** Figures of one series in windows of one width; another choice starts afresh. */
  constructor(series: string, width: Width) {
    this.#series = series;
    this.#width = width;
  }

  /** Every zone's reading of the window that starts at `at`. */
  frame(at: number): Promise<Frame> {
    const to = at + WIDTH_MS[this.#width];
    return this.#frames.get(this.#key(String(at), to), async () => {
      return byZone(await api.readings({ series: this.#series, width: this.#width, from: at, to }));
    });
  }

  /** A camera's readings of a local day, all its zones, in order of time. */
  async day(camera: Camera, day: string): Promise<readonly Reading[]> {
    const span = dayBounds(day, camera.timezone);
    const rows = await this.#days.get(this.#key(`${camera.id} ${day}`, span.end), async () => [
      ...(await api.readings({
        series: this.#series,
        width: this.#width,
        from: span.start,
        to: span.end,
        camera: camera.id,
      })),
    ]);
    return rows.toSorted((a, b) => a.start.localeCompare(b.start));
  }

  /** Ask for the newest of every zone; what was asked for of windows still open is forgotten with the answer. */
  async loadLatest(): Promise<void> {
    this.#latest = byZone(await api.latest(this.#series, this.#width));
    this.#refreshes += 1;
  }

  /** Start of the newest window that any zone has a reading of. */
  newest(): number | null {
    const starts = [...this.#latest.values()].map((reading) => Date.parse(reading.start));
    return starts.length > 0 ? Math.max(...starts) : null;
  }

  /** The newest reading of every zone, as the service last told it: only it knows how old is too old. */
  latest(): Frame {
    return this.#latest;
  }

  /** Work live readings into all that was loaded; what was not will be asked for when it is wanted. */
  async accept(readings: readonly Reading[], cameras: ReadonlyMap<string, Camera>): Promise<void> {
    for (const reading of readings) {
      const camera = cameras.get(reading.camera);
      if (!camera) continue;
      const start = Date.parse(reading.start);
      const before = this.#latest.get(reading.zone);
      if (!before || reading.start >= before.start) this.#latest.set(reading.zone, reading);
      const frameKey = this.#key(String(start), Date.parse(reading.end));
      const frame = await this.#frames.peek(frameKey)?.catch(() => null);
      frame?.set(reading.zone, reading);
      const date = localDay(start, camera.timezone);
      const dayKey = this.#key(`${camera.id} ${date}`, dayBounds(date, camera.timezone).end);
      const day = await this.#days.peek(dayKey)?.catch(() => null);
      if (day) place(day, reading);
    }
  }

  /** Forget what was loaded: after a gap in the live feed it may be old. */
  forget(): void {
    this.#frames.clear();
    this.#days.clear();
  }

  /** Under which name to keep what ends at `end`: rows of a window still open are good until the next refresh. */
  #key(name: string, end: number): string {
    return end <= (this.newest() ?? 0) ? name : `${name} of refresh ${this.#refreshes}`;
  }
}

/** When the last window of a zone that had figures ended, before the one at `start`; null where the day has none. */
export function lastCounted(day: readonly Reading[], zone: string, start: string): number | null {
  const last = day.findLast((reading) => reading.zone === zone && reading.start < start && reading.mean !== null);
  return last ? Date.parse(last.end) : null;
}
