import assert from "node:assert/strict";
import { test } from "node:test";

import { CLASS_COUNT, breaks, classLabels, classOf, colour, radius } from "../src/colours.ts";
import { takeApart, tickStep } from "../src/day.ts";
import { lastCounted } from "../src/figures.ts";
import { coverage, figure, meanWithInterval, percent, reasonOf, tooNarrow } from "../src/format.ts";
import { centroid } from "../src/places.ts";
import { SCALES, markOf } from "../src/scales.ts";
import type { Camera, Reading } from "../src/types.ts";
import { keepsItsOrder } from "./sight.ts";

const QUARTER_MS = 900_000;
const EIGHT = Date.parse("2017-03-09T08:00:00Z");

/** The reading of the quarter-hour `position` after eight; a mean of null is a missing one. */
function reading(position: number, mean: number | null, fields: Partial<Reading> = {}): Reading {
  const start = EIGHT + position * QUARTER_MS;
  return {
    zone: "06710:view",
    camera: "06710",
    class: "people",
    window: "15m",
    start: new Date(start).toISOString(),
    end: new Date(start + QUARTER_MS).toISOString(),
    mean,
    low: mean === null ? null : mean - 1,
    high: mean === null ? null : mean + 1,
    peak: mean === null ? null : mean + 2,
    stationary_share: null,
    area_m2: null,
    calibration_error: null,
    density_per_100m2: null,
    density_low: null,
    density_high: null,
    crowded_share: null,
    occupancy_share: null,
    comfort_fruin: null,
    comfort_tfl: null,
    baseline: null,
    baseline_low: null,
    baseline_high: null,
    index: null,
    index_low: null,
    index_high: null,
    baseline_state: "none",
    baseline_reason: null,
    coverage: mean === null ? 0 : 1,
    clips_counted: mean === null ? 0 : 3,
    clips_expected: 3,
    state: mean === null ? "missing" : "observed",
    reason: mean === null ? "no clip received" : null,
    revision: 1,
    ...fields,
  };
}

test("a missing figure is never written as zero", () => {
  assert.equal(figure(null), "—");
  assert.equal(percent(null), "—");
  assert.equal(meanWithInterval(reading(0, null)), "—");
  assert.equal(reasonOf(reading(0, null)), "no clip received");
});

test("figures carry their interval and lose decimals that say nothing", () => {
  assert.equal(meanWithInterval(reading(0, 12.34)), "12.3 (11.3–13.3)");
  assert.equal(figure(0), "0.0");
  assert.equal(figure(99.96), "100");
  assert.equal(figure(1234.5), "1,235");
  assert.equal(coverage(reading(0, 1, { clips_counted: 1, coverage: 1 / 3 })), "1 of 3 clips (33%)");
});

test("a class holds its lower bound and the scale has a label and a colour for each", () => {
  assert.equal(classOf(0, "people"), 0);
  assert.equal(classOf(0.999, "people"), 0);
  assert.equal(classOf(1, "people"), 1);
  assert.equal(classOf(5_000, "people"), 6);
  assert.deepEqual(classLabels(breaks("people")), ["under 1", "1–2", "2–5", "5–10", "10–20", "20–50", "50+"]);
  assert.ok(breaks("bus").every((bound, at) => bound < (breaks("people")[at] ?? 0)));
});

test("to every eye each busier class is plainly darker on a light page, plainly lighter on a dark one", () => {
  keepsItsOrder(colour, CLASS_COUNT);
});

test("a busier class has the larger mark", () => {
  assert.ok(Array.from({ length: CLASS_COUNT - 1 }, (_, at) => radius(at + 1) > radius(at)).every(Boolean));
});

test("where a window is narrower than a camera's cadence a width is advised that is not", () => {
  const every = (cadence_s: number): Camera => ({ cadence_s }) as Camera;
  assert.equal(tooNarrow(every(300), "5m"), null);
  assert.equal(tooNarrow(every(600), "5m"), "A clip every 10 min: choose 15 min or more");
  assert.equal(tooNarrow(every(600), "15m"), null);
  assert.equal(tooNarrow(every(7_200), "60m"), "A clip every 120 min: not every window has one");
});

test("a mark says by its shape whether there is a count and whether it is whole", () => {
  const mark = (of: Reading | undefined): string => markOf(of, SCALES.number, "people");
  assert.equal(mark(undefined), "missing");
  assert.equal(mark(reading(0, null)), "missing");
  assert.equal(mark(reading(0, 3)), "number-2");
  assert.equal(mark(reading(0, 3, { state: "partial" })), "number-2-partial");
  assert.equal(markOf(reading(0, 3), SCALES.density, "people"), "unknown");
});

test("a day falls into runs and gaps, neighbours of one reason together, past and future left out", () => {
  const card = { reason: "placeholder" };
  const [before, after] = [reading(-1, null), reading(6, null)];
  const counted = [reading(0, 1), reading(1, 2), reading(5, 0)];
  const missing = [reading(2, null), reading(3, null), reading(4, null, card)];
  const readings = [before, ...counted.slice(0, 2), ...missing, ...counted.slice(2), after];
  const day = takeApart(readings, { start: EIGHT, end: EIGHT + 5 * QUARTER_MS });
  assert.deepEqual(day.runs.map((run) => run.map((each) => each.mean)), [[1, 2], [0]]);
  assert.deepEqual(day.gaps, [
    { start: EIGHT + 2 * QUARTER_MS, end: EIGHT + 4 * QUARTER_MS, reason: "no clip received" },
    { start: EIGHT + 4 * QUARTER_MS, end: EIGHT + 5 * QUARTER_MS, reason: "placeholder" },
  ]);
});

test("the last count before a gap is found, and none is none", () => {
  const day = [reading(0, 1), reading(1, null), reading(2, null)];
  assert.equal(lastCounted(day, "06710:view", day[2]?.start ?? ""), EIGHT + QUARTER_MS);
  assert.equal(lastCounted(day, "06710:view", day[0]?.start ?? ""), null);
  assert.equal(lastCounted(day, "another", day[2]?.start ?? ""), null);
});

test("axis steps are round", () => {
  assert.deepEqual([0.9, 3, 12, 36, 240].map((top) => tickStep(top, 4)), [0.5, 1, 5, 10, 100]);
});

test("a name stands at the centroid", () => {
  const square = [[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]];
  assert.deepEqual(centroid(square), [2, 1]);
  assert.deepEqual(centroid(square.toReversed()), [2, 1]);
});
