/** The map: cameras as marks over outlines of our own. Needs no network beyond the service itself. */

import { type GeoJSONSource, LngLatBounds, type Map as MapLibre, type MapMouseEvent } from "maplibre-gl";

import { onThemeChange, prefersDark, prefersStillness } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { type MarkImage, changeImage, markImages, zoneFills } from "./marks.ts";
import { labelPoints } from "./places.ts";
import { plainMap } from "./plain_map.ts";
import { type Scale, markOf } from "./scales.ts";
import { type Bounds, type Corner, STREET_ZOOM } from "./street.ts";
import { mapStyle } from "./style.ts";
import { type Basemap, type Camera, headlineZone } from "./types.ts";

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is pointed at: a camera's mark or, with the place under the pointer, one of its zones, a hexagon, a change. */
export type Target =
  | { readonly kind: "camera"; readonly id: string }
  | { readonly kind: "zone"; readonly id: string; readonly camera: string; readonly at: Corner }
  | { readonly kind: "hotspot" | "change"; readonly id: string; readonly at: Corner };

export interface MapListener {
  /** The pointer is over something, moves within it, or is over nothing. */
  hover(target: Target | null): void;
  pick(target: Target): void;
  moved(): void;
  /** The map has come to rest. */
  settled(): void;
}

/** A camera, or where something was changed. */
type Place = Pick<Camera, "id" | "lon" | "lat">;

const HOVER_REACH_PX = 5;
const CLOSE_ZOOM = 13.5;
const CLOSEST_ZOOM = 20;

export class CityMap {
  readonly #map: MapLibre;
  readonly #listener: MapListener;
  #basemap: Basemap | null = null;
  #data: Record<string, GeoJSON.FeatureCollection> = {};
  #chosen: readonly string[] = [];
  #chosenZones: readonly string[] = [];
  #chosenChange: string | null = null;
  #hovered: Target | null = null;
  #kept: Place | null = null;
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
  show(cameras: Iterable<Camera>, frame: Frame, series: string, scale: Scale): void {
    const features = [...cameras].map((camera): GeoJSON.Feature => {
      const reading = frame.get(headlineZone(camera) ?? "");
      const value = reading ? scale.value(reading) : null;
      const at = reading ? scale.classOf(reading, series) : null;
      return {
        type: "Feature",
        geometry: { type: "Point", coordinates: [camera.lon, camera.lat] },
        properties: {
          id: camera.id,
          mark: markOf(reading, scale, series),
          order: at === null ? -1 : scale.weight(at),
          label: value === null ? "" : scale.figure(value),
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

  /** Hexagons, rims and rings, as `hotspots.ts` makes them. */
  showHotspots(hotspots: GeoJSON.FeatureCollection): void {
    this.#put("hotspots", hotspots);
  }

  showChanges(changes: GeoJSON.FeatureCollection): void {
    this.#put("changes", changes);
  }

  /** What of the ground is in view; null where the map is too far off for zones. */
  street(): Bounds | null {
    if (this.#map.getZoom() < STREET_ZOOM) return null;
    const bounds = this.#map.getBounds();
    return { west: bounds.getWest(), south: bounds.getSouth(), east: bounds.getEast(), north: bounds.getNorth() };
  }

  /** Bring all cameras into view, clear of the legend however it grows, until the reader moves the map. */
  fit(cameras: readonly Camera[], legend: HTMLElement): void {
    const all = cameras.map(({ lon, lat }): Corner => [lon, lat]);
    const overview = (): void => this.#frame(all, legend, CLOSE_ZOOM, false);
    this.#fitted = overview;
    new ResizeObserver(() => {
      if (this.#fitted === overview) overview();
    }).observe(legend);
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

  /** Ring this change. */
  chooseChange(id: string | null): void {
    this.#chosenChange = id;
    if (this.#map.getLayer("changes-chosen")) this.#map.setFilter("changes-chosen", ["==", ["get", "id"], id ?? ""]);
  }

  /** Keep a place in view when the map changes its size, as it does when the sheet of a phone slides over it. */
  keep(place: Place | null): void {
    if (place?.id !== this.#kept?.id) this.#fitted = null;
    this.#kept = place;
    if (place) this.reveal(place);
  }

  /** Bring a camera or another place into view if it is not. */
  reveal({ lon, lat }: Place): void {
    if (this.#map.getBounds().contains([lon, lat])) return;
    this.#fitted = null;
    this.#map.easeTo({ center: [lon, lat], animate: !prefersStillness() });
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
    for (const { name, data, pixelRatio } of pictures(prefersDark())) {
      if (!this.#map.hasImage(name)) this.#map.addImage(name, data, { pixelRatio });
    }
    for (const [source, data] of Object.entries(this.#data)) this.#put(source, data);
    this.choose(this.#chosen);
    this.chooseZones(this.#chosenZones);
    this.chooseChange(this.#chosenChange);
  }

  #put(source: string, data: GeoJSON.FeatureCollection): void {
    this.#data[source] = data;
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  /** The mark under the pointer or, where there is none, the smallest zone, or the hexagon. */
  #targetAt({ point, lngLat }: MapMouseEvent): Target | null {
    if (!this.#map.getLayer("cameras")) return null;
    const reach: [[number, number], [number, number]] = [
      [point.x - HOVER_REACH_PX, point.y - HOVER_REACH_PX],
      [point.x + HOVER_REACH_PX, point.y + HOVER_REACH_PX],
    ];
    const at: Corner = [lngLat.lng, lngLat.lat];
    const mark = this.#map.queryRenderedFeatures(reach, { layers: ["changes", "cameras"] })[0];
    if (mark) {
      const id = String(mark.properties["id"]);
      return mark.layer.id === "changes" ? { kind: "change", id, at } : { kind: "camera", id };
    }
    const zones = this.#map.queryRenderedFeatures(point, { layers: ["zones"] });
    const smallest = zones.toSorted((a, b) => Number(a.properties["area"]) - Number(b.properties["area"]))[0];
    if (smallest) {
      const { id, camera } = smallest.properties;
      return { kind: "zone", id: String(id), camera: String(camera), at };
    }
    const hexagon = this.#map.queryRenderedFeatures(point, { layers: ["hot-cells"] })[0];
    return hexagon ? { kind: "hotspot", id: String(hexagon.properties["id"]), at } : null;
  }

  #pointed(target: Target | null): void {
    const before = this.#hovered;
    const same = target?.kind === before?.kind && target?.id === before?.id;
    if (same && (target === null || target.kind === "camera")) return;
    this.#hovered = target;
    this.#map.getCanvas().style.cursor = target === null ? "" : "pointer";
    this.#listener.hover(target);
  }
}

function pictures(dark: boolean): MarkImage[] {
  return [...markImages(dark), ...zoneFills(dark), changeImage(dark)];
}
