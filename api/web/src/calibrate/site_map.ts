/** The map beside the picture: the camera, the zones on the ground, and the map's ends of the points. */

import { type GeoJSONSource, LngLat, LngLatBounds, type Map as MapLibre, Marker } from "maplibre-gl";

import { h, onThemeChange, prefersDark } from "../dom.ts";
import { labelPoints } from "../places.ts";
import { plainMap } from "../plain_map.ts";
import { EMPTY, mapStyle } from "../style.ts";
import type { Basemap } from "../types.ts";
import { ARROWS } from "./arrows.ts";
import { COLOUR } from "./kinds.ts";
import type { MapPoint, Place } from "./site.ts";
import type { LatLon } from "./written.ts";

export interface SiteMapListener {
  /** A place was clicked, or Enter pressed with it under the crosshair. */
  place(lat: number, lon: number): void;
  drag(at: number, lat: number, lon: number, gesture: string): void;
  remove(at: number): void;
  escape(): void;
}

const STREET_ZOOM = 18.3;

interface Pin {
  readonly marker: Marker;
  readonly element: HTMLElement;
}

export class SiteMap {
  readonly #map: MapLibre;
  readonly #listener: SiteMapListener;
  readonly #container: HTMLElement;
  readonly #pins: Pin[] = [];
  #basemap: Basemap | null = null;
  #data: Record<string, GeoJSON.FeatureCollection> = { outlines: EMPTY, places: EMPTY, drawn: EMPTY, pointed: EMPTY };
  #gestures = 0;

  /** Throws where the browser has no WebGL. */
  constructor(container: HTMLElement, camera: LatLon & { readonly name: string }, listener: SiteMapListener) {
    this.#listener = listener;
    this.#container = container;
    this.#map = plainMap(container, {
      center: [camera.lon, camera.lat],
      zoom: STREET_ZOOM,
      maxZoom: 22,
      doubleClickZoom: false,
    });
    const canvas = this.#map.getCanvas();
    canvas.setAttribute("aria-label", `Map around ${camera.name}. Arrow keys move it, Enter sets a point at its crosshair.`);
    canvas.addEventListener("keydown", (event) => this.#key(event));
    this.#map.on("style.load", () => this.#dress());
    this.#map.on("click", ({ lngLat, originalEvent }) => {
      const onPin = (originalEvent.target as Element).closest(".pin") !== null;
      if (!onPin) listener.place(lngLat.lat, lngLat.lng);
    });
    const mast = h("span", { class: "mast", title: `The camera: ${camera.name}` });
    new Marker({ element: mast }).setLngLat([camera.lon, camera.lat]).addTo(this.#map);
    onThemeChange(() => this.#restyle());
  }

  /** `waiting`: a click sets the place of a point. */
  show(zones: GeoJSON.FeatureCollection, points: readonly MapPoint[], waiting: boolean): void {
    this.#container.classList.toggle("waiting", waiting);
    this.#put("drawn", zones);
    while (this.#pins.length > points.length) this.#pins.pop()?.marker.remove();
    while (this.#pins.length < points.length) this.#pins.push(this.#pin(this.#pins.length));
    points.forEach((point, at) => {
      const pin = this.#pins[at];
      pin?.marker.setLngLat([point.lon, point.lat]).addTo(this.#map);
      pin?.element.setAttribute("aria-label", `Point ${at + 1}, ${point.what}, on the map: arrow keys move it`);
    });
  }

  /** Bring the camera and these points into view. */
  fit(points: readonly MapPoint[]): void {
    if (points.length === 0) return;
    const { lng, lat } = this.#map.getCenter();
    const all = points.reduce((box, point) => box.extend([point.lon, point.lat]), new LngLatBounds([lng, lat, lng, lat]));
    this.#map.fitBounds(all, { padding: 60, maxZoom: STREET_ZOOM + 1, animate: false });
  }

  /** Where on the map the place is that is pointed at in the picture. */
  point(place: Place | null): void {
    const features: GeoJSON.Feature[] = place
      ? [{ type: "Feature", geometry: { type: "Point", coordinates: [...place] }, properties: {} }]
      : [];
    this.#put("pointed", { type: "FeatureCollection", features });
  }

  focus(): void {
    this.#map.getCanvas().focus({ preventScroll: true });
  }

  outline(shapes: GeoJSON.FeatureCollection): void {
    this.#put("outlines", shapes);
    this.#put("places", labelPoints(shapes));
  }

  useBasemap(basemap: Basemap): void {
    this.#basemap = basemap;
    this.#restyle();
  }

  #pin(at: number): Pin {
    const element = h("button", { type: "button", class: "pin" }, h("span", {}, String(at + 1)));
    const marker = new Marker({ element, draggable: true });
    const dragged = (gesture: string): void => {
      const { lat, lng } = marker.getLngLat();
      this.#listener.drag(at, lat, lng, gesture);
    };
    marker.on("dragstart", () => (this.#gestures += 1));
    marker.on("drag", () => dragged(`map drag ${this.#gestures}`));
    element.addEventListener("keydown", (event) => {
      const step = ARROWS[event.key];
      if (step && !event.altKey && !event.ctrlKey && !event.metaKey) {
        const by = event.shiftKey ? 10 : 1;
        const { x, y } = this.#map.project(marker.getLngLat());
        marker.setLngLat(this.#map.unproject([x + step[0] * by, y + step[1] * by]));
        dragged(`map keys ${at}`);
      } else if (event.key === "Delete" || event.key === "Backspace") this.#listener.remove(at);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return { marker, element };
  }

  #key(event: KeyboardEvent): void {
    const step = ARROWS[event.key];
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (step) {
      // Finer than MapLibre's own 100 pixels, and by the same rule as in the picture.
      const by = event.shiftKey ? 100 : 10;
      this.#map.panBy([step[0] * by, step[1] * by], { animate: false });
    } else if (event.key === "Enter" || event.key === " ") {
      const { lat, lng } = this.#map.getCenter();
      this.#listener.place(lat, LngLat.convert([lng, lat]).wrap().lng);
    } else if (event.key === "Escape") this.#listener.escape();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #restyle(): void {
    this.#map.setStyle(mapStyle(prefersDark(), this.#basemap), { diff: false });
  }

  /** Give a new style what it does not bring. */
  #dress(): void {
    const colours = Object.entries(COLOUR).flat();
    const colour = ["match", ["get", "kind"], ...colours, "#888888"] as unknown as string;
    this.#map.addSource("drawn", { type: "geojson", data: EMPTY });
    this.#map.addSource("pointed", { type: "geojson", data: EMPTY });
    this.#map.addLayer({
      id: "drawn-fill",
      type: "fill",
      source: "drawn",
      paint: { "fill-color": colour, "fill-opacity": ["case", ["get", "chosen"], 0.6, 0.35] },
    });
    this.#map.addLayer({
      id: "drawn-edge",
      type: "line",
      source: "drawn",
      paint: { "line-color": prefersDark() ? "#f2f4f7" : "#16202c", "line-width": ["case", ["get", "chosen"], 2.5, 1.2] },
    });
    this.#map.addLayer({
      id: "pointed",
      type: "circle",
      source: "pointed",
      paint: {
        "circle-radius": 5,
        "circle-color": "#ffffff",
        "circle-stroke-color": "#c2185b",
        "circle-stroke-width": 2.5,
      },
    });
    for (const [source, data] of Object.entries(this.#data)) this.#put(source, data);
  }

  #put(source: string, data: GeoJSON.FeatureCollection): void {
    this.#data[source] = data;
    this.#map.getSource<GeoJSONSource>(source)?.setData(data);
  }
}
