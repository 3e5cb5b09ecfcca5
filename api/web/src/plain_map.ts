/** The map that both pages begin with: flat, north up, with its controls, over our own ground. */

import {
  AttributionControl,
  Map as MapLibre,
  type MapOptions,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import "maplibre-gl/dist/maplibre-gl.css";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";

import { prefersDark, prefersStillness } from "./dom.ts";
import { mapStyle } from "./style.ts";

setWorkerUrl(workerUrl);

/** Throws where the browser has no WebGL. */
export function plainMap(
  container: HTMLElement,
  options: Pick<MapOptions, "center" | "zoom" | "maxZoom" | "doubleClickZoom">,
): MapLibre {
  const map = new MapLibre({
    container,
    style: mapStyle(prefersDark(), null),
    minZoom: 2,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: prefersStillness() ? 0 : 150,
    ...options,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new ScaleControl({ unit: "metric" }), "bottom-right");
  map.addControl(new AttributionControl({ compact: true }), "bottom-right");
  // A tile that does not come leaves the plain ground, which is a map of its own; anything else is a fault of ours.
  map.on("error", (event) => {
    if (!("sourceId" in event)) console.error(event.error);
  });
  return map;
}
