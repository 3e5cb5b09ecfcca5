/** The measures side by side: how each figure is classed, written, coloured and, where there is none, explained. */

import { CLASS_COUNT, breaks, classLabels, classOf, colour } from "./colours.ts";
import { commonest } from "./commonest.ts";
import { densityBreaks, densityClass, densityColour, densityGap } from "./densities.ts";
import type { Frame } from "./figures.ts";
import { densityFigure, figure, noun, perArea, reasonOf } from "./format.ts";
import { INDEX_LABELS, USUAL, indexClass, indexColour, indexGap, usualKnown } from "./indices.ts";
import type { Measure, Reading } from "./types.ts";
import { indexFigure } from "./usual.ts";

export interface Scale {
  readonly measure: Measure;
  /** What is shown, as a legend begins: `people in view`. */
  title(series: string): string;
  /** Of the classes, least first. */
  labels(series: string): readonly string[];
  colour(index: number, dark: boolean): string;
  /** The class whose mark shows what partial looks like. */
  readonly partialExample: number;
  value(reading: Reading): number | null;
  /** The class of a reading's value, 0 to 6; null where it has none. */
  classOf(reading: Reading, series: string): number | null;
  /** By which classes lie upon each other on the map: what matters more on top. */
  weight(index: number): number;
  figure(value: number | null): string;
  /** Why a reading has no value; empty where it has one. */
  gap(reading: Reading | undefined): string;
}

function classed(value: number | null, classOf: (value: number) => number): number | null {
  return value === null ? null : classOf(value);
}

const INDEX: Scale = {
  measure: "index",
  title: (series) => `${noun(series)} against usual`,
  labels: () => INDEX_LABELS,
  colour: indexColour,
  partialExample: 4,
  value: ({ index }) => index,
  classOf: (reading) => indexClass(reading),
  weight: (index) => 2 * Math.abs(index - USUAL),
  figure: indexFigure,
  gap: indexGap,
};

const NUMBER: Scale = {
  measure: "number",
  title: (series) => `${noun(series)} in view`,
  labels: (series) => classLabels(breaks(series)),
  colour,
  partialExample: 3,
  value: ({ mean }) => mean,
  classOf: ({ mean }, series) => classed(mean, (value) => classOf(value, series)),
  weight: (index) => index,
  figure,
  gap: reasonOf,
};

const DENSITY: Scale = {
  measure: "density",
  title: perArea,
  labels: (series) => classLabels(densityBreaks(series)),
  colour: densityColour,
  partialExample: 3,
  value: ({ density_per_100m2 }) => density_per_100m2,
  classOf: ({ density_per_100m2 }, series) => classed(density_per_100m2, (value) => densityClass(value, series)),
  weight: (index) => index,
  figure: densityFigure,
  gap: densityGap,
};

export const SCALES: Readonly<Record<Measure, Scale>> = { index: INDEX, number: NUMBER, density: DENSITY };

export const CLASSES = Array.from({ length: CLASS_COUNT }, (_, index) => index);

/** What the map is coloured by, and, where that is not what was asked for, why not. */
export interface Shown {
  readonly scale: Scale;
  readonly instead: string | null;
}

/** The measure asked for; the number where no zone that was counted is known well enough to say what is usual there. */
export function shown(measure: Measure, frame: Frame): Shown {
  const counted = [...frame.values()].filter(({ mean }) => mean !== null);
  const known = counted.length === 0 || counted.some(usualKnown);
  if (measure !== "index" || known) return { scale: SCALES[measure], instead: null };
  const reason = commonest(counted.map(indexGap)) ?? "";
  return { scale: NUMBER, instead: `Numbers are shown, as no usual level is known: ${reason}` };
}

/** What stands for a reading on the map: its class by this scale, whole or partial; `unknown` where it was counted but
 * has no figure of this scale; `missing` where it was not. */
export function markOf(reading: Reading | undefined, scale: Scale, series: string): string {
  if (!reading || reading.mean === null) return "missing";
  const at = scale.classOf(reading, series);
  if (at === null) return "unknown";
  return `${scale.measure}-${at}${reading.state === "partial" ? "-partial" : ""}`;
}
