/** Asks for the hotspots of the window shown, once the reader has come to rest on it. */

import * as api from "./api.ts";
import { describe } from "./cover.ts";
import { type HotspotsFound, foundHotspots, hotspotsTold } from "./hotspots.ts";
import { type Corner, ringOf } from "./street.ts";
import type { Camera, Width } from "./types.ts";

export interface HotspotQuestion {
  readonly series: string;
  readonly width: Width;
  /** The start of the window; null for the newest that is over, of which the answer changes. */
  readonly at: number | null;
  readonly cameras: ReadonlyMap<string, Camera>;
}

/** What the page shows of them: nothing while they are off or on their way, else what was found, or why nothing was. */
export interface HotspotState {
  readonly on: boolean;
  readonly found: HotspotsFound | null;
  readonly failed: string | null;
}

const REST_MS = 250;
const AGAIN_MS = 25_000;

export const NO_HOTSPOTS: HotspotState = { on: false, found: null, failed: null };

export class HotspotLayer {
  readonly #changed: () => void;
  #state: HotspotState = NO_HOTSPOTS;
  #wanted = "";
  #asked = 0;
  #timer = 0;
  /** The service has no such answers: it is not asked again. */
  #missing: string | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get state(): HotspotState {
    return this.#state;
  }

  /** Null: they are off. What is known stays while the same window is asked for again. */
  show(question: HotspotQuestion | null): void {
    const key = question && `${question.series} ${question.width} ${question.at}`;
    const again = key !== null && key === this.#wanted;
    if (question === null || !again) clearTimeout(this.#timer);
    this.#wanted = key ?? "";
    if (question === null) {
      if (this.#state.on) this.#set(NO_HOTSPOTS);
    } else if (this.#missing !== null) {
      if (!this.#state.on) this.#set({ on: true, found: null, failed: this.#missing });
    } else if (!again) {
      this.#set({ on: true, found: null, failed: null });
      this.#timer = window.setTimeout(() => void this.#ask(question), REST_MS);
    } else if ((question.at === null || this.#state.failed !== null) && Date.now() - this.#asked >= AGAIN_MS) {
      void this.#ask(question);
    }
  }

  /** What a legend says of them, and whether any are drawn; null where they are off. */
  told(shown: number | null, tz: string): { readonly words: string; readonly drawn: boolean } | null {
    const { on, found, failed } = this.#state;
    if (!on) return null;
    if (failed !== null) return { words: `not available: ${failed}.`, drawn: false };
    if (!found) return { words: "…", drawn: false };
    return { words: hotspotsTold(found, shown, tz), drawn: found.drawn.features.length > 0 };
  }

  /** Of a hexagon. */
  corners(cell: string): Corner[] {
    const hexagon = this.#state.found?.drawn.features.find(({ properties }) => properties?.["id"] === cell);
    return ringOf(hexagon?.geometry ?? null);
  }

  async #ask(question: HotspotQuestion): Promise<void> {
    const wanted = this.#wanted;
    this.#asked = Date.now();
    const state = await this.#answer(question);
    if (this.#wanted === wanted) this.#set(state);
  }

  async #answer(question: HotspotQuestion): Promise<HotspotState> {
    try {
      const [cells, zones] = await Promise.all([api.hotspots(question, "cells"), api.hotspots(question, "zones")]);
      return { on: true, found: foundHotspots(cells, zones, question.cameras), failed: null };
    } catch (error) {
      const failed = describe(error);
      if (error instanceof api.Problem && error.status === 404) this.#missing = failed;
      return { on: true, found: null, failed };
    }
  }

  #set(state: HotspotState): void {
    this.#state = state;
    this.#changed();
  }
}
