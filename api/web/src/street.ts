/** What the map draws of zones that lie on known ground. */

import type { Frame } from "./figures.ts";
import { fillName } from "./fills.ts";
import { SCALES } from "./scales.ts";
import type { Camera, Measure, Zone } from "./types.ts";

/** As near as this the zones are drawn: farther off they are specks. */
export const STREET_ZOOM = 15.5;

export type Corner = readonly [number, number];

/** The corners of a polygon, as (longitude, latitude); none of another shape. */
export function ringOf(shape: GeoJSON.Geometry | null): Corner[] {
  const ring = shape?.type === "Polygon" ? shape.coordinates[0] : [];
  return (ring ?? []).map(([lon = 0, lat = 0]): Corner => [lon, lat]);
}

/** The corners of zones on the ground. */
export function corners(zones: readonly Zone[]): Corner[] {
  return zones.flatMap(({ outline }) => ringOf(outline));
}

/**
 * Zones on known ground for the map: `fill` is one of the pictures of `marks.ts`, `state` draws the outline, by their
 * `area` the smaller are laid upon the larger. They are filled by how they compare with usual where marks are, and else
 * by their density: on the ground a number means little.
 */
export function zoneFeatures(
  zones: readonly Zone[],
  frame: Frame,
  series: string,
  measure: Measure,
): GeoJSON.FeatureCollection {
  const scale = SCALES[measure === "index" ? "index" : "density"];
  const features = zones.flatMap((zone): GeoJSON.Feature[] => {
    if (!zone.outline) return [];
    const reading = frame.get(zone.id);
    const at = reading ? scale.classOf(reading, series) : null;
    const properties = {
      id: zone.id,
      camera: zone.camera,
      fill: fillName(scale, at),
      state: at === null ? "missing" : reading?.state,
      label: reading && at !== null ? scale.figure(scale.value(reading)) : "",
      area: zone.area_m2,
    };
    return [{ type: "Feature", geometry: zone.outline, properties }];
  });
  return { type: "FeatureCollection", features };
}

/** About how far from its camera a zone may lie. */
const REACH_DEGREES = 0.004;

/** A part of the map, in degrees. */
export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** The calibrated cameras whose zones may be in a part of the map. */
export function calibratedNear(cameras: Iterable<Camera>, { west, south, east, north }: Bounds): Camera[] {
  const within = (value: number, least: number, most: number): boolean =>
    value >= least - REACH_DEGREES && value <= most + REACH_DEGREES;
  const near = ({ lon, lat }: Camera): boolean => within(lon, west, east) && within(lat, south, north);
  return [...cameras].filter((camera) => camera.plane !== null && near(camera));
}

/** Whether any of the zones reaches into a part of the map, by their bounding boxes. */
export function anyWithin(zones: readonly Zone[], { west, south, east, north }: Bounds): boolean {
  return zones.some((zone) => {
    const at = corners([zone]);
    if (at.length === 0) return false;
    const lons = at.map(([lon]) => lon);
    const lats = at.map(([, lat]) => lat);
    const beside = Math.max(...lons) < west || Math.min(...lons) > east;
    return !beside && Math.max(...lats) >= south && Math.min(...lats) <= north;
  });
}
