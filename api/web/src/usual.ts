/** Observed against usual in words, as a planner reads them. */

import { densityFigure, figure, meanWithInterval, noun, reasonOf } from "./format.ts";
import { indexGap } from "./indices.ts";
import type { Camera, Reading } from "./types.ts";

/** `1.38×`; two decimals below ten. */
export function indexFigure(index: number | null): string {
  if (index === null) return "—";
  return `${index < 9.995 ? index.toFixed(2) : Math.round(index)}×`;
}

/** `1.38× (1.20–1.60)` */
export function indexWithInterval({ index, index_low, index_high }: Reading): string {
  if (index === null || index_low === null || index_high === null) return indexFigure(index);
  return `${indexFigure(index)} (${[index_low, index_high].map((each) => indexFigure(each).slice(0, -1)).join("–")})`;
}

type Index = Pick<Reading, "index" | "index_low" | "index_high">;

/** Above it a ratio is told as times, below as per cent more or fewer. */
const TIMES = 2;

interface Difference {
  readonly amount: string;
  readonly comparison: "more" | "fewer" | "as many" | "times as many";
}

function compared(ratio: number): Difference {
  const percent = Math.round((ratio - 1) * 100);
  if (ratio >= TIMES) return { amount: ratio.toFixed(1), comparison: "times as many" };
  if (percent === 0) return { amount: "", comparison: "as many" };
  return { amount: `${Math.abs(percent)}%`, comparison: percent > 0 ? "more" : "fewer" };
}

/** `20% fewer`, `38% more`, `2.4 times as many` */
export function difference(ratio: number): string {
  return inWords(compared(ratio));
}

/** `20% to 60% more`, `4% to 19% fewer`, `19% fewer to 4% more`, `1.9 to 3.1 times as many` */
export function between(low: number, high: number): string {
  const [from, to] = [compared(low), compared(high)];
  if (from.comparison !== to.comparison) return `${inWords(from)} to ${inWords(to)}`;
  const [less, more] = to.comparison === "fewer" ? [to, from] : [from, to];
  return less.amount === more.amount ? inWords(less) : `${less.amount} to ${inWords(more)}`;
}

function inWords({ amount, comparison }: Difference): string {
  return `${amount} ${comparison}`.trim();
}

/** `38% more people than usual (90% interval 20% to 60% more)`; null where there is no index. */
export function againstUsual({ index, index_low, index_high }: Index, series: string): string | null {
  if (index === null) return null;
  const found = compared(index);
  const link = found.comparison.endsWith("many") ? "as" : "than";
  const said = `${inWords(found)} ${noun(series)} ${link} usual`;
  if (index_low === null || index_high === null) return said;
  return `${said} (90% interval ${between(index_low, index_high)})`;
}

/** `23.2 (17.5–29.9)`: what is usual in such a window, and the range of nine in ten; or why it is not known. */
export function usualRange(reading: Reading): string {
  const { baseline, baseline_low, baseline_high } = reading;
  if (baseline === null) return `not known: ${reading.baseline_reason ?? (indexGap(reading) || "no reason recorded")}`;
  if (baseline_low === null || baseline_high === null) return figure(baseline);
  return `${figure(baseline)} (${figure(baseline_low)}–${figure(baseline_high)})`;
}

/** What is to be said of how the usual is known; null where it is known from the place's own past. */
export function borrowedNote({ baseline_state, baseline_reason }: Reading): string | null {
  if (baseline_state !== "borrowed") return null;
  return `Usual is borrowed from similar places${baseline_reason === null ? "" : `: ${baseline_reason}`}`;
}

/** One line for the list and for screen readers. */
export function sentence(camera: Camera, reading: Reading | undefined, series: string): string {
  if (!reading || reading.mean === null) return `${camera.name}: no data, ${reasonOf(reading)}`;
  const said = againstUsual(reading, series);
  const against = said === null ? "" : `, ${said}`;
  const partial = reading.state === "partial" ? `, partly observed: ${reasonOf(reading)}` : "";
  const density = reading.density_per_100m2;
  const spread = density === null ? "" : `, ${densityFigure(density)} per 100 m²`;
  return `${camera.name}: ${meanWithInterval(reading)} ${noun(series)}${spread}${against}${partial}`;
}
