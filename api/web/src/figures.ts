/**
 * The readings the page has asked for: one window of all cameras (a frame), one day of one camera, and the newest
 * of every zone. Live readings are worked into all three, so nothing shown grows stale.
 */

import * as api from "./api.ts";
import { Cache } from "./cache.ts";
import { WIDTH_MS, clock, dayBounds, localDay, zoneName } from "./time.ts";
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

  /** Figures of one series in windows of one width; another choice starts afresh. */
  constructor(series: string, width: Width) {
    this.#series = series;
    this.#width = width;
  }

  /** Every zone's reading of the window that starts at `at`. */
  frame(at: number): Promise<Frame> {
    return this.#frames.get(String(at), async () => {
      const to = at + WIDTH_MS[this.#width];
      return byZone(await api.readings({ series: this.#series, width: this.#width, from: at, to }));
    });
  }

  /** A camera's readings of a local day, all its zones, in order of time. */
  async day(camera: Camera, day: string): Promise<readonly Reading[]> {
    const span = dayBounds(day, camera.timezone);
    const rows = await this.#days.get(`${camera.id} ${day}`, async () => [
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

  async loadLatest(): Promise<void> {
    this.#latest = byZone(await api.latest(this.#series, this.#width));
  }

  /** Start of the newest window that any zone has a reading of. */
  newest(): number | null {
    const starts = [...this.#latest.values()].map((reading) => Date.parse(reading.start));
    return starts.length > 0 ? Math.max(...starts) : null;
  }

  /**
   * The newest reading of every zone. The window in progress fills camera by camera, so one window back still
   * counts as now; what is older is no data.
   */
  latestFrame(cameras: ReadonlyMap<string, Camera>): Frame {
    const newest = this.newest() ?? 0;
    const frame = new Map<string, Reading>();
    for (const [zone, reading] of this.#latest) {
      const current = Date.parse(reading.start) >= newest - WIDTH_MS[this.#width];
      frame.set(zone, current ? reading : lapsed(reading, cameras.get(reading.camera)));
    }
    return frame;
  }

  /** Work live readings into all that was loaded; what was not will be asked for when it is wanted. */
  async accept(readings: readonly Reading[], cameras: ReadonlyMap<string, Camera>): Promise<void> {
    for (const reading of readings) {
      const camera = cameras.get(reading.camera);
      if (!camera) continue;
      const start = Date.parse(reading.start);
      const before = this.#latest.get(reading.zone);
      if (!before || reading.start >= before.start) this.#latest.set(reading.zone, reading);
      const frame = await this.#frames.peek(String(start))?.catch(() => null);
      frame?.set(reading.zone, reading);
      const day = await this.#days.peek(`${camera.id} ${localDay(start, camera.timezone)}`)?.catch(() => null);
      if (day) place(day, reading);
    }
  }

  /** Forget what was loaded: after a gap in the live feed it may be old. */
  forget(): void {
    this.#frames.clear();
    this.#days.clear();
  }
}

/** A reading too old to be shown as now: its figures are withheld and the reason says since when. */
function lapsed(reading: Reading, camera: Camera | undefined): Reading {
  const tz = camera?.timezone ?? "UTC";
  const end = Date.parse(reading.end);
  return {
    ...reading,
    mean: null,
    low: null,
    high: null,
    peak: null,
    stationary_share: null,
    state: "missing",
    reason: `nothing received since ${clock(end, tz)} ${zoneName(end, tz)}`,
  };
}

/** When the last window of a zone that had figures ended, before the one at `start`; null where the day has none. */
export function lastCounted(day: readonly Reading[], zone: string, start: string): number | null {
  const last = day.findLast((reading) => reading.zone === zone && reading.start < start && reading.mean !== null);
  return last ? Date.parse(last.end) : null;
}
