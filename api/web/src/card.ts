/** The card of a camera, a zone or a hexagon: its figures, or why there are none; and of a change. */

import { changeKind, period } from "./change_words.ts";
import { densityGap } from "./densities.ts";
import { h } from "./dom.ts";
import { area, capital, comfort, coverage, densityWithInterval, figure, kindName } from "./format.ts";
import { meanWithInterval, moment, noun, perArea, percent, reasonOf, stateName } from "./format.ts";
import { hotspotWords } from "./hotspots.ts";
import { indexGap, withinUsual } from "./indices.ts";
import { windowLabel } from "./time.ts";
import type { Camera, Measure, Reading, Zone } from "./types.ts";
import type { Hotspot, Intervention } from "./unusual_types.ts";
import { againstUsual, borrowedNote, indexFigure, usualRange } from "./usual.ts";

export interface Tip {
  readonly camera: Camera;
  /** One of its zones on the ground; null for the camera as a whole. */
  readonly zone: Zone | null;
  readonly reading: Reading | undefined;
  readonly series: string;
  readonly measure: Measure;
  /** The hotspot that the zone, or one of the camera's, is. */
  readonly hotspot: Hotspot | null;
  /** Since when nothing was counted, in words; null where not known or not so. */
  readonly since: string | null;
}

/** Its figures, or why there are none. */
export function card({ camera, zone, reading, series, measure, since, hotspot }: Tip): HTMLElement[] {
  const tz = camera.timezone;
  const name = zone
    ? [h("strong", {}, zone.name), h("p", { class: "when" }, [...kind(zone), camera.name].join(" · "))]
    : [h("strong", {}, camera.name)];
  if (!reading) return [...name, reasonLine(`No data: ${reasonOf(reading)}`)];
  const start = Date.parse(reading.start);
  const when = h("p", { class: "when" }, windowLabel(start, Date.parse(reading.end), tz));
  if (reading.mean === null) {
    const lines = [reasonLine(`No data: ${reasonOf(reading)}`)];
    if (since !== null) lines.push(h("p", {}, `Nothing counted ${since}`));
    return [...name, ...lines, h("p", {}, coverage(reading)), when];
  }
  const figures = measure === "index" ? [] : zone ? onGround(reading, series) : inView(reading, series);
  const unusual = hotspot ? [hotspotLine(hotspot, reading, tz)] : [];
  const seen = h("p", {}, `${coverage(reading)} · ${stateName(reading.state)}`);
  const reason = reasonOf(reading);
  const usual = againstUsualLines(reading, series, measure);
  return [...name, ...figures, ...usual, ...unusual, seen, ...(reason ? [reasonLine(reason)] : []), when];
}

/** The kind of a zone, unless it is called by it. */
function kind(zone: Zone): string[] {
  const name = kindName(zone.kind);
  return zone.name.toLocaleLowerCase("en-GB").includes(name) ? [] : [name];
}

function inView(reading: Reading, series: string): HTMLElement[] {
  const value = h("p", { class: "value" }, meanWithInterval(reading), h("small", {}, ` ${noun(series)}`));
  if (reading.density_per_100m2 === null) return [value];
  return [value, h("p", {}, `${densityWithInterval(reading)} per 100 m²`)];
}

/** How it compares with what is usual: first of all, or after the figure that is shown. */
function againstUsualLines(reading: Reading, series: string, measure: Measure): HTMLElement[] {
  const said = againstUsual(reading, series);
  if (measure !== "index") return said === null ? [] : [h("p", {}, capital(said))];
  const counted = h("p", {}, `${meanWithInterval(reading)} ${noun(series)}`);
  if (said === null) return [reasonLine(`Not compared with usual: ${indexGap(reading)}`), counted];
  const value = h("p", { class: "value" }, indexFigure(reading.index), h("small", {}, " the usual"));
  const range = `Usual: ${usualRange(reading)}${withinUsual(reading) ? ", so within the usual range" : ""}`;
  const note = borrowedNote(reading);
  const lines = [h("p", {}, capital(said)), counted, h("p", {}, range)];
  return [value, ...lines, ...(note === null ? [] : [h("p", {}, note)])];
}

/** Of a camera it is said which of its zones is meant, where that is another than the one whose figures are shown. */
function hotspotLine(spot: Hotspot, { zone, start }: Reading, tz: string): HTMLElement {
  const since = spot.since === null ? "" : `, since ${moment(Date.parse(spot.since), tz, Date.parse(start))}`;
  const which = spot.zone === zone ? "" : ` (${spot.name})`;
  return h("p", { class: `hotspot ${spot.verdict}` }, `Hotspot${which}: ${hotspotWords(spot)}${since}`);
}

/** A hexagon of the city: how unusual, since when, and by how many zones. */
export function hexagonCard(spot: Hotspot, series: string, tz: string): HTMLElement[] {
  const start = Date.parse(spot.start);
  const zones = spot.zones.length === 1 ? "1 zone" : `${spot.zones.length} zones`;
  const said = againstUsual(spot, series);
  const usual = spot.baseline === null ? "" : `, usual are ${figure(spot.baseline)}`;
  const counted = spot.mean === null ? null : `${figure(spot.mean)} in view${usual}`;
  const since = spot.since === null ? null : `So since ${moment(Date.parse(spot.since), tz, start)}`;
  const lines = [said === null ? null : capital(said), counted, since].filter((line) => line !== null);
  return [
    h("strong", {}, spot.name),
    h("p", { class: `value hotspot ${spot.verdict}` }, capital(hotspotWords(spot))),
    ...lines.map((line) => h("p", {}, line)),
    h("p", {}, `${zones} in this hexagon, judged together with those around it`),
    h("p", { class: "when" }, windowLabel(start, Date.parse(spot.end), tz)),
  ];
}

/** Something that was changed in a street. */
export function changeCard(change: Intervention, tz: string): HTMLElement[] {
  return [h("strong", {}, change.name), h("p", {}, capital(`${changeKind(change)}, ${period(change, tz)}`))];
}

/** The density first, then what it is made of. */
function onGround(reading: Reading, series: string): HTMLElement[] {
  const gap = densityGap(reading);
  const density = gap
    ? reasonLine(`No density: ${gap}`)
    : h("p", { class: "value" }, densityWithInterval(reading), h("small", {}, ` ${perArea(series)}`));
  const size = area(reading.area_m2, reading.calibration_error);
  const counted = `${meanWithInterval(reading)} ${noun(series)}`;
  const placed = size === null ? counted : `${counted} on ${size}`;
  const lines = [placed, shareLine(reading, series), comfortLine(reading)].filter((line) => line !== null);
  return [density, ...lines.map((line) => h("p", {}, line))];
}

function shareLine({ crowded_share, occupancy_share }: Reading, series: string): string | null {
  if (crowded_share !== null) return `${percent(crowded_share)} of it crowded (under 2 m apart)`;
  return occupancy_share === null ? null : `${percent(occupancy_share)} of it covered by ${noun(series)}`;
}

function comfortLine(reading: Reading): string | null {
  const grades = comfort(reading);
  return grades === null ? null : `Comfort, indicative: ${grades}`;
}

function reasonLine(text: string): HTMLElement {
  return h("p", { class: "reason" }, text);
}
