/** Hotspots for the map, the list and the card: the places that are unusual together with those around them. */

import { type Span, windowLabel } from "./time.ts";
import type { Camera } from "./types.ts";
import type { Direction } from "./unusual_layers.ts";
import type { Hotspot, HotspotAnswer } from "./unusual_types.ts";

/** What is known of the hotspots of one window. */
export interface HotspotsFound {
  /** Hexagons that are hotspots, by their id, and zones that are, by theirs. */
  readonly cells: ReadonlyMap<string, Hotspot>;
  readonly zones: ReadonlyMap<string, Hotspot>;
  /** Hexagons, zones on the ground and rings around cameras, as the map draws them. */
  readonly drawn: GeoJSON.FeatureCollection;
  /** How many places could be judged and what was found. */
  readonly words: string;
  /** The window it is of. */
  readonly window: Span;
}

/** What was found, with the window where it is another than the one shown. */
export function hotspotsTold({ words, window }: HotspotsFound, shown: number | null, tz: string): string {
  const { start, end } = window;
  return start === shown ? words : `${windowLabel(start, end, tz)}: ${words}`;
}

export function isHotspot({ verdict, confidence }: Hotspot): boolean {
  return (verdict === "too_busy" || verdict === "too_quiet") && confidence !== null;
}

const ARROWS: Readonly<Record<Direction, string>> = { too_busy: "▲", too_quiet: "▼" };

/** `▲ 95%`: on the map the direction is said by more than its colour. */
export function hotspotLabel({ verdict, confidence }: Hotspot): string {
  return `${ARROWS[verdict as Direction]} ${Math.round((confidence ?? 0) * 100)}%`;
}

/** `busier than usual with 95% confidence` */
export function hotspotWords({ verdict, confidence }: Hotspot): string {
  const which = verdict === "too_busy" ? "busier" : "quieter";
  return `${which} than usual with ${Math.round((confidence ?? 0) * 100)}% confidence`;
}

function feature(place: string, id: string, spot: Hotspot, geometry: GeoJSON.Geometry): GeoJSON.Feature {
  const { verdict, confidence } = spot;
  return { type: "Feature", geometry, properties: { place, id, verdict, confidence, label: hotspotLabel(spot) } };
}

/** The surest of the hotspots among the zones of each camera. */
function byCamera(spots: Iterable<Hotspot>): Map<string, Hotspot> {
  const surest = new Map<string, Hotspot>();
  for (const spot of spots) {
    const before = spot.camera === null ? undefined : surest.get(spot.camera);
    if (spot.camera !== null && (spot.confidence ?? 0) > (before?.confidence ?? 0)) surest.set(spot.camera, spot);
  }
  return surest;
}

/** From the answers for hexagons and for zones. */
export function foundHotspots(
  cells: HotspotAnswer,
  zones: HotspotAnswer,
  cameras: ReadonlyMap<string, Camera>,
): HotspotsFound {
  const drawn: GeoJSON.Feature[] = [];
  const found = { cells: new Map<string, Hotspot>(), zones: new Map<string, Hotspot>() };
  for (const { geometry, properties: spot } of cells.features) {
    if (spot.cell === null || !isHotspot(spot)) continue;
    found.cells.set(spot.cell, spot);
    drawn.push(feature("cell", spot.cell, spot, geometry));
  }
  for (const { geometry, properties: spot } of zones.features) {
    if (spot.zone === null || !isHotspot(spot)) continue;
    found.zones.set(spot.zone, spot);
    if (geometry.type === "Polygon") drawn.push(feature("zone", spot.zone, spot, geometry));
  }
  for (const [id, spot] of byCamera(found.zones.values())) {
    const camera = cameras.get(id);
    if (camera) drawn.push(feature("camera", id, spot, { type: "Point", coordinates: [camera.lon, camera.lat] }));
  }
  const words = [...zones.looked].map((each) => each.words).join(" ");
  const window = { start: Date.parse(zones.start), end: Date.parse(zones.end) };
  return { ...found, drawn: { type: "FeatureCollection", features: drawn }, words, window };
}
