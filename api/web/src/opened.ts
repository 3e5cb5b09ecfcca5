/** The camera that is open: its zones and its day are loaded and given to the panel. */

import { describe } from "./cover.ts";
import type { Figures } from "./figures.ts";
import type { View } from "./hash.ts";
import type { CameraPanel } from "./panel.ts";
import { type Span, WIDTH_MS, localDay } from "./time.ts";
import { type Camera, type Reading, headlineZone } from "./types.ts";
import type { Zones } from "./zones.ts";

/** What the page shows, as far as the open camera needs to know it. */
export interface Around {
  readonly view: View;
  readonly figures: Figures;
  readonly zones: Zones;
  readonly camera: Camera | null;
  /** From the first clip stored to the newest window there is an answer for. */
  readonly stored: Span;
}

export class OpenedCamera {
  readonly #panel: CameraPanel;
  readonly #around: () => Around;

  constructor(panel: CameraPanel, around: () => Around) {
    this.#panel = panel;
    this.#around = around;
  }

  /** `from`: where it was opened, and is gone back to. */
  announce(from: string, focus: boolean): void {
    const { camera } = this.#around();
    if (camera) this.#panel.announce(camera, from, focus);
  }

  hide(): void {
    this.#panel.hide();
  }

  /** Load the day of the view and show it, if the reader has not gone on in the meantime. */
  async load(): Promise<void> {
    const { camera, view, figures, stored, zones } = this.#around();
    const { at, series, width, measure } = view;
    if (!camera || at === null) return;
    const day = localDay(at, camera.timezone);
    try {
      await zones.load([camera.id]).catch((error: unknown) => {
        if (zones.of(camera.id).length === 0) throw error; // those known before are good still
      });
      const zone = view.zone ?? headlineZone(camera) ?? "";
      const ofDay = await figures.day(camera, day);
      // Of the newest window the service tells more: since when a camera is quiet.
      const latest = view.live ? figures.latest() : null;
      const told = ofDay.map((reading): Reading => {
        const newest = latest?.get(reading.zone);
        return newest?.start === reading.start ? newest : reading;
      });
      if (this.#around().view !== view) return;
      const readings = told.filter((reading) => reading.zone === zone);
      const ofWindow = told.filter(({ start }) => Date.parse(start) === at);
      const now = latest ?? new Map(ofWindow.map((reading) => [reading.zone, reading]));
      this.#panel.cursor({ start: at, end: at + WIDTH_MS[width] });
      const about = { camera, zone, zones: zones.of(camera.id), series, width, measure };
      this.#panel.show({ ...about, day, readings, now, stored });
    } catch (error) {
      this.#panel.fail(describe(error), () => void this.load());
    }
  }
}
