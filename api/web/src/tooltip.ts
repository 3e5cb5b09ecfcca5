/** The small card beside a camera: its figures, or why there are none. */

import { h } from "./dom.ts";
import { coverage, meanWithInterval, noun, reasonOf, stateName } from "./format.ts";
import type { Point } from "./map.ts";
import { windowLabel } from "./time.ts";
import type { Camera, Reading } from "./types.ts";

export interface Tip {
  readonly camera: Camera;
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

function card({ camera, reading, series, since }: Tip): HTMLElement[] {
  const tz = camera.timezone;
  const name = h("strong", {}, camera.name);
  if (!reading) return [name, h("p", { class: "reason" }, `No data: ${reasonOf(reading)}`)];
  const start = Date.parse(reading.start);
  const when = h("p", { class: "when" }, windowLabel(start, Date.parse(reading.end), tz));
  if (reading.mean === null) {
    const lines = [h("p", { class: "reason" }, `No data: ${reasonOf(reading)}`)];
    if (since !== null) lines.push(h("p", {}, `Nothing counted ${since}`));
    return [name, ...lines, h("p", {}, coverage(reading)), when];
  }
  const seen = h("p", {}, `${coverage(reading)} · ${stateName(reading.state)}`);
  const value = h("p", { class: "value" }, meanWithInterval(reading), h("small", {}, ` ${noun(series)}`));
  const reason = reasonOf(reading);
  return [name, value, seen, ...(reason ? [h("p", { class: "reason" }, reason)] : []), when];
}
