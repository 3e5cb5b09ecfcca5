/** What the map is drawn with: a plain ground, outlines of our own, cameras, and a basemap where one is reachable. */

import type {
  ExpressionSpecification,
  FillLayerSpecification,
  FilterSpecification,
  LayerSpecification,
  StyleSpecification,
} from "maplibre-gl";

import { fillColours } from "./fills.ts";
import { FONT, type Palette, palette } from "./palette.ts";
import { STREET_ZOOM } from "./street.ts";
import type { Basemap } from "./types.ts";
import { cellLayers, changeLayers, ringLayers, zoneRimLayers } from "./unusual_layers.ts";

export const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

const POLYGON: FilterSpecification = ["==", ["geometry-type"], "Polygon"];

/** Our own ground lies below a basemap and shows through where a tile does not come; on top it would contradict it. */
function groundLayers(ink: Palette): LayerSpecification[] {
  return [
    { id: "ground", type: "background", paint: { "background-color": ink.ground } },
    { id: "land", type: "fill", source: "outlines", filter: POLYGON, paint: { "fill-color": ink.land } },
    {
      id: "river",
      type: "line",
      source: "outlines",
      filter: ["==", ["geometry-type"], "LineString"],
      layout: { "line-join": "round", "line-cap": "round" },
      paint: {
        "line-color": ink.water,
        "line-width": ["interpolate", ["exponential", 1.6], ["zoom"], 9, 3, 14, 18],
      },
    },
    {
      id: "borders",
      type: "line",
      source: "outlines",
      filter: POLYGON,
      paint: { "line-color": ink.border, "line-width": 1 },
    },
    {
      id: "places",
      type: "symbol",
      source: "places",
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 9, 10, 13, 14],
        "text-max-width": 7,
        "text-padding": 6,
        // A place gives way to the cameras on it.
        "text-variable-anchor": ["center", "top", "bottom", "left", "right"],
        "text-radial-offset": 0.8,
      },
      paint: { "text-color": ink.place, "text-halo-color": ink.halo, "text-halo-width": 1.2 },
    },
  ];
}

/** Zones on the ground. Opaque, so that a colour is that of the legend; the outline says how far it can be trusted. */
function zoneLayers(ink: Palette, dark: boolean): LayerSpecification[] {
  const shared = { source: "zones", minzoom: STREET_ZOOM } as const;
  // The larger lie below the smaller, whether they have a figure or not: so all of them are of one layer of pictures.
  const layout: FillLayerSpecification["layout"] = { "fill-sort-key": ["-", 0, ["get", "area"]] };
  // Where pictures join, specks of what is below show through: it is of their colour.
  const colours = ["literal", Object.fromEntries(fillColours(dark, ink.halo))] as ExpressionSpecification;
  const colour: ExpressionSpecification = ["to-color", ["get", ["get", "fill"], colours]];
  return [
    { ...shared, id: "zone-grounds", type: "fill", layout, paint: { "fill-color": colour } },
    { ...shared, id: "zones", type: "fill", layout, paint: { "fill-pattern": ["get", "fill"] } },
    {
      ...shared,
      id: "zones-chosen",
      type: "line",
      filter: ["in", ["get", "id"], ["literal", []]],
      layout: { "line-join": "round" },
      paint: { "line-color": ink.focus, "line-width": ["interpolate", ["linear"], ["zoom"], 16, 4.5, 19, 8] },
    },
    {
      ...shared,
      id: "zone-outlines",
      type: "line",
      filter: ["!=", ["get", "state"], "partial"],
      layout: { "line-join": "round" },
      paint: { "line-color": ["match", ["get", "state"], "missing", ink.missing, ink.text], "line-width": 1.5 },
    },
    {
      ...shared,
      id: "zone-outlines-broken",
      type: "line",
      filter: ["==", ["get", "state"], "partial"],
      layout: { "line-join": "round" },
      paint: { "line-color": ink.halo, "line-width": ["interpolate", ["linear"], ["zoom"], 16, 2, 19, 3] },
    },
    {
      ...shared,
      id: "zone-outlines-partial",
      type: "line",
      filter: ["==", ["get", "state"], "partial"],
      paint: {
        "line-color": ink.text,
        "line-width": ["interpolate", ["linear"], ["zoom"], 16, 1.25, 19, 2],
        "line-dasharray": [3, 2],
      },
    },
    {
      ...shared,
      id: "zone-labels",
      type: "symbol",
      minzoom: STREET_ZOOM + 1.5,
      layout: { "text-field": ["get", "label"], "text-font": FONT, "text-size": 12 },
      paint: { "text-color": ink.text, "text-halo-color": ink.halo, "text-halo-width": 2 },
    },
  ];
}

function cameraLayers(ink: Palette): LayerSpecification[] {
  return [
    {
      id: "chosen",
      type: "circle",
      source: "cameras",
      filter: ["in", ["get", "id"], ["literal", []]],
      paint: {
        "circle-radius": 18,
        "circle-color": ink.focus,
        "circle-opacity": 0.18,
        "circle-stroke-color": ink.focus,
        "circle-stroke-width": 2.5,
      },
    },
    {
      id: "cameras",
      type: "symbol",
      source: "cameras",
      layout: {
        "icon-image": ["get", "mark"],
        "icon-size": ["interpolate", ["linear"], ["zoom"], 9, 0.45, 11, 0.8, 12, 1],
        "icon-allow-overlap": true,
        "symbol-sort-key": ["get", "order"],
        "text-field": ["step", ["zoom"], "", 12.5, ["get", "label"]],
        "text-font": FONT,
        "text-size": 12,
        "text-anchor": "top",
        "text-offset": [0, 1.2],
        "text-optional": true,
      },
      paint: { "text-color": ink.text, "text-halo-color": ink.halo, "text-halo-width": 1.5 },
    },
  ];
}

/** The style of the map, with the basemap over the plain ground where one is given. */
export function mapStyle(dark: boolean, basemap: Basemap | null): StyleSpecification {
  const ink = palette(dark);
  const tiles: LayerSpecification[] = basemap
    ? [
        {
          id: "basemap",
          type: "raster",
          source: "basemap",
          paint: { "raster-saturation": -0.7, "raster-brightness-max": dark ? 0.45 : 1 },
        },
      ]
    : [];
  return {
    version: 8,
    sources: {
      outlines: { type: "geojson", data: EMPTY },
      places: { type: "geojson", data: EMPTY },
      zones: { type: "geojson", data: EMPTY },
      cameras: { type: "geojson", data: EMPTY },
      hotspots: { type: "geojson", data: EMPTY },
      changes: { type: "geojson", data: EMPTY },
      ...(basemap
        ? {
            basemap: {
              type: "raster" as const,
              tiles: [basemap.url],
              tileSize: 256,
              maxzoom: 19,
              ...(basemap.attribution === null ? {} : { attribution: basemap.attribution }),
            },
          }
        : {}),
    },
    layers: [
      ...groundLayers(ink),
      ...tiles,
      ...cellLayers(ink, dark),
      ...zoneLayers(ink, dark),
      ...zoneRimLayers(ink, dark),
      ...ringLayers(dark),
      ...cameraLayers(ink),
      ...changeLayers(ink),
    ],
  };
}
