/** The zones of cameras, asked for where they are wanted: a city has many, and a page shows few. */

import * as api from "./api.ts";
import type { Zone } from "./types.ts";

/** Zones by camera, asked for once, and again after each refresh: an operator may draw them anew at any time. */
export class Zones {
  #byCamera = new Map<string, readonly Zone[]>();
  #asked = new Map<string, Promise<void>>();

  /** A camera's zones as they were last told; none where they were never asked for. */
  of(camera: string): readonly Zone[] {
    return this.#byCamera.get(camera) ?? [];
  }

  zone(camera: string, id: string): Zone | undefined {
    return this.of(camera).find((zone) => zone.id === id);
  }

  /** Ask for the zones of those cameras whose were not asked for since the last refresh. */
  async load(cameras: readonly string[]): Promise<void> {
    const wanted = cameras.filter((camera) => !this.#asked.has(camera));
    if (wanted.length > 0) {
      const asked = this.#ask(wanted);
      for (const camera of wanted) this.#asked.set(camera, asked);
    }
    await Promise.all(cameras.map((camera) => this.#asked.get(camera)));
  }

  refresh(): void {
    this.#asked.clear();
  }

  async #ask(cameras: readonly string[]): Promise<void> {
    try {
      const zones = await api.zonesOf(cameras);
      for (const camera of cameras) this.#byCamera.set(camera, zones.filter((zone) => zone.camera === camera));
    } catch (error) {
      for (const camera of cameras) this.#asked.delete(camera);
      throw error;
    }
  }
}
