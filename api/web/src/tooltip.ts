/** The small card beside a camera or on a zone: its figures, or why there are none. */

import { densityGap } from "./densities.ts";
import { h } from "./dom.ts";
import { area, comfort, coverage, densityWithInterval, kindName, meanWithInterval, noun, perArea } from "./format.ts";
import { percent, reasonOf, stateName } from "./format.ts";
import type { Point } from "./map.ts";
import { windowLabel } from "./time.ts";
import type { Camera, Reading, Zone } from "./types.ts";

export interface Tip {
  readonly camera: Camera;
  /** One of its zones on the ground; null for the camera as a whole. */
  readonly zone: Zone | null;
  readonly reading: Reading | undefined;
  readonly series: string;
  /** Since when nothing was counted, in words; null where not known or not so. */
  readonly since: string | null;
}

const MARGIN_PX = 8;
const OFFSET_PX = 16;

export class Tooltip {
  readonly #root: HTMLElement;

  constructor(root: HTMLElement) {
    this.#root = root;
  }

  show(tip: Tip, at: Point): void {
    this.#root.replaceChildren(...card(tip));
    this.#root.hidden = false;
    this.place(at);
  }

  /** Beside the point, always within the map. */
  place(at: Point): void {
    const { clientWidth, clientHeight } = this.#root.parentElement ?? document.body;
    const { offsetWidth, offsetHeight } = this.#root;
    const right = at.x + OFFSET_PX;
    const left = right + offsetWidth + MARGIN_PX > clientWidth ? at.x - OFFSET_PX - offsetWidth : right;
    const inside = (value: number, size: number, room: number): number =>
      Math.max(MARGIN_PX, Math.min(value, room - size - MARGIN_PX));
    const x = inside(left, offsetWidth, clientWidth);
    const y = inside(at.y - offsetHeight / 2, offsetHeight, clientHeight);
    this.#root.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }

  hide(): void {
    this.#root.hidden = true;
  }
}

function card({ camera, zone, reading, series, since }: Tip): HTMLElement[] {
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
  const figures = zone ? onGround(reading, series) : inView(reading, series);
  const seen = h("p", {}, `${coverage(reading)} · ${stateName(reading.state)}`);
  const reason = reasonOf(reading);
  return [...name, ...figures, seen, ...(reason ? [reasonLine(reason)] : []), when];
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
