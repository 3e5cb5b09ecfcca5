/** What the reader points at, on the map or in a list: it is ringed on the map and told in a card. */

import { card } from "./card.ts";
import type { Figures, Frame } from "./figures.ts";
import { lastCounted } from "./figures.ts";
import { moment } from "./format.ts";
import type { CityMap } from "./map.ts";
import type { Corner } from "./street.ts";
import { localDay } from "./time.ts";
import type { Tooltip } from "./tooltip.ts";
import { type Camera, type Measure, type Reading, type Zone, headlineZone } from "./types.ts";
import type { Hotspot } from "./unusual_types.ts";

/** What the page shows, as far as pointing needs to know it. */
export interface Shown {
  readonly figures: Figures;
  readonly frame: Frame;
  readonly series: string;
  readonly measure: Measure;
  /** The zones that are hotspots. */
  readonly hotspots: ReadonlyMap<string, Hotspot> | null;
  readonly openCamera: string | null;
  readonly openZone: string | null;
}

/** A camera, or one of its zones with the place on it. */
export interface Pointed {
  readonly camera: Camera;
  readonly zone: Zone | null;
  readonly at: Corner;
}

/** Another place with a card of its own. */
export interface PointedPlace {
  readonly at: Corner;
  readonly card: () => HTMLElement[];
}

const SINCE_DELAY_MS = 150;

export class Pointing {
  readonly #tooltip: Tooltip;
  readonly #shown: () => Shown;
  #map: CityMap | null = null;
  #pointed: Pointed | null = null;
  #place: PointedPlace | null = null;

  constructor(tooltip: Tooltip, shown: () => Shown) {
    this.#tooltip = tooltip;
    this.#shown = shown;
  }

  useMap(map: CityMap): void {
    this.#map = map;
  }

  /** At this camera, or at none. `reveal` brings it into view first. */
  at(camera: Camera | null, reveal: boolean): void {
    if (camera && reveal) this.#map?.reveal(camera);
    this.#pointed = camera && { camera, zone: null, at: [camera.lon, camera.lat] };
    this.#place = null;
    this.draw();
  }

  /** At a place that is no camera and no zone. */
  atPlace(place: PointedPlace): void {
    this.#pointed = null;
    this.#place = place;
    this.draw();
  }

  /** At a place in a zone. */
  atZone(camera: Camera, zone: Zone, at: Corner): void {
    const within = this.#pointed?.zone === zone;
    this.#place = null;
    this.#pointed = { camera, zone, at };
    if (within) this.follow();
    else this.draw();
  }

  /** Ring and card as the figures are now. */
  draw(): void {
    const { openCamera, openZone } = this.#shown();
    const pointed = this.#pointed;
    this.#map?.choose([openCamera, pointed?.camera.id ?? null].filter((id) => id !== null));
    this.#map?.chooseZones([openZone, pointed?.zone?.id ?? null].filter((id) => id !== null));
    if (!pointed) {
      this.#told(this.#place?.card() ?? [], this.#place?.at ?? null);
      return;
    }
    const reading = this.#reading(pointed);
    this.#card(pointed, reading, null);
    if (reading?.mean === null) window.setTimeout(() => void this.#addSince(pointed, reading), SINCE_DELAY_MS);
  }

  /** The map has moved under the card, or the pointer within a zone. */
  follow(): void {
    const pointed = this.#pointed ?? this.#place;
    const at = pointed && this.#map?.locate(pointed.at);
    if (at) this.#tooltip.place(at);
    else this.#tooltip.hide();
  }

  #reading({ camera, zone }: Pointed): Reading | undefined {
    return this.#shown().frame.get(zone?.id ?? headlineZone(camera) ?? "");
  }

  #card({ camera, zone, at }: Pointed, reading: Reading | undefined, since: string | null): void {
    const { series, measure, hotspots } = this.#shown();
    const zones = zone ? [zone.id] : camera.zones;
    const hotspot = zones.map((id) => hotspots?.get(id)).find((spot) => spot !== undefined) ?? null;
    this.#told(card({ camera, zone, reading, series, measure, since, hotspot }), at);
  }

  #told(card: readonly HTMLElement[], at: Corner | null): void {
    const place = at && this.#map?.locate(at);
    if (place) this.#tooltip.show(card, place);
    else this.#tooltip.hide();
  }

  /** A camera without data: say since when, once its day is loaded. */
  async #addSince(pointed: Pointed, reading: Reading): Promise<void> {
    const still = (): Pointed | null => {
      const now = this.#pointed;
      const same = now?.camera === pointed.camera && now.zone === pointed.zone && this.#reading(now) === reading;
      return same ? now : null;
    };
    if (!still()) return;
    const start = Date.parse(reading.start);
    const tz = pointed.camera.timezone;
    const readings = await this.#shown().figures.day(pointed.camera, localDay(start, tz)).catch(() => null);
    const now = still();
    if (!readings || !now) return;
    const counted = lastCounted(readings, reading.zone, reading.start);
    const since = counted === null ? "before on this day" : `since ${moment(counted, tz, start)}`;
    this.#card(now, reading, since);
  }
}
