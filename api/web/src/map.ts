/** The map: cameras as marks over outlines of our own. Needs no network beyond the service itself. */

import { type GeoJSONSource, LngLatBounds, type Map as MapLibre, type MapMouseEvent } from "maplibre-gl";

import { figure } from "./format.ts";
import { classOf, markOf } from "./colours.ts";
import { onThemeChange, prefersDark, prefersStillness } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { markImages, zoneFills } from "./marks.ts";
import { labelPoints } from "./places.ts";
import { plainMap } from "./plain_map.ts";
import { type Bounds, type Corner, STREET_ZOOM } from "./street.ts";
import { EMPTY, mapStyle } from "./style.ts";
import { type Basemap, type Camera, headlineZone } from "./types.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What of a camera is pointed at: its mark or, with the place under the pointer, one of its zones. */
export interface Target {
  readonly camera: string;
  readonly zone: { readonly id: string; readonly at: Corner } | null;
}

export interface MapListener {
  /** The pointer is over something, moves within a zone, or is over nothing. */
  hover(target: Target | null): void;
  pick(target: Target): void;
  moved(): void;
  /** The map has come to rest. */
  settled(): void;
}

const HOVER_REACH_PX = 5;
const CLOSE_ZOOM = 13.5;
const CLOSEST_ZOOM = 20;

export class CityMap {
  readonly #map: MapLibre;
  readonly #listener: MapListener;
  #basemap: Basemap | null = null;
  #data: Record<string, GeoJSON.FeatureCollection> = { outlines: EMPTY, places: EMPTY, zones: EMPTY, cameras: EMPTY };
  #chosen: readonly string[] = [];
  #chosenZones: readonly string[] = [];
  #hovered: Target | null = null;
  #kept: Camera | null = null;
  /** What was brought into view and not left since. */
  #fitted: (() => void) | null = null;

  /** Throws where the browser has no WebGL. */
  constructor(container: HTMLElement, listener: MapListener) {
    this.#listener = listener;
    this.#map = plainMap(container, { center: [-0.12, 51.5], zoom: 9.5, maxZoom: CLOSEST_ZOOM });
    this.#map.getCanvas().setAttribute("aria-label", "Map of the cameras; the list beside it says the same in words");
    this.#map.on("style.load", () => this.#dress());
    this.#map.on("mousemove", (event) => this.#pointed(this.#targetAt(event)));
    this.#map.on("mouseout", () => this.#pointed(null));
    this.#map.on("move", () => listener.moved());
    this.#map.on("moveend", () => listener.settled());
    this.#map.on("movestart", ({ originalEvent }) => {
      if (originalEvent) this.#fitted = null;
    });
    this.#map.on("resize", () => {
      if (this.#fitted) this.#fitted();
      else if (this.#kept) this.reveal(this.#kept);
    });
    this.#map.on("click", (event) => {
      const target = this.#targetAt(event);
      if (target) listener.pick(target);
    });
    onThemeChange(() => this.#restyle());
  }

  /** The cameras as they are in this frame. */
  show(cameras: Iterable<Camera>, frame: Frame, series: string): void {
    const features = [...cameras].map((camera): GeoJSON.Feature => {
      const reading = frame.get(headlineZone(camera) ?? "");
      const mean = reading?.mean ?? null;
      return {
        type: "Feature",
        geometry: { type: "Point", coordinates: [camera.lon, camera.lat] },
        properties: {
          id: camera.id,
          mark: markOf(reading, series),
          order: mean === null ? -1 : classOf(mean, series),
          label: mean === null ? "" : figure(mean),
        },
      };
    });
    this.#put("cameras", { type: "FeatureCollection", features });
  }

  outline(shapes: GeoJSON.FeatureCollection): void {
    this.#put("outlines", shapes);
    this.#put("places", labelPoints(shapes));
  }

  /** The zones on the ground; where the map is too far off for them they are kept for later. */
  showZones(zones: GeoJSON.FeatureCollection): void {
    this.#put("zones", zones);
  }

  /** What of the ground is in view; null where the map is too far off for zones. */
  street(): Bounds | null {
    if (this.#map.getZoom() < STREET_ZOOM) return null;
    const bounds = this.#map.getBounds();
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
  }

  /** Bring all cameras into view, clear of the legend. */
  fit(cameras: readonly Camera[], legend: HTMLElement): void {
    this.#frame(cameras.map(({ lon, lat }) => [lon, lat]), legend, CLOSE_ZOOM, false);
  }

  /** Bring these places into view, clear of the legend, and keep them there until the reader moves the map. */
  lookAt(places: readonly Corner[], legend: HTMLElement): void {
    this.#fitted = null;
    this.#map.resize(); // the sheet may have given way to it just now
    this.#frame(places, legend, CLOSEST_ZOOM - 0.5, !prefersStillness());
    this.#fitted = () => this.#frame(places, legend, CLOSEST_ZOOM - 0.5, false);
  }

  #frame(places: readonly Corner[], legend: HTMLElement, maxZoom: number, animate: boolean): void {
    if (places.length === 0) return;
    const room = this.#map.getContainer();
    const margin = Math.min(60, room.clientHeight / 8, room.clientWidth / 8);
    const onTop = legend.offsetTop < room.clientHeight / 2;
    const padding = { left: margin, right: margin, top: margin, bottom: margin };
    padding[onTop ? "top" : "bottom"] += Math.min(legend.offsetHeight, room.clientHeight / 2);
    const around = places.reduce((box, [lon, lat]) => box.extend([lon, lat]), new LngLatBounds());
    this.#map.fitBounds(around, { padding, maxZoom, animate });
  }

  /** Ring these cameras: the open one and the one pointed at. */
  choose(ids: readonly string[]): void {
    this.#chosen = ids;
    if (this.#map.getLayer("chosen")) this.#map.setFilter("chosen", ["in", ["get", "id"], ["literal", [...ids]]]);
  }

  /** Outline these zones: the open one and the one pointed at. */
  chooseZones(ids: readonly string[]): void {
    this.#chosenZones = ids;
    const layer = "zones-chosen";
    if (this.#map.getLayer(layer)) this.#map.setFilter(layer, ["in", ["get", "id"], ["literal", [...ids]]]);
  }

  /** Keep a camera in view when the map changes its size, as it does when the sheet of a phone slides over it. */
  keep(camera: Camera | null): void {
    if (camera?.id !== this.#kept?.id) this.#fitted = null;
    this.#kept = camera;
    if (camera) this.reveal(camera);
  }

  /** Bring a camera into view if it is not. */
  reveal(camera: Camera): void {
    if (this.#map.getBounds().contains([camera.lon, camera.lat])) return;
    this.#map.easeTo({ center: [camera.lon, camera.lat], animate: !prefersStillness() });
  }

  /** Where a place is drawn, in pixels of the map; null where out of view. */
  locate([lon, lat]: Corner): Point | null {
    const { x, y } = this.#map.project([lon, lat]);
    const { clientWidth, clientHeight } = this.#map.getContainer();
    return x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight ? { x, y } : null;
  }

  useBasemap(basemap: Basemap): void {
    this.#basemap = basemap;
    this.#restyle();
  }

  #restyle(): void {
    this.#map.setStyle(mapStyle(prefersDark(), this.#basemap), { diff: false });
  }

  /** Give a new style the marks and the data that it does not bring. */
  #dress(): void {
    for (const { name, data, pixelRatio } of [...markImages(prefersDark()), ...zoneFills(prefersDark())]) {
      if (!this.#map.hasImage(name)) this.#map.addImage(name, data, { pixelRatio });
    }
    for (const [source, data] of Object.entries(this.#data)) this.#put(source, data);
    this.choose(this.#chosen);
    this.chooseZones(this.#chosenZones);
  }

  #put(source: string, data: GeoJSON.FeatureCollection): void {
    this.#data[source] = data;
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  /** The mark under the pointer or, where there is none, the smallest zone. */
  #targetAt({ point, lngLat }: MapMouseEvent): Target | null {
    if (!this.#map.getLayer("cameras")) return null;
    const reach: [[number, number], [number, number]] = [
      [point.x - HOVER_REACH_PX, point.y - HOVER_REACH_PX],
      [point.x + HOVER_REACH_PX, point.y + HOVER_REACH_PX],
    ];
    const mark = this.#map.queryRenderedFeatures(reach, { layers: ["cameras"] })[0];
    if (mark) return { camera: String(mark.properties["id"]), zone: null };
    const zones = this.#map.queryRenderedFeatures(point, { layers: ["zones"] });
    const smallest = zones.toSorted((a, b) => Number(a.properties["area"]) - Number(b.properties["area"]))[0];
    if (!smallest) return null;
    const { id, camera } = smallest.properties;
    return { camera: String(camera), zone: { id: String(id), at: [lngLat.lng, lngLat.lat] } };
  }

  #pointed(target: Target | null): void {
    const [before, zone] = [this.#hovered, target?.zone ?? null];
    if (target?.camera === before?.camera && zone === null && (before?.zone ?? null) === null) return;
    this.#hovered = target;
    this.#map.getCanvas().style.cursor = target === null ? "" : "pointer";
    this.#listener.hover(target);
  }
}
