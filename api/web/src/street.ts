/** What the map draws of zones that lie on known ground. */

import { CLASS_COUNT } from "./colours.ts";
import { densityClass } from "./densities.ts";
import type { Frame } from "./figures.ts";
import { densityFigure } from "./format.ts";
import type { Camera, Zone } from "./types.ts";

/** As near as this the zones are drawn: farther off they are specks. */
export const STREET_ZOOM = 15.5;

export type Corner = readonly [number, number];

/** The corners of zones on the ground, as (longitude, latitude). */
export function corners(zones: readonly Zone[]): Corner[] {
  const rings = zones.map(({ outline }) => outline?.coordinates[0] ?? []);
  return rings.flatMap((ring) => ring.map(([lon = 0, lat = 0]): Corner => [lon, lat]));
}

/**
 * Zones on known ground for the map: `fill` is one of the pictures of `marks.ts` for the `class` (one more than there
 * are is no figure), `state` draws the outline, by their `area` the smaller are laid upon the larger.
 */
export function zoneFeatures(zones: readonly Zone[], frame: Frame, series: string): GeoJSON.FeatureCollection {
  const features = zones.flatMap((zone): GeoJSON.Feature[] => {
    if (!zone.outline) return [];
    const reading = frame.get(zone.id);
    const density = reading?.density_per_100m2 ?? null;
    const at = density === null ? CLASS_COUNT : densityClass(density, series);
    const properties = {
      id: zone.id,
      camera: zone.camera,
      class: at,
      fill: density === null ? "no-figure" : `density-${at}`,
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
