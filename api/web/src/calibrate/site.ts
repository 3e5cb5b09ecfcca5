/** The records of a camera's calibration, as the service reads and writes them (`core/site.py`, `core/ground.py`). */

import type { ZoneKind } from "../types.ts";

export type { ZoneKind };

/** Pixels of the camera's own picture: x right and y down from its top left corner. */
export type PointPx = readonly [x: number, y: number];

/** (longitude, latitude), WGS84 degrees. */
export type Place = readonly [lon: number, lat: number];

export const KINDS: readonly ZoneKind[] = ["pavement", "carriageway", "crossing", "cycle_lane", "bus_stop", "view"];

export interface ZoneFeature {
  readonly type: "Feature";
  readonly id: string;
  readonly properties: {
    readonly name: string;
    readonly kind: ZoneKind;
    readonly effective_width_m: number | null;
  };
  /** One ring, whose last corner is its first. */
  readonly geometry: { readonly type: "Polygon"; readonly coordinates: readonly [readonly PointPx[]] };
}

export interface MapPoint {
  readonly px: PointPx;
  readonly lat: number;
  readonly lon: number;
  readonly error_m: number;
  readonly what: string;
}

export interface KnownLength {
  readonly from_px: PointPx;
  readonly to_px: PointPx;
  readonly length_m: number;
  readonly error_m: number;
  readonly what: string;
}

export interface KnownHeight {
  readonly foot_px: PointPx;
  readonly top_px: PointPx;
  readonly height_m: number;
  readonly error_m: number;
  readonly what: string;
}

export interface ParallelLines {
  readonly lines: readonly (readonly [PointPx, PointPx])[];
  readonly bearing_deg: number | null;
  readonly what: string;
}

export interface KnownSizes {
  readonly lengths: readonly KnownLength[];
  readonly heights: readonly KnownHeight[];
  readonly parallels: readonly ParallelLines[];
}

/** The plane people stand on: (east w, north w, w) = H (x, y, 1), metres from (lat, lon). */
export interface GroundPlane {
  readonly method: "rendered" | "points" | "sizes";
  readonly lat: number;
  readonly lon: number;
  /** Row-major 3x3. */
  readonly image_to_ground: readonly number[];
  readonly lens_k1: number;
  readonly error_m: number | null;
  readonly left_out_m: number | null;
}

export interface PointError {
  readonly what: string;
  readonly error_px: number;
  readonly error_m: number | null;
  readonly left_out_m: number | null;
  readonly used: boolean;
}

export interface Fit {
  readonly plane: GroundPlane;
  readonly points: readonly PointError[];
  readonly warnings: readonly string[];
}

/** One camera's file. What this page does not edit passes through it unchanged. */
export interface Site {
  readonly camera: string;
  readonly width: number;
  readonly height: number;
  readonly lat: number;
  readonly lon: number;
  readonly zones: { readonly type: "FeatureCollection"; readonly features: readonly ZoneFeature[] };
  readonly map_points: readonly MapPoint[];
  readonly sizes: KnownSizes | null;
  readonly fitted: Fit | null;
}

export interface Opened {
  readonly site: Site;
  readonly camera: { readonly id: string; readonly name: string; readonly lat: number; readonly lon: number };
  readonly can_save: boolean;
  readonly why_not: string | null;
}

export interface Refusal {
  readonly message: string;
  readonly remedy: string;
}

export interface JudgedZone {
  readonly id: string;
  readonly refused: Refusal | null;
  readonly area_m2: number | null;
  /** Standard error of the area, as a share of it. */
  readonly area_error: number | null;
  readonly length_m: number | null;
  readonly most_px_per_m: number | null;
  readonly least_px_per_m: number | null;
  readonly cut: string | null;
  readonly outline: readonly Place[] | null;
}

/** What the service thinks of a site as it is drawn now. */
export interface Judgement {
  readonly fit: Fit | null;
  readonly refused: Refusal | null;
  readonly zones: readonly JudgedZone[];
  /** Lines of 5 m on the ground, in pixels. */
  readonly grid: readonly (readonly PointPx[])[];
  readonly horizon: readonly [PointPx, PointPx] | null;
  readonly height_m: number | null;
  readonly height_error_m: number | null;
}

/** How far the median background of the camera's clips has come. */
export interface Gathering {
  readonly state: "gathering" | "ready" | "refused";
  readonly clips: number;
  readonly of: number;
  readonly reason: string | null;
}
