/** The figures of one zone in one window, as terms and what is known of them. */

import { densityGap } from "./densities.ts";
import { h } from "./dom.ts";
import { comfort, coverage, densityWithInterval, figure, meanWithInterval, moment, noun } from "./format.ts";
import { percent, reasonOf, stateName } from "./format.ts";
import { windowLabel } from "./time.ts";
import type { Reading, Zone, ZoneKind } from "./types.ts";
import { againstUsual, borrowedNote, indexWithInterval, usualRange } from "./usual.ts";

const OF_PEOPLE: ReadonlySet<string> = new Set(["people", "pedestrian"]);
/** The kinds of zone that have a grade of comfort where their clear width was measured. */
const WALKED_ALONG: ReadonlySet<ZoneKind> = new Set(["pavement", "crossing"]);

/** `reading` is undefined where the day has none at `at`; `zone` where nothing is known of it but its id. */
export function readout(
  reading: Reading | undefined,
  zone: Zone | undefined,
  series: string,
  tz: string,
  at: number,
): HTMLElement[] {
  if (!reading) return [...pair("Time", moment(at, tz, at)), ...pair("Mean", "not in this day")];
  const reason = reasonOf(reading);
  return [
    ...pair("Time", windowLabel(Date.parse(reading.start), Date.parse(reading.end), tz)),
    ...pair(`Mean ${noun(series)}`, reading.mean === null ? "no data" : meanWithInterval(reading), "value"),
    ...compared(reading, series),
    ...(zone?.area_m2 == null ? [] : onGround(reading, zone, series)),
    ...pair("Peak", figure(reading.peak)),
    ...pair("Standing still", percent(reading.stationary_share)),
    ...pair("Coverage", coverage(reading)),
    ...pair("State", `${stateName(reading.state)}${reason ? `: ${reason}` : ""}`, reading.state),
  ];
}

/** What is usual there at that time, and how what was counted compares. */
function compared(reading: Reading, series: string): HTMLElement[] {
  const usual = pair(`Usual ${noun(series)}`, usualRange(reading));
  const said = againstUsual(reading, series);
  if (said === null) return usual;
  const note = borrowedNote(reading);
  return [
    ...usual,
    ...pair("Against usual", `${indexWithInterval(reading)}: ${said.replace(/ \(90%.*/, "")}`, "value"),
    ...(note === null ? [] : pair("Comparison", note)),
  ];
}

function onGround(reading: Reading, zone: Zone, series: string): HTMLElement[] {
  const { mean, crowded_share, occupancy_share } = reading;
  if (mean === null) return []; // the state says why nothing was counted
  const gap = densityGap(reading);
  return [
    ...pair("Per 100 m²", gap ? noFigure(gap) : densityWithInterval(reading), "value"),
    ...(crowded_share === null ? [] : pair("Crowded area", percent(crowded_share))),
    ...(occupancy_share === null ? [] : pair("Covered area", percent(occupancy_share))),
    ...(OF_PEOPLE.has(series) && WALKED_ALONG.has(zone.kind) ? pair("Indicative comfort", grades(reading, zone)) : []),
  ];
}

function grades(reading: Reading, zone: Zone): string {
  const found = comfort(reading);
  if (found !== null) return found;
  return noFigure(zone.effective_width_m === null ? "its clear width was not measured" : densityGap(reading));
}

function noFigure(reason: string): string {
  return `no figure: ${reason}`;
}

function pair(term: string, value: string, name = ""): HTMLElement[] {
  return [h("dt", {}, term), h("dd", { class: name || null }, value)];
}
