/** The map: cameras as marks over outlines of our own. Needs no network beyond the service itself. */

import {
  AttributionControl,
  type GeoJSONSource,
  Map as MapLibre,
  type MapMouseEvent,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import { figure } from "./format.ts";
import { classOf, markOf } from "./colours.ts";
import { onThemeChange, prefersDark, prefersStillness } from "./dom.ts";
import type { Frame } from "./figures.ts";
import { markImages } from "./marks.ts";
import { labelPoints } from "./places.ts";
import { EMPTY, mapStyle } from "./style.ts";
import { type Basemap, type Camera, headlineZone } from "./types.ts";

setWorkerUrl(workerUrl);

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface MapListener {
  /** The pointer is over a camera, or over none. */
  hover(camera: string | null): void;
  pick(camera: string): void;
  moved(): void;
}

const HOVER_REACH_PX = 5;
const CLOSE_ZOOM = 13.5;

export class CityMap {
  readonly #map: MapLibre;
  readonly #listener: MapListener;
  #basemap: Basemap | null = null;
  #data: Record<string, GeoJSON.FeatureCollection> = { outlines: EMPTY, places: EMPTY, cameras: EMPTY };
  #chosen: readonly string[] = [];
  #hovered: string | null = null;
  #kept: Camera | null = null;

  /** Throws where the browser has no WebGL. */
  constructor(container: HTMLElement, listener: MapListener) {
    this.#listener = listener;
    this.#map = new MapLibre({
      container,
      style: mapStyle(prefersDark(), null),
      center: [-0.12, 51.5],
      zoom: 9.5,
      minZoom: 2,
      maxZoom: 18,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      fadeDuration: prefersStillness() ? 0 : 150,
    });
    this.#map.touchZoomRotate.disableRotation();
    this.#map.keyboard.disableRotation();
    this.#map.addControl(new NavigationControl({ showCompass: false }), "top-right");
    this.#map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
    this.#map.addControl(new AttributionControl({ compact: true }), "bottom-right");
    this.#map.getCanvas().setAttribute("aria-label", "Map of the cameras; the list beside it says the same in words");
    // A tile that does not come leaves the plain ground, which is a map of its own: nothing to report.
    this.#map.on("error", () => undefined);
    this.#map.on("style.load", () => this.#dress());
    this.#map.on("mousemove", (event) => this.#pointed(this.#cameraAt(event)));
    this.#map.on("mouseout", () => this.#pointed(null));
    this.#map.on("move", () => listener.moved());
    this.#map.on("resize", () => this.#kept && this.reveal(this.#kept));
    this.#map.on("click", (event) => {
      const camera = this.#cameraAt(event);
      if (camera !== null) listener.pick(camera);
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

  /** Bring all cameras into view, clear of the legend. */
  fit(cameras: readonly Camera[], legend: HTMLElement): void {
    if (cameras.length === 0) return;
    const lons = cameras.map((camera) => camera.lon);
    const lats = cameras.map((camera) => camera.lat);
    const room = this.#map.getContainer();
    const margin = Math.min(60, room.clientHeight / 8, room.clientWidth / 8);
    const onTop = legend.offsetTop < room.clientHeight / 2;
    const padding = { left: margin, right: margin, top: margin, bottom: margin };
    padding[onTop ? "top" : "bottom"] += legend.offsetHeight;
    this.#map.fitBounds([Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)], {
      padding,
      maxZoom: CLOSE_ZOOM,
      animate: false,
    });
  }

  /** Ring these cameras: the open one and the one pointed at. */
  choose(ids: readonly string[]): void {
    this.#chosen = ids;
    if (this.#map.getLayer("chosen")) this.#map.setFilter("chosen", ["in", ["get", "id"], ["literal", [...ids]]]);
  }

  /** Keep a camera in view when the map changes its size, as it does when the sheet of a phone slides over it. */
  keep(camera: Camera | null): void {
    this.#kept = camera;
    if (camera) this.reveal(camera);
  }

  /** Bring a camera into view if it is not. */
  reveal(camera: Camera): void {
    if (this.#map.getBounds().contains([camera.lon, camera.lat])) return;
    this.#map.easeTo({ center: [camera.lon, camera.lat], animate: !prefersStillness() });
  }

  /** Where a camera is drawn, in pixels of the map; null where out of view. */
  locate(camera: Camera): Point | null {
    const { x, y } = this.#map.project([camera.lon, camera.lat]);
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
    for (const { name, data, pixelRatio } of markImages(prefersDark())) {
      if (!this.#map.hasImage(name)) this.#map.addImage(name, data, { pixelRatio });
    }
    for (const [source, data] of Object.entries(this.#data)) this.#put(source, data);
    this.choose(this.#chosen);
  }

  #put(source: string, data: GeoJSON.FeatureCollection): void {
    this.#data[source] = data;
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }

  #cameraAt({ point }: MapMouseEvent): string | null {
    if (!this.#map.getLayer("cameras")) return null;
    const reach: [[number, number], [number, number]] = [
      [point.x - HOVER_REACH_PX, point.y - HOVER_REACH_PX],
      [point.x + HOVER_REACH_PX, point.y + HOVER_REACH_PX],
    ];
    const found = this.#map.queryRenderedFeatures(reach, { layers: ["cameras"] })[0];
    const id: unknown = found?.properties["id"];
    return typeof id === "string" ? id : null;
  }

  #pointed(camera: string | null): void {
    if (camera === this.#hovered) return;
    this.#hovered = camera;
    this.#map.getCanvas().style.cursor = camera === null ? "" : "pointer";
    this.#listener.hover(camera);
  }
}
