/** What the map draws of zones that lie on known ground. */

import { densityClass } from "./densities.ts";
import type { Frame } from "./figures.ts";
import { densityFigure } from "./format.ts";
import type { Camera, Zone } from "./types.ts";

/** As near as this the zones are drawn: farther off they are specks. */
export const STREET_ZOOM = 15.5;

export type Corner = readonly [number, number];

/** The corners of zones on the ground, as (longitude, latitude). */
export function corners(zones: readonly Zone[]): Corner[] {
  return zones.flatMap(({ outline }) => (outline?.coordinates[0] ?? []).map(([lon = 0, lat = 0]): Corner => [lon, lat]));
}

/**
 * Zones on known ground for the map: `fill` is one of the pictures of `marks.ts`, `state` draws the outline, by their
 * `area` the smaller are laid upon the larger.
 */
export function zoneFeatures(zones: readonly Zone[], frame: Frame, series: string): GeoJSON.FeatureCollection {
  const features = zones.flatMap((zone): GeoJSON.Feature[] => {
    if (!zone.outline) return [];
    const reading = frame.get(zone.id);
    const density = reading?.density_per_100m2 ?? null;
    const properties = {
      id: zone.id,
      camera: zone.camera,
      fill: density === null ? "no-figure" : `density-${densityClass(density, series)}`,
      state: density === null ? "missing" : reading?.state,
      label: density === null ? "" : densityFigure(density),
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
  const near = ({ lon, lat }: Camera): boolean =>
    lon >= west - REACH_DEGREES && lon <= east + REACH_DEGREES && lat >= south - REACH_DEGREES && lat <= north + REACH_DEGREES;
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
