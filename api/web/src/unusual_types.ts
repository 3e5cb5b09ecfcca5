/** The records of what is unusual, where to act and what was changed, as `/v1` answers them. See `types.ts`. */

import type { ZoneKind } from "./types.ts";

export type Verdict = "too_busy" | "too_quiet" | "usual" | "unknown";

/** Whether an answer stands on data. */
export type AnswerState = "ok" | "borrowed" | "missing" | "insufficient_history" | "none";

/** One place, a zone or an H3 hexagon, in one window, compared with what is usual there. */
export interface Hotspot {
  readonly zone: string | null;
  readonly camera: string | null;
  readonly cell: string | null;
  readonly zones: readonly string[];
  readonly name: string;
  readonly start: string;
  readonly end: string;
  readonly mean: number | null;
  readonly baseline: number | null;
  readonly index: number | null;
  readonly index_low: number | null;
  readonly index_high: number | null;
  readonly verdict: Verdict;
  /** 0.9, 0.95 or 0.99: that it is no chance, with regard to how many places were looked at. */
  readonly confidence: number | null;
  readonly since: string | null;
  readonly windows: number | null;
  readonly state: AnswerState;
  readonly reason: string | null;
}

/** Of how many places something could be said, and the same in a sentence. */
export interface Looked {
  readonly places: number;
  readonly known: number;
  readonly words: string;
}

export interface HotspotAnswer extends GeoJSON.FeatureCollection<GeoJSON.Geometry, Hotspot> {
  readonly looked: readonly Looked[];
  readonly start: string;
  readonly end: string;
}

export type Grid = "cells" | "zones";

export type Trend = "worse" | "better" | "neither" | "unknown";

/** A place that is too busy again and again. */
export interface Priority {
  readonly rank: number | null;
  readonly zone: string;
  readonly camera: string;
  readonly name: string;
  readonly kind: ZoneKind;
  readonly people_hours: number | null;
  readonly people_hours_low: number | null;
  readonly people_hours_high: number | null;
  readonly trend: Trend;
  readonly words: string;
  readonly state: AnswerState;
  readonly reason: string | null;
}

export interface PriorityAnswer {
  readonly priorities: readonly Priority[];
  readonly start: string;
  readonly end: string;
  readonly looked: readonly Looked[];
}

/** A region in which more or fewer are about than usual. */
export interface Anomaly {
  readonly id: string | null;
  readonly direction: Verdict;
  readonly since: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly radius_m: number | null;
  readonly words: string;
  readonly state: AnswerState;
  readonly reason: string | null;
}

export interface AnomalyAnswer {
  readonly anomalies: readonly Anomaly[];
  readonly looked: readonly Looked[];
}

export type InterventionKind =
  | "wider_pavement"
  | "moved_bus_stop"
  | "closed_lane"
  | "closed_street"
  | "cycle_lane"
  | "crossing"
  | "signal"
  | "parking"
  | "other";

/** Something that was changed in a street. */
export interface Intervention {
  readonly id: string;
  readonly name: string;
  readonly kind: InterventionKind;
  readonly zones: readonly string[];
  readonly lat: number;
  readonly lon: number;
  readonly start: string;
  /** When it was taken back; null where it stays. */
  readonly end: string | null;
  readonly works_from: string | null;
  readonly note: string | null;
}

/** What a change did to one series, in sentences of which the first is the answer. */
export interface EffectAnswer {
  readonly state: "measured" | "uncontrolled" | "refused";
  /** Fewer, more: beyond chance. */
  readonly verdict: "fewer" | "more" | "not_told" | "none";
  readonly words: readonly string[];
  /** Each of several by itself. */
  readonly zones: readonly { readonly zone: string; readonly change: Share | null; readonly reason: string | null }[];
  /** Week by week, as the plot draws it: none where there is nothing to draw. */
  readonly weeks: readonly unknown[];
}

/** A change as a share of what would have been without it, with its 90 % interval. */
export interface Share {
  readonly change: number;
  readonly low: number;
  readonly high: number;
}
