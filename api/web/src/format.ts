/** Figures and readings in words. A missing figure is an em dash with its reason, never a zero. */

import { WIDTH_MS, clock, localDay, dayLabel, zoneName } from "./time.ts";
import { type Camera, type Reading, type TrustState, WIDTHS, type Width, type Zone, type ZoneKind } from "./types.ts";

const MISSING = "—";

const NOUNS: Readonly<Record<string, string>> = {
  people: "people",
  vehicles: "vehicles",
  pedestrian: "pedestrians",
  cyclist: "cyclists",
  motorcycle: "motorcycles",
  car: "cars",
  van: "vans",
  truck: "trucks",
  bus: "buses",
};

const STATES: Readonly<Record<TrustState, string>> = {
  observed: "observed",
  partial: "partly observed",
  missing: "no data",
};

const KINDS: Readonly<Record<ZoneKind, string>> = {
  view: "whole view",
  pavement: "pavement",
  carriageway: "carriageway",
  crossing: "crossing",
  cycle_lane: "cycle lane",
  bus_stop: "bus stop",
};

export function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** `people`, `buses`: what a series counts, in the plural. */
export function noun(series: string): string {
  return NOUNS[series] ?? series;
}

export function stateName(state: TrustState): string {
  return STATES[state];
}

/** One decimal below a hundred, none above. */
export function figure(value: number | null): string {
  if (value === null) return MISSING;
  return value >= 99.95 ? Math.round(value).toLocaleString("en-GB") : value.toFixed(1);
}

/** `12.3 (9.8–15.1)`: the mean with its interval. */
export function meanWithInterval(reading: Reading): string {
  const { mean, low, high } = reading;
  if (mean === null) return MISSING;
  if (low === null || high === null) return figure(mean);
  return `${figure(mean)} (${figure(low)}–${figure(high)})`;
}

/** Of what a density counts: `people per 100 m²`. */
export function perArea(series: string): string {
  return `${noun(series)} per 100 m²`;
}

/** As a figure, with two decimals below ten: densities of vehicles are small. */
export function densityFigure(density: number | null): string {
  return density !== null && density < 9.995 ? density.toFixed(2) : figure(density);
}

/** `1.55 (1.18–1.93)`: the density with its interval. */
export function densityWithInterval(reading: Reading): string {
  const { density_per_100m2: density, density_low: low, density_high: high } = reading;
  if (density === null) return MISSING;
  if (low === null || high === null) return densityFigure(density);
  return `${densityFigure(density)} (${densityFigure(low)}–${densityFigure(high)})`;
}

export function kindName(kind: ZoneKind): string {
  return KINDS[kind];
}

/** `412 m² ± 4%`, by the standard error of the calibration; null where the zone has no ground. */
export function area(m2: number | null, error: number | null): string | null {
  if (m2 === null) return null;
  const size = `${m2 < 9.95 ? m2.toFixed(1) : Math.round(m2).toLocaleString("en-GB")} m²`;
  if (!error) return size;
  return `${size} ± ${error < 0.005 ? "under 1%" : percent(error)}`;
}

/** Why a camera gives no densities; null where it does. */
export function ungrounded({ plane }: Camera, zones: readonly Zone[]): string | null {
  if (zones.some((zone) => zone.area_m2 !== null)) return null;
  return `${plane === null ? "Not calibrated" : "No zones drawn on the ground"}: numbers, not densities`;
}

/** `Fruin A, TfL A−`: null where there is no grade. */
export function comfort({ comfort_fruin, comfort_tfl }: Reading): string | null {
  if (comfort_fruin === null || comfort_tfl === null) return null;
  return `Fruin ${comfort_fruin}, TfL ${comfort_tfl.replace("-", "−")}`;
}

export function percent(share: number | null): string {
  return share === null ? MISSING : `${Math.round(share * 100)}%`;
}

/** `2 of 3 clips (67%)` */
export function coverage(reading: Reading): string {
  const clips = reading.clips_expected === 1 ? "clip" : "clips";
  return `${reading.clips_counted} of ${reading.clips_expected} ${clips} (${percent(reading.coverage)})`;
}

/** `5 min`: the time from one clip to the next. */
export function cadence({ cadence_s }: Camera): string {
  return cadence_s % 60 === 0 ? `${cadence_s / 60} min` : `${cadence_s} s`;
}

/** What to do where a camera gives clips too seldom for each window to have one; null where each has. */
export function tooNarrow(camera: Camera, width: Width): string | null {
  const enough = (each: Width): boolean => WIDTH_MS[each] >= camera.cadence_s * 1_000;
  if (enough(width)) return null;
  const wider = WIDTHS.find(enough);
  const advice = wider ? `choose ${wider.replace("m", "")} min or more` : "not every window has one";
  return `A clip every ${cadence(camera)}: ${advice}`;
}

/** `09:15 GMT`, with the day where it is another than that of `seenFrom`. */
export function moment(at: number, tz: string, seenFrom: number): string {
  const time = `${clock(at, tz)} ${zoneName(at, tz)}`;
  return localDay(at, tz) === localDay(seenFrom, tz) ? time : `${time}, ${dayLabel(at, tz)}`;
}

/** Why a reading is missing or partial; empty for one fully observed. */
export function reasonOf(reading: Reading | undefined): string {
  if (!reading) return "no reading of this window";
  return reading.reason ?? (reading.state === "missing" ? "no reason recorded" : "");
}
