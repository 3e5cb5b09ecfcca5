/** The records of the density API, as `/v1` answers them. Times are ISO 8601 UTC; a missing figure is null. */

/**
 * The windows the page offers, of those of the service: of most minutes a camera gives no clip, and a day is one figure
 * where the page draws the curve through it.
 */
export const WIDTHS = ["5m", "15m", "60m"] as const;
export type Width = (typeof WIDTHS)[number];

/** What is usual here: known from its own past, borrowed from places like it, not known yet, or never looked for. */
export type BaselineState = "ok" | "borrowed" | "insufficient_history" | "none";

export type TrustState = "observed" | "partial" | "missing";

/** One series of one zone in one half-open window [start, end). */
export interface Reading {
  readonly zone: string;
  readonly camera: string;
  readonly class: string;
  readonly window: string;
  readonly start: string;
  readonly end: string;
  readonly mean: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly peak: number | null;
  readonly stationary_share: number | null;
  /** The area of the zone on the ground, by which the mean becomes a density; null where it was not calibrated. */
  readonly area_m2: number | null;
  /** Standard error of the area, as a share of it. */
  readonly calibration_error: number | null;
  readonly density_per_100m2: number | null;
  readonly density_low: number | null;
  readonly density_high: number | null;
  readonly crowded_share: number | null;
  readonly occupancy_share: number | null;
  readonly comfort_fruin: string | null;
  readonly comfort_tfl: string | null;
  /** What is usual in such a window; null where that is not known. */
  readonly baseline: number | null;
  /** The usual range: nine of ten such windows lie in it. */
  readonly baseline_low: number | null;
  readonly baseline_high: number | null;
  /** Observed to usual, with its 90 % interval; null where either is not known. */
  readonly index: number | null;
  readonly index_low: number | null;
  readonly index_high: number | null;
  readonly baseline_state: BaselineState;
  readonly baseline_reason: string | null;
  readonly coverage: number;
  readonly clips_counted: number;
  readonly clips_expected: number;
  readonly state: TrustState;
  readonly reason: string | null;
  readonly revision: number;
}

export interface Camera {
  readonly id: string;
  readonly name: string;
  readonly lat: number;
  readonly lon: number;
  readonly timezone: string;
  readonly cadence_s: number;
  readonly zones: readonly string[];
  /** Which calibration; null where it has none, and so no densities. */
  readonly plane: string | null;
  readonly plane_method: "rendered" | "points" | "sizes" | null;
  readonly plane_error_m: number | null;
  readonly last_event_time: string | null;
  readonly last_status: string | null;
  readonly last_reason: string | null;
  readonly last_counted: string | null;
  readonly state: CameraState | null;
  readonly state_since: string | null;
  readonly state_reason: string | null;
}

/** How a camera is: only a live one gives figures; of a waiting one nothing is known. */
export type CameraState = "waiting" | "live" | "stale" | "unreachable" | "withdrawn" | "faulty" | "moved";

/** How a camera is now. Null where nothing was ever told of it. */
export interface Health {
  readonly id: string;
  readonly name: string;
  readonly state: CameraState | null;
  readonly since: string | null;
  readonly reason: string | null;
  readonly last_event_time: string | null;
  readonly age_s: number | null;
  readonly last_counted: string | null;
}

/** A stretch of time, half-open, that a camera was in one state. */
export interface Stretch {
  readonly camera: string;
  readonly state: CameraState;
  readonly start: string;
  readonly end: string;
  readonly duration_s: number;
  readonly reason: string | null;
}

/** The stretches of a period: those of a camera follow each other without a gap. */
export interface States {
  readonly states: readonly Stretch[];
  readonly start: string;
  readonly end: string;
}

export type ZoneKind = "view" | "pavement" | "carriageway" | "crossing" | "cycle_lane" | "bus_stop";

/** A counted part of a camera's picture; `area_m2` and what follows are null where it is not calibrated. */
export interface Zone {
  readonly id: string;
  readonly camera: string;
  readonly name: string;
  readonly kind: ZoneKind;
  readonly effective_width_m: number | null;
  readonly area_m2: number | null;
  /** Standard error of the area, as a share of it. */
  readonly area_error: number | null;
  /** What was cut off as too far or beyond the horizon. */
  readonly cut: string | null;
  /** Where it lies on the ground. */
  readonly outline: GeoJSON.Polygon | null;
}

export interface Basemap {
  readonly url: string;
  readonly attribution: string | null;
}

export interface About {
  readonly name: string;
  readonly notice: string | null;
  readonly classes: readonly string[];
  readonly basemap: Basemap | null;
  readonly outlines: boolean;
  /** Whether an operator at the machine itself can calibrate cameras. */
  readonly calibrates: boolean;
  readonly version: string;
}

/** Event time of the first and the last clip stored, in ms since the epoch. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

/** What is shown: the number present against what is usual, the number itself, or the number to 100 m2 of ground. */
export const MEASURES = ["index", "number", "density"] as const;
export type Measure = (typeof MEASURES)[number];

/** The zone that stands for a camera on the map and in the list: the first of those it counts. */
export function headlineZone(camera: Camera | undefined): string | undefined {
  return camera?.zones[0];
}
