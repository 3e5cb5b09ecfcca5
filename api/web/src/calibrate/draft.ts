/** A camera's site while it is drawn. Every edit makes a new draft; an edit that cannot be gives the same one. */

import { zoneName } from "./kinds.ts";
import type { MapPoint, PointPx, Site, ZoneFeature, ZoneKind } from "./site.ts";

export interface DraftZone {
  readonly id: string;
  readonly name: string;
  readonly kind: ZoneKind;
  readonly width_m: number | null;
  /** Each corner once. */
  readonly corners: readonly PointPx[];
}

export interface Draft {
  readonly zones: readonly DraftZone[];
  readonly points: readonly MapPoint[];
  /** The corners of the zone that is being drawn. */
  readonly ring: readonly PointPx[];
  /** A point of the picture whose place on the map is still to be shown. */
  readonly pending: PointPx | null;
}

export const LEAST_CORNERS = 3;
export const LEAST_POINTS = 4;
const POINT_ERROR_M = 0.3;

export function draftOf(site: Site): Draft {
  return {
    zones: site.zones.features.map(({ id, properties, geometry }) => ({
      id,
      name: properties.name,
      kind: properties.kind,
      width_m: properties.effective_width_m,
      corners: geometry.coordinates[0].slice(0, -1),
    })),
    points: site.map_points,
    ring: [],
    pending: null,
  };
}

/** The site with what is drawn in it, not fitted yet. What is half drawn is no part of it. */
export function siteOf(site: Site, draft: Draft): Site {
  const features = draft.zones.map(
    ({ id, name, kind, width_m, corners }): ZoneFeature => ({
      type: "Feature",
      id,
      properties: { name, kind, effective_width_m: width_m },
      geometry: { type: "Polygon", coordinates: [[...corners, ...corners.slice(0, 1)]] },
    }),
  );
  return { ...site, zones: { type: "FeatureCollection", features }, map_points: draft.points, fitted: null };
}

/** Whether both say the same of the site, whatever is half drawn. */
export function sameSite(a: Draft, b: Draft): boolean {
  return a === b || JSON.stringify([a.zones, a.points]) === JSON.stringify([b.zones, b.points]);
}

/** A place in the picture, to a tenth of a pixel and inside of it. */
export function inside([x, y]: PointPx, { width, height }: Pick<Site, "width" | "height">): PointPx {
  const within = (value: number, most: number): number => Math.round(Math.min(Math.max(value, 0), most) * 10) / 10;
  return [within(x, width), within(y, height)];
}

function replaced<T>(all: readonly T[], at: number, next: T): readonly T[] {
  return all.map((each, index) => (index === at ? next : each));
}

function without<T>(all: readonly T[], at: number): readonly T[] {
  return all.filter((_, index) => index !== at);
}

function withCorners(draft: Draft, at: number, corners: (before: readonly PointPx[]) => readonly PointPx[]): Draft {
  const zone = draft.zones[at];
  return zone ? { ...draft, zones: replaced(draft.zones, at, { ...zone, corners: corners(zone.corners) }) } : draft;
}

export function addCorner(draft: Draft, px: PointPx): Draft {
  return { ...draft, ring: [...draft.ring, px] };
}

export function moveRingCorner(draft: Draft, at: number, px: PointPx): Draft {
  return { ...draft, ring: replaced(draft.ring, at, px) };
}

export function removeRingCorner(draft: Draft, at: number): Draft {
  return { ...draft, ring: without(draft.ring, at) };
}

export function dropRing(draft: Draft): Draft {
  return draft.ring.length > 0 ? { ...draft, ring: [] } : draft;
}

/** The id and the name of the next zone of a kind: `06710:pavement-2`, `Pavement 2`. */
function christened(draft: Draft, camera: string, kind: ZoneKind): Pick<DraftZone, "id" | "name"> {
  const taken = new Set(draft.zones.map((zone) => zone.id));
  for (let serial = 1; ; serial += 1) {
    const id = `${camera}:${kind.replace("_", "-")}-${serial}`;
    if (!taken.has(id)) return { id, name: zoneName(kind, serial) };
  }
}

/** Make a zone of what was drawn; with too few corners it stays as it is. */
export function closeRing(draft: Draft, camera: string, kind: ZoneKind): Draft {
  if (draft.ring.length < LEAST_CORNERS) return draft;
  const zone = { ...christened(draft, camera, kind), kind, width_m: null, corners: draft.ring };
  return { ...draft, zones: [...draft.zones, zone], ring: [] };
}

export function moveCorner(draft: Draft, zone: number, at: number, px: PointPx): Draft {
  return withCorners(draft, zone, (corners) => replaced(corners, at, px));
}

/** A new corner after the one at `at`, where given or midway to the next. */
export function insertCorner(draft: Draft, zone: number, at: number, px?: PointPx): Draft {
  return withCorners(draft, zone, (corners) => [
    ...corners.slice(0, at + 1),
    px ?? midway(corners, at),
    ...corners.slice(at + 1),
  ]);
}

/** Midway from a corner to the next one. */
export function midway(corners: readonly PointPx[], at: number): PointPx {
  const [ax, ay] = corners[at] ?? [0, 0];
  const [bx, by] = corners[(at + 1) % corners.length] ?? [ax, ay];
  return [(ax + bx) / 2, (ay + by) / 2];
}

/** A zone keeps three corners. */
export function removeCorner(draft: Draft, zone: number, at: number): Draft {
  if ((draft.zones[zone]?.corners.length ?? 0) <= LEAST_CORNERS) return draft;
  return withCorners(draft, zone, (corners) => without(corners, at));
}

export function removeZone(draft: Draft, at: number): Draft {
  return { ...draft, zones: without(draft.zones, at) };
}

export function changeZone(draft: Draft, at: number, patch: Partial<Pick<DraftZone, "name" | "width_m">>): Draft {
  const zone = draft.zones[at];
  return zone ? { ...draft, zones: replaced(draft.zones, at, { ...zone, ...patch }) } : draft;
}

/**
 * Give a zone another kind. One that was never saved (its id is not in `saved`) is called after its new kind; of one
 * that was, counts are stored under its id, so it keeps it.
 */
export function changeKind(
  draft: Draft,
  at: number,
  kind: ZoneKind,
  camera: string,
  saved: ReadonlySet<string>,
): Draft {
  const zone = draft.zones[at];
  if (!zone || zone.kind === kind) return draft;
  if (saved.has(zone.id)) return { ...draft, zones: replaced(draft.zones, at, { ...zone, kind }) };
  const fresh = christened(draft, camera, kind);
  const serial = Number(zone.id.slice(zone.id.lastIndexOf("-") + 1));
  const name = zone.name === zoneName(zone.kind, serial) ? fresh.name : zone.name;
  return { ...draft, zones: replaced(draft.zones, at, { ...zone, kind, id: fresh.id, name }) };
}

export function placePending(draft: Draft, px: PointPx | null): Draft {
  return { ...draft, pending: px };
}

/** Say where on the map the pending point is. */
export function matchPending(draft: Draft, lat: number, lon: number): Draft {
  if (draft.pending === null) return draft;
  const what = `point ${draft.points.length + 1}`;
  const point = { px: draft.pending, lat, lon, error_m: POINT_ERROR_M, what };
  return { ...draft, points: [...draft.points, point], pending: null };
}

export function changePoint(draft: Draft, at: number, patch: Partial<MapPoint>): Draft {
  const point = draft.points[at];
  return point ? { ...draft, points: replaced(draft.points, at, { ...point, ...patch }) } : draft;
}

export function removePoint(draft: Draft, at: number): Draft {
  return { ...draft, points: without(draft.points, at) };
}
