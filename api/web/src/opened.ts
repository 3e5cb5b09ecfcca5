/** The camera that is open: its zones and its day are loaded and given to the panel. */

import * as api from "./api.ts";
import { describe } from "./cover.ts";
import type { Figures } from "./figures.ts";
import type { View } from "./hash.ts";
import type { CameraPanel } from "./panel.ts";
import { type Span, WIDTH_MS, localDay } from "./time.ts";
import { type Camera, type Zone, headlineZone } from "./types.ts";

/** What the page shows, as far as the open camera needs to know it. */
export interface Around {
  readonly view: View;
  readonly figures: Figures;
  readonly camera: Camera | null;
  /** From the first clip stored to the newest window there is an answer for. */
  readonly stored: Span;
}

export class OpenedCamera {
  readonly #panel: CameraPanel;
  readonly #around: () => Around;
  #zones: readonly Zone[] = [];

  constructor(panel: CameraPanel, around: () => Around) {
    this.#panel = panel;
    this.#around = around;
  }

  announce(focus: boolean): void {
    const { camera } = this.#around();
    if (camera) this.#panel.announce(camera, focus);
  }

  hide(): void {
    this.#panel.hide();
  }

  /** Load the day of the view and show it, if the reader has not gone on in the meantime. */
  async load(): Promise<void> {
    const { camera, view, figures, stored } = this.#around();
    const { at, series, width } = view;
    if (!camera || at === null) return;
    const day = localDay(at, camera.timezone);
    try {
      if (this.#zones[0]?.camera !== camera.id) this.#zones = await api.zonesOf(camera.id);
      const zone = view.zone ?? headlineZone(camera) ?? "";
      const ofDay = (await figures.day(camera, day)).filter((reading) => reading.zone === zone);
      // Of the newest window the service tells more: since when a camera is quiet.
      const newest = view.live ? figures.latest().get(zone) : undefined;
      const readings = ofDay.map((reading) => (newest?.start === reading.start ? newest : reading));
      if (this.#around().view !== view) return;
      this.#panel.cursor({ start: at, end: at + WIDTH_MS[width] });
      this.#panel.show({ camera, zone, zones: this.#zones, series, width, day, readings, stored });
    } catch (error) {
      this.#panel.fail(describe(error), () => void this.load());
    }
  }
}
