/**
 * The index scale: observed against usual in seven classes, from blue (quieter) over plain (usual) to orange (busier).
 * Blue and orange stay two colours to every eye, and both darken (on a dark page: lighten) away from the usual.
 */

import type { Reading } from "./types.ts";

const ON_LIGHT = ["#0a3d7a", "#2f7dbf", "#92c1e4", "#efece6", "#f3ae7d", "#d4562c", "#7d1424"] as const;
const ON_DARK = ["#b9ddfb", "#62a8e6", "#2f6aa5", "#3f454d", "#9c4f2e", "#ec8347", "#ffd0a3"] as const;

/** As far below as above by ratio: half and double are equally unusual. */
const BREAKS = [1 / 2, 2 / 3, 5 / 6, 6 / 5, 3 / 2, 2] as const;

/** The class in the middle. */
export const USUAL = 3;

export const INDEX_LABELS = ["under ½", "½–⅔", "⅔–⅚", "usual", "1.2–1.5", "1.5–2", "2× +"] as const;

/** Whether the figure lies where nine of ten such windows do. */
export function withinUsual({ mean, baseline_low, baseline_high }: Reading): boolean {
  if (mean === null || baseline_low === null || baseline_high === null) return false;
  return mean >= baseline_low && mean <= baseline_high;
}

/**
 * The class of an index, 0 (far below usual) to 6 (far above); null where there is none. What lies in its usual range
 * is usual, however far from 1 the index of a small number is.
 */
export function indexClass(reading: Reading): number | null {
  const { index } = reading;
  if (index === null) return null;
  return withinUsual(reading) ? USUAL : BREAKS.filter((bound) => index >= bound).length;
}

export function indexColour(index: number, dark: boolean): string {
  return (dark ? ON_DARK : ON_LIGHT)[index] ?? ON_LIGHT[USUAL];
}

/** Why a reading has no index; empty where it has one. */
export function indexGap(reading: Reading | undefined): string {
  if (!reading) return "no reading of this window";
  if (reading.mean === null) return reading.reason ?? "no reason recorded";
  if (reading.index !== null) return "";
  if (reading.baseline_reason !== null) return reading.baseline_reason;
  return reading.baseline_state === "insufficient_history" ? "not enough history yet" : "what is usual is not known";
}

/** Whether what is usual is known of this reading. */
export function usualKnown({ baseline_state }: Reading): boolean {
  return baseline_state === "ok" || baseline_state === "borrowed";
}
