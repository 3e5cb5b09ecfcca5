/**
 * The layers of the map that tell what is unusual and what was changed. A hotspot's colour is its direction, its line
 * how confident we are: dotted, dashed, whole.
 */

import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from "maplibre-gl";

import { indexColour } from "./indices.ts";
import { FONT, type Palette } from "./palette.ts";
import { STREET_ZOOM } from "./street.ts";

export type Direction = "too_busy" | "too_quiet";

/** How a line is drawn for each confidence. */
export const LINES = [
  { confidence: 0.9, width: 1.75, dash: [0.5, 1.75] },
  { confidence: 0.95, width: 2, dash: [3.5, 1.5] },
  { confidence: 0.99, width: 2.75, dash: null },
] as const;

/** How much of the ground a hexagon hides. */
export const HEXAGON_OPACITY = 0.22;

export function directionColour(direction: Direction, dark: boolean): string {
  return indexColour(direction === "too_busy" ? 5 : 1, dark);
}

function colourOf(dark: boolean): ExpressionSpecification {
  const [busy, quiet] = [directionColour("too_busy", dark), directionColour("too_quiet", dark)];
  return ["match", ["get", "verdict"], "too_busy", busy, quiet];
}

function of(place: string, confidence?: number): FilterSpecification {
  const placed: FilterSpecification = ["==", ["get", "place"], place];
  return confidence === undefined ? placed : ["all", placed, ["==", ["get", "confidence"], confidence]];
}

/** Hexagons of the city; in a street one would tint everything. */
export function cellLayers(ink: Palette, dark: boolean): LayerSpecification[] {
  const lines = LINES.map(({ confidence, width, dash }): LayerSpecification => ({
    id: `hot-cells-${confidence}`,
    type: "line",
    source: "hotspots",
    maxzoom: STREET_ZOOM,
    filter: of("cell", confidence),
    paint: {
      "line-color": colourOf(dark),
      "line-width": width,
      ...(dash === null ? {} : { "line-dasharray": [...dash] }),
    },
  }));
  return [
    {
      id: "hot-cells",
      type: "fill",
      source: "hotspots",
      maxzoom: STREET_ZOOM,
      filter: of("cell"),
      paint: { "fill-color": colourOf(dark), "fill-opacity": HEXAGON_OPACITY },
    },
    ...lines,
    {
      id: "hot-cell-labels",
      type: "symbol",
      source: "hotspots",
      minzoom: 10.5,
      maxzoom: STREET_ZOOM,
      filter: of("cell"),
      layout: {
        "text-field": ["get", "label"],
        "text-font": FONT,
        "text-size": 12,
        // Beside the mark of a camera in its middle.
        "text-variable-anchor": ["bottom", "top", "left", "right"],
        "text-radial-offset": 1.7,
      },
      paint: { "text-color": ink.text, "text-halo-color": ink.halo, "text-halo-width": 1.5 },
    },
  ];
}

/** Rims of zones on the ground, where the map is near enough to draw them. */
export function zoneRimLayers(ink: Palette, dark: boolean): LayerSpecification[] {
  const shared = { type: "line", source: "hotspots", minzoom: STREET_ZOOM } as const;
  const rims = LINES.map(({ confidence, width, dash }): LayerSpecification => ({
    ...shared,
    id: `hot-zones-${confidence}`,
    filter: of("zone", confidence),
    paint: {
      "line-color": colourOf(dark),
      "line-width": 2 * width,
      ...(dash === null ? {} : { "line-dasharray": [...dash] }),
    },
  }));
  return [
    {
      ...shared,
      id: "hot-zones",
      filter: of("zone"),
      layout: { "line-join": "round" },
      paint: { "line-color": ink.halo, "line-width": 8 },
    },
    ...rims,
  ];
}

/** Rings around the cameras one of whose zones is a hotspot. */
export function ringLayers(dark: boolean): LayerSpecification[] {
  return [
    {
      id: "hot-cameras",
      type: "circle",
      source: "hotspots",
      filter: of("camera"),
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 9, 8, 11, 14, 12, 18],
        "circle-color": colourOf(dark),
        "circle-opacity": 0.3,
        "circle-stroke-color": colourOf(dark),
        "circle-stroke-width": ["step", ["get", "confidence"], 1.25, 0.95, 2.5, 0.99, 4],
      },
    },
  ];
}

export function changeLayers(ink: Palette): LayerSpecification[] {
  return [
    {
      id: "changes-chosen",
      type: "circle",
      source: "changes",
      filter: ["==", ["get", "id"], ""],
      paint: {
        "circle-radius": 18,
        "circle-translate": [20, -20],
        "circle-opacity": 0,
        "circle-stroke-color": ink.focus,
        "circle-stroke-width": 3,
      },
    },
    {
      id: "changes",
      type: "symbol",
      source: "changes",
      layout: {
        "icon-image": "change",
        // Above and right of the place, which is often that of a camera.
        "icon-anchor": "bottom-left",
        "icon-offset": [7, -7],
        "icon-allow-overlap": true,
        "text-field": ["step", ["zoom"], "", 13, ["get", "name"]],
        "text-font": FONT,
        "text-size": 12,
        "text-anchor": "left",
        "text-offset": [3, -1.7],
        "text-optional": true,
      },
      paint: { "text-color": ink.text, "text-halo-color": ink.halo, "text-halo-width": 1.5 },
    },
  ];
}
