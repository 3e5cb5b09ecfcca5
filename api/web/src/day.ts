/** A camera's day taken apart for the chart: runs of counted windows, and the gaps between them with their reason. */

import type { Span } from "./time.ts";
import type { Reading } from "./types.ts";

/** A reading that has figures. */
export interface Counted extends Span {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly peak: number;
  readonly stationaryShare: number | null;
  readonly coverage: number;
  readonly partial: boolean;
}

/** Neighbouring windows without figures that share a reason. */
export interface Gap extends Span {
  readonly reason: string;
}

export interface Day {
  readonly runs: readonly (readonly Counted[])[];
  readonly gaps: readonly Gap[];
}

function counted(reading: Reading): Counted | null {
  const { mean, low, high, peak } = reading;
  if (mean === null) return null;
  return {
    start: Date.parse(reading.start),
    end: Date.parse(reading.end),
    mean,
    low: low ?? mean,
    high: high ?? mean,
    peak: peak ?? high ?? mean,
    stationaryShare: reading.stationary_share,
    coverage: reading.coverage,
    partial: reading.state === "partial",
  };
}

/** Whether a window lies within what is stored: before it nothing was asked for, after it nothing has happened yet. */
export function within(reading: Reading, stored: Span): boolean {
  return Date.parse(reading.end) > stored.start && Date.parse(reading.start) <= stored.end;
}

/** From one zone's readings in order of time; what lies outside of what is stored is no gap. */
export function takeApart(readings: readonly Reading[], stored: Span): Day {
  const runs: Counted[][] = [];
  const gaps: Gap[] = [];
  for (const reading of readings) {
    const start = Date.parse(reading.start);
    const window = counted(reading);
    if (window) {
      const run = runs.at(-1);
      if (run?.at(-1)?.end === start) run.push(window);
      else runs.push([window]);
    } else if (within(reading, stored)) {
      const end = Date.parse(reading.end);
      const reason = reading.reason ?? "no reason recorded";
      const gap = gaps.at(-1);
      if (gap?.end === start && gap.reason === reason) gaps[gaps.length - 1] = { ...gap, end };
      else gaps.push({ start, end, reason });
    }
  }
  return { runs, gaps };
}

/** The least of 1, 2 or 5 times a power of ten that divides `top` into at most `count` steps. */
export function tickStep(top: number, count: number): number {
  const rough = top / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}
