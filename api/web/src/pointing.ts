/** What the reader points at, on the map or in the list: it is ringed on the map and told in a card. */

import type { Figures, Frame } from "./figures.ts";
import { lastCounted } from "./figures.ts";
import { moment } from "./format.ts";
import type { CityMap } from "./map.ts";
import { localDay } from "./time.ts";
import type { Tooltip } from "./tooltip.ts";
import { type Camera, type Reading, headlineZone } from "./types.ts";

/** What the page shows, as far as pointing needs to know it. */
export interface Shown {
  readonly figures: Figures;
  readonly frame: Frame;
  readonly series: string;
  readonly openCamera: string | null;
}

const SINCE_DELAY_MS = 150;

export class Pointing {
  readonly #tooltip: Tooltip;
  readonly #shown: () => Shown;
  #map: CityMap | null = null;
  #camera: Camera | null = null;

  constructor(tooltip: Tooltip, shown: () => Shown) {
    this.#tooltip = tooltip;
    this.#shown = shown;
  }

  useMap(map: CityMap): void {
    this.#map = map;
  }

  /** At this camera, or at none. `reveal` brings it into view first. */
  at(camera: Camera | null, reveal: boolean): void {
    this.#camera = camera;
    if (camera && reveal) this.#map?.reveal(camera);
    this.draw();
  }

  /** Ring and card as the figures are now. */
  draw(): void {
    const { openCamera } = this.#shown();
    this.#map?.choose([openCamera, this.#camera?.id ?? null].filter((id) => id !== null));
    const camera = this.#camera;
    if (!camera) {
      this.#tooltip.hide();
      return;
    }
    const reading = this.#reading(camera);
    this.#card(camera, reading, null);
    if (reading?.mean === null) window.setTimeout(() => void this.#addSince(camera, reading), SINCE_DELAY_MS);
  }

  /** The map has moved under the card. */
  follow(): void {
    const at = this.#camera && this.#map?.locate(this.#camera);
    if (at) this.#tooltip.place(at);
    else this.#tooltip.hide();
  }

  #reading(camera: Camera): Reading | undefined {
    return this.#shown().frame.get(headlineZone(camera) ?? "");
  }

  #card(camera: Camera, reading: Reading | undefined, since: string | null): void {
    const at = this.#map?.locate(camera);
    if (at) this.#tooltip.show({ camera, reading, series: this.#shown().series, since }, at);
    else this.#tooltip.hide();
  }

  /** A camera without data: say since when, once its day is loaded. */
  async #addSince(camera: Camera, reading: Reading): Promise<void> {
    const still = (): boolean => this.#camera === camera && this.#reading(camera) === reading;
    if (!still()) return;
    const start = Date.parse(reading.start);
    const tz = camera.timezone;
    const readings = await this.#shown().figures.day(camera, localDay(start, tz)).catch(() => null);
    if (!readings || !still()) return;
    const counted = lastCounted(readings, reading.zone, reading.start);
    const since = counted === null ? "before on this day" : `since ${moment(counted, tz, start)}`;
    this.#card(camera, reading, since);
  }
}
