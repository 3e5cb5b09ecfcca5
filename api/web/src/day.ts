/** A camera's day taken apart for the chart: runs of counted windows, and the gaps between them with their reason. */

import { densityGap } from "./densities.ts";
import type { Span } from "./time.ts";
import type { Measure, Reading } from "./types.ts";

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

/** What is usual in a window, in the unit of the curve. */
export interface UsualWindow extends Span {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
}

export interface Day {
  readonly runs: readonly (readonly Counted[])[];
  /** Where what is usual is known, also where nothing was counted. */
  readonly usual: readonly (readonly UsualWindow[])[];
  readonly gaps: readonly Gap[];
}

interface Drawn {
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly peak: number | null;
}

/** The figures of a reading that a curve of this measure is drawn of; an index is the number over its usual. */
function drawn(reading: Reading, measure: Measure): Drawn {
  if (measure !== "density") return reading;
  const { density_per_100m2: mean, density_low: low, density_high: high, peak, area_m2 } = reading;
  return { mean, low, high, peak: peak === null || area_m2 === null ? null : (100 * peak) / area_m2 };
}

function counted(reading: Reading, measure: Measure): Counted | null {
  const { mean, low, high, peak } = drawn(reading, measure);
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

/** `area_m2` is that of the zone, for windows in which nothing was counted that had one. */
function usualIn(reading: Reading, measure: Measure, area_m2: number | null): UsualWindow | null {
  const { baseline, baseline_low, baseline_high } = reading;
  if (baseline === null) return null;
  const area = reading.area_m2 ?? area_m2;
  if (measure === "density" && area === null) return null;
  const scale = measure === "density" && area !== null ? 100 / area : 1;
  return {
    start: Date.parse(reading.start),
    end: Date.parse(reading.end),
    expected: scale * baseline,
    low: scale * (baseline_low ?? baseline),
    high: scale * (baseline_high ?? baseline),
  };
}

/** Put a window behind the one it follows, or begin anew. */
function follow<T extends Span>(runs: T[][], window: T): void {
  const run = runs.at(-1);
  if (run?.at(-1)?.end === window.start) run.push(window);
  else runs.push([window]);
}

/** Whether a window lies within what is stored: before it nothing was asked for, after it nothing has happened yet. */
export function within(reading: Reading, stored: Span): boolean {
  return Date.parse(reading.end) > stored.start && Date.parse(reading.start) <= stored.end;
}

/** Why a reading has no figure of this measure. */
function gapReason(reading: Reading, measure: Measure): string {
  return (measure === "density" ? densityGap(reading) : reading.reason) ?? "no reason recorded";
}

/** From one zone's readings in order of time; what lies outside of what is stored is no gap. */
export function takeApart(
  readings: readonly Reading[],
  stored: Span,
  measure: Measure = "number",
  area_m2: number | null = null,
): Day {
  const runs: Counted[][] = [];
  const usual: UsualWindow[][] = [];
  const gaps: Gap[] = [];
  for (const reading of readings) {
    const start = Date.parse(reading.start);
    const window = counted(reading, measure);
    const expected = usualIn(reading, measure, area_m2);
    if (expected) follow(usual, expected);
    if (window) follow(runs, window);
    else if (within(reading, stored)) {
      const end = Date.parse(reading.end);
      const reason = gapReason(reading, measure);
      const gap = gaps.at(-1);
      if (gap?.end === start && gap.reason === reason) gaps[gaps.length - 1] = { ...gap, end };
      else gaps.push({ start, end, reason });
    }
  }
  return { runs, usual, gaps };
}

/** The least of 1, 2 or 5 times a power of ten that divides `top` into at most `count` steps. */
export function tickStep(top: number, count: number): number {
  const rough = top / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  return ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
}
