/**
 * The density scale of zones on the ground: seven classes of the inferno map, which keeps its order in colour-blind and
 * grey vision and is not taken for the viridis of the marks.
 */

import type { Reading } from "./types.ts";

/** inferno sampled at sevenths, dark to light (Smith and van der Walt, CC0), without the black it begins with. */
const INFERNO = ["#280b53", "#65156e", "#9f2a63", "#d44842", "#f57d15", "#fac228", "#fcffa4"] as const;

/** To 100 m2 of ground. 25 people are one on 4 m2: 2 m apart. */
const BREAKS_PEOPLE = [0.5, 1, 2, 5, 10, 25] as const;
/** To 100 m2 of ground. A queue of cars has about 4. */
const BREAKS_VEHICLES = [0.1, 0.2, 0.5, 1, 2, 4] as const;
const BREAKS_RARE = [0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;

const PEOPLE: ReadonlySet<string> = new Set(["people", "pedestrian"]);
const VEHICLES: ReadonlySet<string> = new Set(["vehicles", "car"]);

/** Fixed bounds between the classes: a colour is the same density everywhere and at every hour. */
export function densityBreaks(series: string): readonly number[] {
  if (PEOPLE.has(series)) return BREAKS_PEOPLE;
  return VEHICLES.has(series) ? BREAKS_VEHICLES : BREAKS_RARE;
}

/** The class of a density, 0 (least dense) to 6. */
export function densityClass(density: number, series: string): number {
  return densityBreaks(series).filter((bound) => density >= bound).length;
}

/** Denser is further from the background: darker on a light page, lighter on a dark one. */
export function densityColour(index: number, dark: boolean): string {
  const at = dark ? index : INFERNO.length - 1 - index;
  return INFERNO[at] ?? INFERNO[0];
}

/** Why a reading has no density; empty where it has one. */
export function densityGap(reading: Reading | undefined): string {
  if (!reading) return "no reading of this window";
  if (reading.mean === null) return reading.reason ?? "no reason recorded";
  if (reading.density_per_100m2 !== null) return "";
  return reading.area_m2 === null ? "not calibrated when this was counted" : "its area is not known well enough";
}
